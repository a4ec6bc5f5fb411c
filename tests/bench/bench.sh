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
#   BENCH_BIN=build/bin, MOSQUITTO=program, BROKER_CORE=0, LOAD_CORE=1, OFFLINE_MESSAGES, IDLE_CONNECTIONS
measured_s=${SECONDS:-0} # bash counts in this very variable: take what the caller gave before it grows
set -u
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
  *) echo "bench: no set '$set_name'; there are: standard latency" >&2 && exit 2 ;;
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

pinned() { # core, command...
  local core=$1
  shift
  if command -v taskset >/dev/null && [ "$(nproc)" -gt 1 ]; then exec taskset -c "$core" "$@"; else exec "$@"; fi
}

serves() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    serves "$port" || break
  done
  echo "$port"
}

# Mosquitto with every limit that could slow it or make it drop messages taken away, and nothing written to disk. Paced
# runs look at latency: there it may not wait for the client's delayed TCP acknowledgement (Nagle).
mosquitto_config() { # port
  cat <<END
listener $1 127.0.0.1
allow_anonymous true
persistence false
log_dest none
max_inflight_messages 0
max_queued_messages 0
END
  case $BENCH_CASE in paced-*) echo "set_tcp_nodelay true" ;; esac
}

tandem_config() { # name, port
  cat <<END
[node]
name = "$1"
data_dir = "data"

[[listener]]
address = "127.0.0.1"
port = $2

[security]
allow_anonymous = true

[control]
socket = "control.sock"
END
}

mirror_config() { # own name, peer's name, own mirror port, peer's mirror port, durability
  cat <<END

[mirror]
listen = ["127.0.0.1:$3"]
peer = ["127.0.0.1:$4"]
key_file = "../keys/$1.key"
peer_public_key = "$(head -n 1 "$scratch/keys/$2.pub")"
durability = "$5"

[takeover]
arbiter = "heartbeat"
boot_wait_ms = 3000
END
}

is_there() { # broker
  case $1 in
    tandem) [ -x "$bin/tandemd" ] ;;
    tandem-pair | tandem-pair-disk | tandem-pair-peer-disk) [ -x "$bin/tandemd" ] && [ -x "$bin/tandemctl" ] ;;
    mosquitto) [ -x "$mosquitto" ] ;;
    relay) [ -x "$bin/tandem-relay" ] ;;
    *) [ -n "${extra[$1]:-}" ] ;;
  esac
}

# The relay decides nothing, so it has no queues and no wildcards. Without a durable session there is nothing to gate: what
# an acknowledgement waits for makes no difference.
can_do() { # broker, case
  case $1:$2 in
    tandem-pair-*:paced-clean) return 1 ;;
    relay:fanin-* | relay:shared-* | relay:offline | relay:idle | relay:*-v5) return 1 ;;
  esac
}

launch() { # core, folder, command: appends to pids
  (cd "$2" && pinned "$1" bash -c "exec $3") >>"$2/output" 2>&1 &
  pids+=($!)
}

wait_for() { # pid, seconds, test...
  local pid=$1 steps=$(($2 * 20))
  shift 2
  while ! "$@"; do
    kill -0 "$pid" 2>/dev/null && [ "$steps" -gt 0 ] || return 1
    steps=$((steps - 1))
    sleep 0.05  # a pace
  done
}

is_protected() { # folder
  (cd "$1" && timeout 2 "$bin/tandemctl" --socket control.sock status --json 2>/dev/null) |
    grep -Eq '"protected"[[:space:]]*:[[:space:]]*true'
}

# Two mirrored nodes, each with an MQTT port of its own. The standby is on the core of the load.
start_pair() { # port of the node that shall be active, durability
  local mirror_a mirror_b port_b
  mirror_a=$(free_port) mirror_b=$(free_port) port_b=$(free_port)
  rm -rf "$scratch/keys" "$scratch/boxa" "$scratch/boxb"
  mkdir -p "$scratch/keys" "$scratch/boxa" "$scratch/boxb"
  "$bin/tandemctl" keygen --out "$scratch/keys" --name boxa --name boxb >/dev/null || return 1
  { tandem_config boxa "$1" && mirror_config boxa boxb "$mirror_a" "$mirror_b" "$2"; } >"$scratch/boxa/node.toml"
  { tandem_config boxb "$port_b" && mirror_config boxb boxa "$mirror_b" "$mirror_a" "$2"; } >"$scratch/boxb/node.toml"
  # Two empty boxes: the lower name begins, once they have met.
  launch "$broker_core" "$scratch/boxa" "$bin/tandemd --config node.toml"
  launch "$load_core" "$scratch/boxb" "$bin/tandemd --config node.toml"
  wait_for "${pids[0]}" 10 serves "$1" || { tail -5 "$scratch"/box?/output >&2 && return 1; }
  wait_for "${pids[1]}" 20 is_protected "$scratch/boxa" || { tail -5 "$scratch"/box?/output >&2 && return 1; }
  load_args=(--broker-pid "active=${pids[0]}" --watch-pid "standby=${pids[1]}")
}

start_single() { # broker, port
  local dir=$scratch/$1 command
  rm -rf "$dir"
  mkdir -p "$dir"
  case $1 in
    tandem)
      tandem_config bench "$2" >"$dir/node.toml"
      command="$bin/tandemd --config node.toml"
      ;;
    mosquitto)
      mosquitto_config "$2" >"$dir/mosquitto.conf"
      command="$mosquitto -c mosquitto.conf"
      ;;
    relay) command="$bin/tandem-relay $2" ;;
    *)
      command=${extra[$1]//\{port\}/$2}
      command=${command//\{dir\}/$dir}
      ;;
  esac
  launch "$broker_core" "$dir" "$command"
  wait_for "${pids[0]}" 10 serves "$2" || { tail -5 "$dir/output" >&2 && return 1; }
  load_args=(--broker-pid "$1=${pids[0]}")
}

run_case() { # case, broker, round
  local port line=
  port=$(free_port)
  export BENCH_CASE=$1
  case $2 in
    tandem-pair) start_pair "$port" peer ;;
    tandem-pair-disk) start_pair "$port" disk ;;
    tandem-pair-peer-disk) start_pair "$port" peer+disk ;;
    *) start_single "$2" "$port" ;;
  esac
  # shellcheck disable=SC2181,SC2086 # the case is a list of words
  if [ $? -eq 0 ]; then
    line=$(pinned "$load_core" "$bin/tandem-load" ${cases[$1]} --case "$1" --label "$2" --round "$3" --port "$port" \
      "${load_args[@]}" --seconds "$measured_s" --warmup "$warmup_s" --json)
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
"$bin/tandem-bench-table" "$results" $against | tee "${results%.jsonl}.md"
