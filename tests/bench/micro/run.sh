#!/bin/bash
# `make microbench`: runs tandem-microbench and writes its curves.    usage: run.sh BIN_FOLDER
#   MICRO_OUT=folder      where to (build/microbench; docs/performance for those that are kept)
#   MICRO_FILTER=regex    some of them: SUBJECT/CURVE/SIZE, e.g. 'queued/|matching-hot/fresh'
#   REPETITIONS=n  MIN_TIME=seconds  MICRO_CORE=n
set -euo pipefail

bin="$1"
out="${MICRO_OUT:-build/microbench}"
mkdir -p "$out"
raw="$(mktemp)"
trap 'rm -f "$raw"' EXIT

taskset -c "${MICRO_CORE:-0}" "$bin/tandem-microbench" --benchmark_filter="${MICRO_FILTER:-.}" \
  --benchmark_repetitions="${REPETITIONS:-5}" --benchmark_min_time="${MIN_TIME:-0.05}" --benchmark_display_aggregates_only=true \
  --benchmark_out="$raw" --benchmark_out_format=json
/usr/bin/python3 -B "$(dirname "$(readlink -f "$0")")/curves.py" "$raw" "$out"
cat "$out/microbench.md"
echo "$out/microbench.md"
