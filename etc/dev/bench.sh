#!/bin/bash
# `make bench`: runs tests/bench/bench.sh with Debian's Mosquitto at hand (MOSQUITTO names the program).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

MOSQUITTO="$(etc/dev/mosquitto.sh)"
export MOSQUITTO
exec tests/bench/bench.sh "$@"
