#!/bin/bash
# `make bench`: runs tests/bench/bench.sh with Debian's Mosquitto at hand (MOSQUITTO names the program). Where it is not
# installed its package is unpacked into build/bench instead: installing it would start a service on port 1883.
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"
cd "$root"

program="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto || true)"
if [[ -z $program ]]; then
  unpacked="$root/build/bench/mosquitto"
  program="$unpacked/usr/sbin/mosquitto"
  if [[ ! -x $program ]]; then
    mkdir -p "$unpacked"
    (cd "$unpacked" && apt-get -q download mosquitto && dpkg -x mosquitto_*.deb .)
  fi
fi
export MOSQUITTO="$program"
exec tests/bench/bench.sh "$@"
