#!/bin/sh
# Lets libFuzzer search, one fuzzer after the other.    usage: fuzz.sh BUILD SECONDS [FUZZER...]
# What it learns stays in BUILD/corpus-*; what it finds is BUILD/found-*, to be given to the program as its argument.
set -eu

here=$(dirname "$(readlink -f "$0")")
build=$1
seconds=$2
shift 2
[ $# -gt 0 ] || set -- codec connection websocket proxy stranger peer info control http config passwords rules scram records rows
for what in "$@"; do
  case $what in
    codec | connection) words=$here/codec.dict ;;
    proxy) words=$here/proxy.dict ;;
    websocket | http) words=$here/websocket.dict ;;
    control | info | config | rules | scram) words=$here/text.dict ;;
    *) words= ;;
  esac
  mkdir -p "$build/corpus-$what"
  echo "fuzz_$what: $seconds s"
  "$build/bin/fuzz_$what" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    ${words:+"-dict=$words"} -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/found-$what-" \
    "$build/corpus-$what" "$here/corpus-$what"
done
