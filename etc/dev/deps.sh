#!/bin/bash
# Installs the Debian packages of the given groups (etc/dev/packages.txt) that are missing; does nothing, and needs no
# rights, when none is.    usage: deps.sh GROUP...
set -euo pipefail

list="$(dirname "$(readlink -f "$0")")/packages.txt"

wanted=()
while read -r group package; do
  for want in "$@"; do
    if [[ $group == "$want" ]]; then wanted+=("$package"); fi
  done
done < <(grep -v '^#' "$list")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "Tandem's make targets install what they need on Debian 12; this system has no apt-get." >&2
  echo "Install the equivalents of: ${wanted[*]}" >&2
  exit 1
fi

installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' "${wanted[@]}" 2>/dev/null || true)"
missing=()
for package in "${wanted[@]}"; do
  if [[ $installed != *" $package=installed "* && " ${missing[*]-} " != *" $package "* ]]; then
    missing+=("$package")
  fi
done
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing packages, and neither root nor sudo to install them. As root:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing missing Debian packages: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
# A single source that cannot be reached is no reason to stop: the install says what is really not to be had.
"${apt[@]}" update || echo "apt-get update had errors; going on with the package lists that there are." >&2
# --no-remove: never takes a package of yours away to make room for one of ours.
if ! "${apt[@]}" install -y --no-install-recommends --no-remove "${missing[@]}"; then
  echo "Could not install: ${missing[*]}" >&2
  echo "(This needs Debian 12 \"bookworm\" with its main archive in the package sources.)" >&2
  exit 1
fi
