# shellcheck shell=bash
# How bench.sh starts each broker, pinned to its core; sourced. Uses its bin, scratch, mosquitto, extra, broker_core and load_core;
# leaves the processes in pids and what tandem-load shall look at in load_args.

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

# As the others have it: no limit of messages in flight.
[limits]
v3_in_flight = 65535
END
  # Exactly as many are the default: the one that looks whether it serves may still be there.
  case $BENCH_CASE in conns-10k | storm*) printf 'max_connections = 12000\n' ;; esac
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
    relay:fanin-* | relay:shared-* | relay:offline | relay:idle | relay:storm* | relay:*-v5) return 1 ;;
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

start_broker() { # broker, port
  case $1 in
    tandem-pair) start_pair "$2" peer ;;
    tandem-pair-disk) start_pair "$2" disk ;;
    tandem-pair-peer-disk) start_pair "$2" peer+disk ;;
    *) start_single "$1" "$2" ;;
  esac
}
