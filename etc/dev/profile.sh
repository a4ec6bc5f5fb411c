#!/bin/bash
# Where the broker's CPU time goes: perf's samples of one tandemd (solo, pinned to core 0, the load on core 1), a table a case.
# Writes docs/performance/profile.md. Wants perf (Debian: linux-perf) and a machine that does nothing else.
#
#   usage: [PROFILE_BIN=build/bin] etc/dev/profile.sh [CASE...]     about 8 s a case
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"
bin="${PROFILE_BIN:-$root/build/bin}"
out="$root/docs/performance/profile.md"
declare -A cases=(
  [pairs-q0]="pairs --qos 0" [pairs-q1]="pairs --qos 1" [pairs-q2]="pairs --qos 2" [pairs-4k]="pairs --qos 0 --payload 4096"
  [fanout-q0]="fanout --count 100 --qos 0" [fanout-q1]="fanout --count 100 --qos 1" [durable-q1]="pairs --qos 1 --durable"
)
[[ $# -gt 0 ]] || set -- pairs-q0 pairs-q1 pairs-q2 pairs-4k fanout-q0 fanout-q1 durable-q1
command -v perf >/dev/null || { echo "profile: perf is missing (Debian: apt-get install linux-perf)" >&2 && exit 2; }
scratch="$(mktemp -d)"
broker=
load=
ends() {
  [[ -z $load ]] || kill "$load" 2>/dev/null || true
  [[ -z $broker ]] || kill "$broker" 2>/dev/null || true
  rm -rf "$scratch"
}
trap ends EXIT

profile() { # case
  local port=$((20000 + RANDOM % 10000)) dir="$scratch/$1"
  mkdir "$dir"
  cat >"$dir/tandem.toml" <<END
[node]
name = "profile"
data_dir = "$dir/data"
threads = 0
[[listener]]
address = "127.0.0.1"
port = $port
[security]
allow_anonymous = true
[control]
socket = "$dir/control.sock"
END
  taskset -c 0 "$bin/tandemd" --config "$dir/tandem.toml" >"$dir/journal" 2>&1 &
  broker=$!
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$broker"
    sleep 0.1
  done
  # shellcheck disable=SC2086 # words of a case
  taskset -c 1 "$bin/tandem-load" ${cases[$1]} --port "$port" --broker-pid "tandem=$broker" --seconds 6 >"$dir/load" 2>&1 &
  load=$!
  sleep 2 # the load's start and warm-up are not looked at
  perf record -q -e cpu-clock -F 4999 -p "$broker" -o "$dir/perf" -- sleep 4 >/dev/null 2>&1
  wait "$load"
  load=
  kill "$broker"
  wait "$broker" || true
  broker=
  echo "## $1"
  echo
  echo "$(awk '/^cpu_us /{print $2}' "$dir/load") us CPU a message, $(awk '/^delivered_per_s /{print $2}' "$dir/load") messages a second."
  echo
  echo "By thread and program:"
  echo
  echo "| share | thread | where |"
  echo "|---|---|---|"
  perf report -i "$dir/perf" --no-children --percent-limit 1 --sort comm,dso --stdio -g none 2>/dev/null |
    sed -nE 's/^ +([0-9.]+%) +([^ ]+) +([^ ]+) *$/| \1 | \2 | \3 |/p'
  echo
  echo "| share | thread | where | function |"
  echo "|---|---|---|---|"
  perf report -i "$dir/perf" --no-children --percent-limit 1 --sort comm,dso,symbol --stdio -g none 2>/dev/null |
    sed -nE 's/^ +([0-9.]+%) +([^ ]+) +([^ ]+) +\[.\] +(.*[^ -])[ -]*$/| \1 | \2 | \3 | `\4` |/p'
  echo
}

{
  echo "# Where the time goes"
  echo
  echo "Written by etc/dev/profile.sh, $(date +%F), commit $(git -C "$root" describe --always), kernel $(uname -r): perf's samples of a tandemd alone. Shares below 1 % are left out."
  echo
  for case in "$@"; do profile "$case"; done
} >"$scratch/profile.md"
mv "$scratch/profile.md" "$out"
echo "profile: $out"
