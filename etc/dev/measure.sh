#!/bin/bash
# Takes every figure of docs/performance.md anew, on a machine that does nothing else: raw reports, tables, goals and charts in
# docs/performance, ready to be committed. About an hour.
#
#   usage: [NAME=value ...] etc/dev/measure.sh [standard] [latency] [growth] [steps] [start]
#   ROUNDS=3; BENCH_EXTRA, BROKER_CORE and others as in tests/bench/bench.sh; SECONDS=1 for a trial of the three sets of bench.sh
#
# Parts that are not named keep their last reports. FlashMQ, the measure of the goals, takes part if BENCH_EXTRA has "flashmq=...".
seconds=${SECONDS:-0} # bash counts in this very variable: take what the caller gave before it grows
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"
cd "$root"
bin="${BENCH_BIN:-$root/build/bin}"
kept=docs/performance
rounds="${ROUNDS:-3}"
MOSQUITTO="$(etc/dev/mosquitto.sh)"
export MOSQUITTO ROUNDS="$rounds" BENCH_BIN="$bin"
mkdir -p build/bench

machine() { # how and on what this part was measured, as a JSON line
  python3 - "$rounds" "$(git describe --always 2>/dev/null || echo unknown)" <<'END'
import json, os, platform, sys, time
with open("/proc/cpuinfo") as f:
    cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
print(json.dumps({"machine": {"date": time.strftime("%Y-%m-%d %H:%M"), "load_average_before": os.getloadavg()[0], "cores": os.cpu_count(),
                              "cpu": cpu, "kernel": platform.release(), "commit": sys.argv[2], "rounds": int(sys.argv[1])}}))
END
}

measure() { # part
  local results=$root/build/bench/measure-$1.jsonl
  echo "measure: $1"
  machine >"$results"
  case $1 in
    standard)
      env SECONDS="$seconds" RESULTS="$results" BROKERS="${BROKERS:-tandem tandem-pair mosquitto relay$extra}" tests/bench/bench.sh "$1"
      ;;
    latency | growth) env SECONDS="$seconds" RESULTS="$results" tests/bench/bench.sh "$1" ;;
    steps | start) python3 -B "tests/bench/$1.py" --bin "$bin" --rounds "$rounds" --results "$results" ;;
    *) echo "measure: no part '$1'" >&2 && exit 2 ;;
  esac
  mv "$results" "$kept/$1.jsonl"
}

extra=
while IFS= read -r line; do
  [[ -z $line ]] || extra="$extra ${line%%=*}"
done <<<"${BENCH_EXTRA:-}"

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(standard latency growth steps start)
for part in "${parts[@]}"; do measure "$part"; done
python3 -B tests/bench/figures.py --bin "$bin" "$kept"
