#!/bin/bash
# Where the broker's CPU time goes: perf's samples of a tandemd alone in the cases of tests/bench/bench.sh, a table a case.
# Writes docs/performance/profile.md. Wants perf (Debian: linux-perf) and a machine that does nothing else.
#
#   usage: [NAME=value as for bench.sh ...] etc/dev/profile.sh [CASE...]     about 8 s a case
set -euo pipefail
root="$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")"
out="$root/docs/performance/profile.md"
[[ $# -gt 0 ]] || set -- pairs-q0 pairs-q1 pairs-q2 pairs-4k fanout-q0 fanout-q1 durable-q1
command -v perf >/dev/null || { echo "profile: perf is missing (Debian: apt-get install linux-perf)" >&2 && exit 2; }
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
env PROFILE="$scratch" SCENARIOS="$*" BROKERS=tandem ROUNDS=1 SECONDS=4 RESULTS="$scratch/runs.jsonl" "$root/tests/bench/bench.sh" >&2

figure() { # case, name: of its run
  sed -nE "s/.*\"case\":\"$1\".*\"$2\":([0-9.]+).*/\1/p" "$scratch/runs.jsonl"
}

shares() { # case, what perf sorts by, pattern of its columns, as a row
  perf report -i "$scratch/$1.perf" --no-children --percent-limit 1 --sort "$2" --stdio -g none 2>/dev/null | sed -nE "s/$3/$4/p"
  echo
}

{
  echo "# Where the time goes"
  echo
  echo "Written by etc/dev/profile.sh, $(date +%F), commit $(git -C "$root" describe --always), kernel $(uname -r): perf's samples of a" \
    "tandemd alone. Shares below 1 % are left out."
  echo
  for case in "$@"; do
    printf '## %s\n\n%s us CPU a message, %s messages a second.\n\n' "$case" "$(figure "$case" cpu_us)" "$(figure "$case" delivered_per_s)"
    printf '| share | thread | where |\n|---|---|---|\n'
    shares "$case" comm,dso '^ +([0-9.]+%) +([^ ]+) +([^ ]+) *$' '| \1 | \2 | \3 |'
    printf '| share | thread | where | function |\n|---|---|---|---|\n'
    # shellcheck disable=SC2016 # backquotes are Markdown's
    shares "$case" comm,dso,symbol '^ +([0-9.]+%) +([^ ]+) +([^ ]+) +\[.\] +(.*[^ -])[ -]*$' '| \1 | \2 | \3 | `\4` |'
  done
} >"$scratch/profile.md"
mv "$scratch/profile.md" "$out"
echo "profile: $out"
