#!/bin/bash
# Checks the takeover protocol's model (roles.pml, whose header explains every flag) with spin.
#
#   usage: check.sh small|large [RUN...]
#   small   part of `make test`: small bounds that must pass, and mutations that spin must catch
#   large   `make model`: larger bounds, all mutations; minutes, and up to MEMORY_MB=6000 of memory
#
# A RUN is "pass FLAGS", "live FLAGS" (no endless run after the last fault) or "fail FLAGS"; given ones replace the set.
set -u
model=$(cd "$(dirname "$0")" && pwd)/roles.pml
memory_mb=${MEMORY_MB:-6000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

small=(
  "pass -DNR=2 -DNF=2 -DNO=1"
  "pass -DNR=1 -DNF=1 -DNO=1 -DHB"
  "pass -DNR=1 -DNF=1 -DNO=1 -DREL"
  "pass -DNR=1 -DNF=1 -DNO=1 -DREPL -DV_WEIGHT -DV_EPEER"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_DROP"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_FSYNC"
  "fail -DNR=2 -DNF=2 -DNO=2 -DV_EARLY"
)
large=(
  "pass -DNR=2 -DNF=2 -DNO=2"
  "pass -DNR=2 -DNF=2 -DNO=2 -DDISK"
  "pass -DNR=2 -DNF=2 -DNO=2 -DI1M"
  "pass -DNR=2 -DNF=2 -DNO=2 -DV_EARLY -DV_MERGEALL"
  "pass -DNR=2 -DNF=2 -DNO=2 -DV_MERGEALL"
  "pass -DNR=2 -DNF=1 -DNO=1 -DHB"
  "pass -DNR=1 -DNF=1 -DNO=1 -DHB -DPAUSE"
  "pass -DNR=2 -DNF=1 -DNO=1 -DREL"
  "pass -DNR=2 -DNF=1 -DNO=1 -DREPL -DV_WEIGHT -DV_EPEER"
  "pass -DNR=1 -DNF=1 -DNO=1 -DCOLD0 -DV_WEIGHT -DV_EPEER"
  "live -DNR=1 -DNF=1 -DNO=1 -DLIVE"
  "live -DNR=1 -DNF=1 -DNO=1 -DLIVE -DHB"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_LEASE"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_COLD"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_DISC"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_STALE"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_RECF"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_ALONE"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_DROP"
  "fail -DNR=2 -DNF=2 -DNO=2 -DD_FSYNC"
  "fail -DNR=2 -DNF=2 -DNO=2 -DV_EARLY"
)

# pass or fail, flags: prints what spin found; 1 if that is not what was wanted.
check() {
  local wanted=$1 flags=$2 kind=-DSAFETY search=() found
  if [ "$wanted" = live ]; then kind=-DNOSTUTTER search=(-a); fi
  cd "$scratch" || return 1
  # shellcheck disable=SC2086 # the flags are a list of words
  spin -a $flags "$model" >spin.out 2>&1 || { cat spin.out && return 1; }
  # Debian's spin makes pan.c of which gcc says a lot.
  gcc -O1 -w "$kind" -DCOLLAPSE -DMEMLIM="$memory_mb" -o pan pan.c || return 1
  ./pan "${search[@]}" -m1000000 >pan.out 2>&1
  found=unfinished
  if grep -q 'errors: [1-9]' pan.out; then found=fail; fi
  # A search that ended early proves nothing.
  if grep -q 'errors: 0$' pan.out && ! grep -Eq 'max search depth too small|Search not completed' pan.out; then
    found=pass
  fi
  printf '%-5s %s: %s%s\n' "$wanted" "$flags" "$(grep -Eo '[0-9e+.]+ states, stored' pan.out | head -1)" \
    "$(sed -n 's/^pan:1: /; /p' pan.out | head -1)"
  if [ "$found" = "${wanted/live/pass}" ]; then return 0; fi
  echo "model: $flags: wanted $wanted, found $found" >&2
  return 1
}

set_name=${1:-small}
shift
case $set_name in
  small) runs=("${small[@]}") ;;
  large) runs=("${large[@]}") ;;
  *) echo "usage: check.sh small|large [RUN...]" >&2 && exit 2 ;;
esac
if [ $# -gt 0 ]; then runs=("$@"); fi
wrong=0
for run in "${runs[@]}"; do check "${run%% *}" "${run#* }" || wrong=$((wrong + 1)); done
echo "model: ${#runs[@]} runs, $wrong not as they must be"
[ "$wrong" -eq 0 ]
