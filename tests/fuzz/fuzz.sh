#!/bin/sh
# Lets libFuzzer search in the codec, whole connections and WebSockets, one after the other.    usage: fuzz.sh BUILD SECONDS
# What it learns stays in BUILD/corpus-*; what it finds is BUILD/found-*, to be given to the program as its argument.
set -eu

here=$(dirname "$(readlink -f "$0")")
build=$1
seconds=$2
for what in codec connection websocket; do
  words=$here/codec.dict
  [ $what != websocket ] || words=$here/websocket.dict
  mkdir -p "$build/corpus-$what"
  echo "fuzz_$what: $seconds s"
  "$build/bin/fuzz_$what" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -dict="$words" -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/found-$what-" \
    "$build/corpus-$what" "$here/corpus-$what"
done
