#!/bin/bash
# `make run`: a working pair on this machine. Two nodes with the heartbeat arbiter share 127.0.0.1:$TANDEM_PORT; whoever
# is active has it (the port plays the virtual IP). Everything is in build/run: NAME.toml, NAME.log, NAME.pid, NAME/ (data).
#   usage: run.sh [--detach] [--fresh]
#   --detach  return once MQTT is served; `make stop` ends the pair
#   --fresh   forget the data of earlier runs
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/processes.sh"

port="${TANDEM_PORT:-1883}"
shown="${run_dir#"$root"/}"
detach=0
fresh=0
serve_timeout_s=30
mirror_timeout_s=20

fail() {
  echo "make run: $1" >&2
  exit 1
}

read_arguments() {
  local argument
  for argument in "$@"; do
    case "$argument" in
      --detach) detach=1 ;;
      --fresh) fresh=1 ;;
      *) fail "unknown argument $argument; allowed: RUN_ARGS=--detach, RUN_ARGS=--fresh, or RUN_ARGS=\"--detach --fresh\"" ;;
    esac
  done
  if [[ ! $port =~ ^[0-9]{1,5}$ ]] || ((10#$port < 1 || 10#$port > 65535)); then
    fail "TANDEM_PORT is \"$port\"; allowed: a port from 1 to 65535"
  fi
}

refuse_taken_port() {
  local inode holder
  inode="$(listening_inodes "$port" | head -n 1)"
  if [[ -z $inode ]]; then return; fi
  holder="$(holder_of "$inode")"
  echo "make run: port $port of this machine is taken by ${holder:-another program} (not a pair of this folder)." >&2
  if [[ $holder == mosquitto* ]]; then echo "  To end Debian's Mosquitto service: sudo systemctl stop mosquitto" >&2; fi
  fail "free the port, or take another one: TANDEM_PORT=$((port == 1883 ? 1884 : 1883)) make run"
}

make_keys() {
  local keys="$run_dir/keys"
  if [[ -s $keys/boxa.key && -s $keys/boxb.key && -s $keys/boxa.pub && -s $keys/boxb.pub ]]; then return; fi
  rm -rf "$keys"
  mkdir -p "$keys"
  "$bin_dir/tandemctl" keygen --out "$keys" --name boxa --name boxb >/dev/null || fail "tandemctl keygen failed"
}

# Paths are relative: the nodes run in build/run, and a Unix socket's path may not exceed 107 bytes.
# usage: write_config NAME PEER OWN_MIRROR_PORT PEER_MIRROR_PORT
write_config() {
  cat >"$run_dir/$1.toml" <<END
# Written by make run, anew at each start.
[node]
name = "$1"
data_dir = "$1"

[[listener]]
address = "127.0.0.1"
port = $((10#$port))

[security]
allow_anonymous = true

[mirror]
listen = ["127.0.0.1:$3"]
peer = ["127.0.0.1:$4"]
key_file = "keys/$1.key"
peer_public_key = "$(head -n 1 "$run_dir/keys/$2.pub")"

[takeover]
arbiter = "heartbeat"
boot_wait_ms = 3000

[control]
socket = "$1.sock"
END
}

start_nodes() {
  local node
  for node in "${nodes[@]}"; do
    echo "$(date '+%Y-%m-%d %H:%M:%S.%3N') make run: $node starts" >>"$run_dir/$node.log"
    # A session of its own: Ctrl-C in the terminal reaches this script only, which ends the nodes in order.
    # The lock (9) stays here.
    setsid "$root/etc/dev/node.sh" "$node" </dev/null >>"$run_dir/$node.log" 2>&1 9>&- &
    supervisors+="$! $(started_at $! || echo 0)"$'\n'
  done
}

supervisors=""
supervisors_alive() { ! wait_gone 0 <<<"$supervisors"; }

# Ends what this script started (not what a later `make run` started in its place).
end_own() {
  local pid start
  while read -r pid start; do
    if [[ -n $pid ]] && is_same "$pid" "$start"; then kill -s TERM "$pid" 2>/dev/null || true; fi
  done <<<"$supervisors"
  wait_gone 80 <<<"$supervisors" || true
}

# Does an MQTT server answer a CONNECT on the port? (An anonymous 3.1.1 client with clean session: leaves no trace.)
mqtt_served() {
  local answer
  # In a process of its own: a connect to a node that hangs would wait for minutes.
  answer="$(timeout 2 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf "\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00" >&3
    head -c 4 <&3 | od -An -tx1
    printf "\xe0\x00" >&3' mqtt_served "$port" 2>/dev/null)" || true
  [[ $answer == " 20 02 00 00" ]]
}

# usage: status_of NODE [--json]
status_of() {
  (cd "$run_dir" && timeout 2 "$bin_dir/tandemctl" --socket "$1.sock" status "${@:2}" 2>/dev/null)
}

# Does the JSON status of any node match the pattern?
any_status() {
  local node
  for node in "${nodes[@]}"; do
    if [[ $(status_of "$node" --json) =~ $1 ]]; then return 0; fi
  done
  return 1
}

says_active() { any_status '"role"[[:space:]]*:[[:space:]]*"active"'; }
says_protected() { any_status '"protected"[[:space:]]*:[[:space:]]*true'; }

show_journals() {
  local node
  for node in "${nodes[@]}"; do
    echo "--- the end of $shown/$node.log" >&2
    tail -n 15 "$run_dir/$node.log" >&2 || true
  done
}

wait_until_served() {
  local deadline=$((SECONDS + serve_timeout_s))
  until mqtt_served && says_active; do
    if ! supervisors_alive; then
      show_journals
      fail "the nodes ended at once; see the journals above"
    fi
    if ((SECONDS >= deadline)); then
      show_journals
      end_own
      fail "the pair did not serve MQTT on 127.0.0.1:$port within $serve_timeout_s s; see the journals above"
    fi
    sleep 0.1
  done
  deadline=$((SECONDS + mirror_timeout_s))
  until says_protected; do
    if ! supervisors_alive || ((SECONDS >= deadline)); then
      show_journals
      echo "make run: MQTT is served, but the standby is not in step yet: a kill now would not be covered." >&2
      return
    fi
    sleep 0.1
  done
}

show_hints() {
  local flag=""
  if ((10#$port != 1883)); then flag=" -p $((10#$port))"; fi
  cat <<END
The pair serves MQTT on localhost, port $((10#$port)). In another terminal, in this folder:

  mosquitto_sub -h localhost$flag -i reader -c -q 1 -t 'demo/#' -v      # a persistent session
  mosquitto_pub -h localhost$flag -q 1 -r -t demo/pump -m on

  kill -9 \$(cat $shown/boxa.pid)      # or boxb.pid: kill the active one, see below which it is
  mosquitto_pub -h localhost$flag -q 1 -t demo/pump -m "still here"

A killed node is started again after 3 s and becomes the standby. Journals: $shown/boxa.log, $shown/boxb.log.
END
}

node_line() {
  local pid
  if read -r pid 2>/dev/null <"$run_dir/$1.pid" && [[ -d /proc/$pid ]]; then
    echo "$1: process $pid"
  else
    echo "$1: not running"
  fi
}

screen() {
  node_line boxa
  node_line boxb
  echo
  status_of boxa || status_of boxb || echo "No node answers."
}

# Draws the status once a second until Ctrl-C; where output is no terminal, only when it changed.
watch_pair() {
  local last="" now lines=0
  while supervisors_alive; do
    now="$(screen)"
    if [[ -t 1 ]]; then
      if ((lines > 0)); then printf '\e[%dA\e[J' "$lines"; fi
      printf '\e[?7l%s\e[?7h\n' "$now"  # no wrapping: a line of text is a line of the screen
      lines="$(wc -l <<<"$now")"
    elif [[ $now != "$last" ]]; then
      printf '%s\n\n' "$now"
    fi
    last="$now"
    sleep 1
  done
}

read_arguments "$@"
mkdir -p "$run_dir"
exec 9>"$run_dir/lock"
flock -w 60 9 || fail "another make run of this folder is starting"
said="$(stop_pair)"
if [[ -n $said ]]; then echo "$said"; fi
refuse_taken_port
if ((fresh)); then (cd "$run_dir" && rm -rf boxa boxb keys ./*.log ./*.toml ./*.sock); fi
make_keys
port_a="$(free_port)"
port_b="$(free_port "$port_a")"
write_config boxa boxb "$port_a" "$port_b"
write_config boxb boxa "$port_b" "$port_a"

leave() {
  trap '' INT TERM HUP
  echo
  echo "Ending the pair."
  end_own
  exit 0
}
trap leave INT TERM HUP
start_nodes
wait_until_served
flock -u 9
show_hints
if ((detach)); then
  echo
  screen
  echo
  echo "The pair runs in the background; \`make stop\` ends it."
  exit 0
fi
echo "Ctrl-C ends the pair."
echo
watch_pair
end_own
echo "The pair was ended by \`make stop\` or a later \`make run\`."
