#!/bin/bash
# Prints the path of Debian's broker Mosquitto, to compare with. Where it is not installed its package is unpacked into
# build/bench instead: installing it would start a service on port 1883. Its libraries: group bench of packages.txt.
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"

program="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto || true)"
if [[ -z $program ]]; then
  unpacked="$root/build/bench/mosquitto"
  program="$unpacked/usr/sbin/mosquitto"
  if [[ ! -x $program ]]; then
    mkdir -p "$unpacked"
    (cd "$unpacked" && apt-get -q download mosquitto && dpkg -x mosquitto_*.deb .) >&2
  fi
fi
echo "$program"
