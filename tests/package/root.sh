#!/bin/bash
# Makes a bare Debian 12 in a folder (debootstrap, minbase), to install the package into.
#
# usage: root.sh [--from BARE] FOLDER [PACKAGE...]
#
# BARE is a folder that root.sh made without packages: FOLDER is a copy of it, which saves half a minute. Is there none: as
# without --from.
# FOLDER must not exist. It gets this machine's package sources and lists; each PACKAGE and what it depends on is downloaded
# into its apt cache but not installed, so that `apt-get install` of these, as a person types it, works in it later without
# any network.
# A copy (cp -a) is as good as a second one. Services are not started in it by maintainer scripts (policy-rc.d says no).
# Needs root and the package debootstrap. Exit: 0 done, 1 not (FOLDER is gone again), 77 this machine cannot.
set -euo pipefail

if [[ $# -lt 1 ]]; then sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2; exit 2; fi
from=
if [[ $1 == --from ]]; then from=$2; shift 2; fi
folder=$1
shift
packages=("$@")

if [[ $(id -u) -ne 0 ]]; then echo "root.sh: needs root" >&2; exit 77; fi
if ! command -v debootstrap >/dev/null; then echo "root.sh: debootstrap is not installed" >&2; exit 77; fi
if [[ -e $folder ]]; then echo "root.sh: $folder exists" >&2; exit 1; fi

# The mirror that this machine's apt uses, else Debian's.
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Codename: bookworm" 2>/dev/null | head -1)
mirror=${mirror:-http://deb.debian.org/debian}

mkdir -p "$folder"
folder=$(readlink -f "$folder")
log=$(mktemp)
unwind() {
  rm -rf --one-file-system "$folder"
  rm -f "$log"
}
trap unwind EXIT

loudly() {  # runs a command; says its last lines if it fails
  if ! "$@" >"$log" 2>&1; then
    echo "root.sh: failed: $*" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
}

if [[ -n $from && -e $from ]]; then
  loudly cp -a --reflink=auto "$from/." "$folder"
else
  loudly env DPKG_FORCE=unsafe-io debootstrap --variant=minbase bookworm "$folder" "$mirror"
fi

printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
chmod 755 "$folder/usr/sbin/policy-rc.d"
# Speed: nobody needs this disk after a power cut.
echo force-unsafe-io >"$folder/etc/dpkg/dpkg.cfg.d/unsafe-io"
# How this machine's apt gets at its mirror (proxy, clock).
apt-config dump | grep -E '^Acquire::(Check-|http|https)' >"$folder/etc/apt/apt.conf.d/00as-outside" || true
if [[ ${#packages[@]} -gt 0 ]]; then
  cp /etc/resolv.conf "$folder/etc/resolv.conf"
  loudly env LC_ALL=C chroot "$folder" apt-get -q update
  loudly env LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$folder" apt-get -q -y --download-only \
    install "${packages[@]}"
fi
trap - EXIT
rm -f "$log"
