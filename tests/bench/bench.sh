#!/bin/bash
# Measures brokers against each other: every round runs each case against each broker in turn (A B A B), each time a
# fresh broker process pinned to one core, the load on another. What the figures mean: docs/performance.md.
#
#   usage: [NAME=value ...] tests/bench/bench.sh [standard | latency | growth]
#
#   The word chooses a set of cases, of brokers and a time, each of which may be given instead:
#   ROUNDS=3            rounds
#   SECONDS=2           measured time of a run (latency: 10); WARMUP=1 before it
#   SCENARIOS="..."     cases, see below
#   BROKERS="..."       who takes part: tandem, tandem-pair (mirrored; durability peer), tandem-pair-disk,
#                       tandem-pair-peer-disk, mosquitto, relay (the floor), and the names in BENCH_EXTRA
#   AGAINST=name        ratios of every broker to this one; otherwise of the first to every other
#   RESULTS=file        where the raw reports go, otherwise build/bench/DATE.jsonl; the table goes beside it as .md
#   BENCH_EXTRA="name=command with {port} and {dir}"   other brokers, one a line: the loopback port to serve, a folder
#                       of its own. The command also finds the case in $BENCH_CASE
#   PROFILE=folder      perf's samples of the broker (of a pair the active) while a case runs go to folder/CASE.perf
#   BENCH_BIN=build/bin, MOSQUITTO=program, BROKER_CORE=0, LOAD_CORE=1, OFFLINE_MESSAGES, IDLE_CONNECTIONS,
#   STORM_CLIENTS
measured_s=${SECONDS:-0} # bash counts in this very variable: take what the caller gave before it grows
set -u
ulimit -n "$(ulimit -Hn)" # 10,000 connections
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "${BENCH_BIN:-$root/build/bin}" && pwd) || exit 2
out=$root/build/bench
rounds=${ROUNDS:-3}
warmup_s=${WARMUP:-1}
broker_core=${BROKER_CORE:-0}
load_core=${LOAD_CORE:-1}
set_name=${1:-standard}
results=${RESULTS:-$out/$(date +%Y-%m-%d_%H%M%S).jsonl}
mosquitto=${MOSQUITTO:-$(PATH=$PATH:/usr/sbin command -v mosquitto)}
mkdir -p "$out"
scratch=$(mktemp -d "$out/scratch.XXXX") # on the disk of the build folder, not in a RAM disk
pids=()
load_args=()

declare -A cases=(
  [pairs-q0]="pairs --count 50 --qos 0"
  [pairs-q1]="pairs --count 50 --qos 1"
  [pairs-q2]="pairs --count 50 --qos 2"
  [fanout-q0]="fanout --count 100 --qos 0"
  [fanout-q1]="fanout --count 100 --qos 1"
  [fanin-q1]="fanin --count 100 --qos 1"
  [shared-q1]="shared --count 50 --qos 1"
  [pairs-4k]="pairs --count 50 --qos 0 --payload 4096"
  [pairs-v5]="pairs --count 50 --qos 1 --mqtt 5"
  [durable-q1]="pairs --count 50 --qos 1 --durable"
  [durable-q2]="pairs --count 50 --qos 2 --durable"
  [paced-clean]="pairs --count 50 --qos 1 --rate 2000"
  [paced-2k]="pairs --count 50 --qos 1 --durable --rate 2000"
  [paced-20k]="pairs --count 50 --qos 1 --durable --rate 20000"
  [offline]="offline --count 50 --qos 1 --messages ${OFFLINE_MESSAGES:-100000}"
  [conns-10]="pairs --count 5 --qos 1"
  [conns-100]="pairs --count 50 --qos 1"
  [conns-1k]="pairs --count 500 --qos 1"
  [conns-10k]="pairs --count 5000 --qos 1"
  [storm]="storm --count ${STORM_CLIENTS:-10000}"
  [storm-durable]="storm --count ${STORM_CLIENTS:-10000} --durable"
  [idle]="idle --count ${IDLE_CONNECTIONS:-5000}"
)
case $set_name in
  standard)
    scenarios="pairs-q0 pairs-q1 pairs-q2 fanout-q0 fanout-q1 fanin-q1 pairs-4k pairs-v5 durable-q1 paced-2k paced-20k"
    scenarios="$scenarios offline idle"
    participants="tandem tandem-pair mosquitto"
    set_s=2
    ;;
  latency)
    scenarios="paced-2k paced-20k paced-clean"
    participants="tandem tandem-pair tandem-pair-disk tandem-pair-peer-disk mosquitto"
    set_s=10 # at 2,000 a second twenty messages are beyond p99.9
    ;;
  growth)
    scenarios="conns-10 conns-100 conns-1k conns-10k storm storm-durable"
    participants="tandem tandem-pair mosquitto"
    set_s=3
    ;;
  *) echo "bench: no set '$set_name'; there are: standard latency growth" >&2 && exit 2 ;;
esac
scenarios=${SCENARIOS:-$scenarios}
[ "$measured_s" -gt 0 ] || measured_s=$set_s
against=${AGAINST:-}
[ "$set_name" != latency ] || against=${AGAINST:-mosquitto}

declare -A extra=()
extra_names=
while IFS= read -r line; do
  [ -n "$line" ] || continue
  extra[${line%%=*}]=${line#*=}
  extra_names="$extra_names ${line%%=*}"
done <<<"${BENCH_EXTRA:-}"

stop_brokers() {
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
  for pid in ${pids[@]+"${pids[@]}"}; do
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.05  # a pace
    done
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  pids=()
}

clean_up() {
  stop_brokers
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# shellcheck source=tests/bench/brokers.sh
. "$root/tests/bench/brokers.sh"

sample() { # file; not of the start and the warm-up
  perf record -q -e cpu-clock -F 4999 -D "$((warmup_s * 1000 + 500))" -p "${pids[0]}" -o "$1" -- \
    sleep "$((warmup_s + measured_s))" >/dev/null 2>&1
}

run_case() { # case, broker, round
  local port line='' sampling=''
  port=$(free_port)
  export BENCH_CASE=$1
  start_broker "$2" "$port"
  # shellcheck disable=SC2181,SC2086 # the case is a list of words
  if [ $? -eq 0 ]; then
    if [ -n "${PROFILE:-}" ]; then
      sample "$PROFILE/$1.perf" &
      sampling=$!
    fi
    line=$(pinned "$load_core" "$bin/tandem-load" ${cases[$1]} --case "$1" --label "$2" --round "$3" --port "$port" \
      "${load_args[@]}" --seconds "$measured_s" --warmup "$warmup_s" --json)
    [ -z "$sampling" ] || wait "$sampling"
  else
    echo "bench: $2 does not serve" >&2
  fi
  [ -n "$line" ] && echo "$line" | tee -a "$results"
  stop_brokers
}

brokers=
for broker in ${BROKERS:-$participants$extra_names}; do
  if is_there "$broker"; then brokers="$brokers $broker"; else echo "bench: no $broker here, left out" >&2; fi
done
[ -n "$brokers" ] || { echo "bench: no broker to measure" >&2 && exit 1; }
[ "$(nproc)" -gt 1 ] || echo "bench: one core only, broker and load share it" >&2
for scenario in $scenarios; do
  [ -n "${cases[$scenario]:-}" ] || { echo "bench: no case '$scenario'; there are: ${!cases[*]}" >&2 && exit 2; }
done

load_average=$(cut -d ' ' -f 1 /proc/loadavg) # before we add to it: how quiet the machine is
for round in $(seq "$rounds"); do
  for scenario in $scenarios; do
    for broker in $brokers; do
      can_do "$broker" "$scenario" && run_case "$scenario" "$broker" "$round"
    done
  done
done

echo
echo "Medians (smallest-largest) of $rounds rounds of $measured_s s; load average before: $load_average; raw: $results"
echo
"$bin/tandem-bench-table" "$results" "$against" | tee "${results%.jsonl}.md"
