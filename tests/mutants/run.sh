#!/bin/bash
# The mutation check: each protective rule is taken out in a scratch copy, and the simulation must notice.
#
#   tests/mutants/run.sh [-n SEEDS] [-j JOBS] [-f FIRST] [-c CONTROL_SEEDS] [MUTANT...]
#
# Default: all mutants, at most 20,000 seeds each, as many for the control.
#
# First the unmutated program runs: where it is violated itself, nothing is proven (-c says with how many seeds; the
# table begins with the result). A violation counts only if the unmutated program, run with the same seed, has none. The
# table says after how many seeds a mutant was caught, and by which rule. Exit: 0 if all were caught and the unmutated
# program was clean.
set -u -o pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${MUTANTS_FOLDER:-$root/build/mutants}
tree=$work/tree
seeds_max=20000
jobs=$(nproc)
first=1
control=
while getopts n:j:f:c: option; do
  case $option in
    n) seeds_max=$OPTARG ;;
    j) jobs=$OPTARG ;;
    f) first=$OPTARG ;;
    c) control=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -gt 0 ]; then
  mutants=("$@")
else
  mutants=()
  for path in "$root"/tests/mutants/*.patch; do mutants+=("$(basename "$path" .patch)"); done
fi

"$root/tests/mutants/check_apply.sh" "$root" || exit 1

# A copy in which only files that differ are written, so that the build folder beside it stays of use.
refresh() {
  local path
  (cd "$root" && find CMakeLists.txt src mirror cli tests -type f) | sort >"$work/files"
  while read -r path; do
    cmp -s "$root/$path" "$tree/$path" && continue
    mkdir -p "$(dirname "$tree/$path")" && cp "$root/$path" "$tree/$path"
  done <"$work/files"
  (cd "$tree" && find . -type f -printf '%P\n') | sort | comm -13 "$work/files" - | sed "s|^|$tree/|" | xargs -r -d '\n' rm -f
}
mkdir -p "$tree"
refresh
cmake -S "$tree" -B "$work/build" -G Ninja --log-level=WARNING || exit 1
build() { ninja -C "$work/build" -j "$jobs" sim_test >"$work/build.log" 2>&1; }
build || { tail -n 30 "$work/build.log"; exit 1; }
sound=$work/sim_test.sound
cp "$work/build/bin/sim_test" "$sound"

# Runs seeds in growing pieces until one is violated that the unmutated program survives. Sets `after` and `rule`.
hunt() {
  local from=0 size=50 seed said
  after=
  rule=
  while [ "$from" -lt "$seeds_max" ]; do
    [ $((from + size)) -gt "$seeds_max" ] && size=$((seeds_max - from))
    "$work/build/bin/sim_test" --seeds "$size" --first $((first + from)) --jobs "$jobs" >"$work/out" 2>&1
    if grep -q 'a worker died' "$work/out"; then # which seed it was, the dead cannot tell
      for seed in $(seq $((first + from)) $((first + from + size - 1))); do
        "$work/build/bin/sim_test" --seed "$seed" >"$work/one" 2>&1 && continue
        "$sound" --seed "$seed" >/dev/null 2>&1 || continue
        after=$((seed - first + 1))
        rule=$(grep -a -m 1 -o -e 'broken invariant.*' "$work/one" || sed -n 's/^seed [0-9]*: //p' "$work/one")
        return 0
      done
    fi
    while read -r seed said; do
      if "$sound" --seed "$seed" >/dev/null 2>&1; then
        after=$((seed - first + 1))
        rule=$said
        return 0
      fi
    done < <(sed -n 's/^seed \([0-9]*\): \(.*\)$/\1 \2/p' "$work/out" | sort -n)
    from=$((from + size))
    size=$((size < 1000 ? size * 2 : 1000))
  done
  return 1
}

missed=0
control=${control:-$seeds_max}
"$sound" --seeds "$control" --first "$first" --jobs "$jobs" >"$work/out" 2>&1
flaws=$(grep -c '^seed [0-9]*: ' "$work/out")
grep -q 'a worker died' "$work/out" && flaws="$flaws, and it aborted"
echo "unmutated: violations in $control seeds: $flaws"
printf '%-26s %-14s %s\n' mutant 'caught after' by
for mutant in "${mutants[@]}"; do
  patch -d "$tree" -p1 --force --silent <"$root/tests/mutants/$mutant.patch" || exit 1
  if ! build; then
    printf '%-26s %-14s %s\n' "$mutant" 'no build' "$(grep -m 1 error "$work/build.log")"
    missed=$((missed + 1))
  elif hunt; then
    printf '%-26s %-14s %s\n' "$mutant" "$after" "${rule:0:160}"
  else
    printf '%-26s %-14s %s\n' "$mutant" "NOT in $seeds_max" "$(sed -n 1p "$root/tests/mutants/$mutant.patch")"
    missed=$((missed + 1))
  fi
  patch -d "$tree" -p1 -R --force --silent <"$root/tests/mutants/$mutant.patch" || exit 1
done
echo "${#mutants[@]} mutants, ${missed} not caught"
[ "$missed" -eq 0 ] && [ "$flaws" = 0 ]
