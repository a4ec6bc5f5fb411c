#!/bin/bash
# What the mirror costs and how fast it takes over, measured side by side in one run (docs/performance.md, "The mirror").
#
#   usage: [ROUNDS=3] [SECONDS=2] etc/dev/measure_mirror.sh [options of tests/bench/mirror.py]
#
# Needs what `make bench` builds; about 4 minutes, 4 GB of disk in build/bench and 3 GB of memory.
seconds=${SECONDS:-0} # bash counts in this very variable: take what the caller gave before it grows
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"
cd "$root"
bin="${BENCH_BIN:-$root/build/bin}"
[[ $seconds -gt 0 ]] || seconds=2
export ROUNDS="${ROUNDS:-3}" BENCH_BIN="$bin"
env SECONDS="$seconds" BROKERS="tandem tandem-pair" SCENARIOS="pairs-q1 durable-q1 paced-clean paced-2k" tests/bench/bench.sh
exec tests/bench/mirror.py --bin "$bin" "$@"
