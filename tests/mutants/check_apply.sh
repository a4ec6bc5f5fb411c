#!/bin/sh
# Every mutant's patch still fits the tree. Needs patch only, no git. Usage: check_apply.sh [ROOT]
set -u
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
failed=0
count=0
for mutant in "$root"/tests/mutants/*.patch; do
  count=$((count + 1))
  head -n 1 "$mutant" | grep -q '^# ' || { echo "$mutant: its first line names no rule"; failed=1; }
  if ! patch -d "$root" -p1 --dry-run --force --silent <"$mutant" >/dev/null 2>&1; then
    echo "$mutant: no longer applies; change it with the code that it breaks"
    failed=1
  fi
done
echo "$count mutants"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
