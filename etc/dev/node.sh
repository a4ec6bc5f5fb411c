#!/bin/bash
# Keeps one node of `make run` going as systemd would: starts tandemd, and 3 s after it died starts it again. Ends it in
# order at SIGTERM.    usage: node.sh NAME    (started by run.sh in a session of its own)
# Writes build/run/NAME.pid (the tandemd, for you to kill) and build/run/NAME.supervisor (this process).
set -uo pipefail
source "$(dirname "$(readlink -f "$0")")/processes.sh"

node="$1"
restart_s=3
cd "$run_dir" || exit 1

say() { echo "$(date '+%Y-%m-%d %H:%M:%S.%3N') make run: $node $1"; }

own() { [[ $(cat "$1" 2>/dev/null) == "$2"* ]]; }

finish() {
  trap '' TERM INT HUP
  local pid start
  # The node, or the pause before its next start.
  for pid in $(jobs -p); do
    start="$(started_at "$pid" || true)"
    kill -s CONT "$pid" 2>/dev/null
    kill -s TERM "$pid" 2>/dev/null
    if ! wait_gone 50 <<<"$pid $start"; then
      say "did not end within 5 s of SIGTERM, killing it"
      kill -s KILL "$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    if own "$node.pid" "$pid"; then rm -f "$node.pid"; fi
  done
  if own "$node.supervisor" "$$ "; then rm -f "$node.supervisor"; fi
  exit 0
}
trap finish TERM INT HUP

echo "$$ $(started_at $$)" >"$node.supervisor.new" && mv "$node.supervisor.new" "$node.supervisor"

while true; do
  "$bin_dir/tandemd" --config "$node.toml" &
  child=$!
  echo "$child" >"$node.pid.new" && mv "$node.pid.new" "$node.pid"
  { wait "$child"; } 2>/dev/null  # without bash's own "Killed" line
  status=$?
  rm -f "$node.pid"
  # 2: the configuration is wrong; starting again will not make it right.
  if [[ $status -eq 2 ]]; then
    say "was refused its configuration (exit status 2)"
    finish
  fi
  if [[ $status -gt 128 ]]; then
    why="was killed by SIG$(kill -l $((status - 128)))"
  else
    why="ended with exit status $status"
  fi
  say "$why, starting it again in $restart_s s"
  sleep "$restart_s" &
  wait $!
done
