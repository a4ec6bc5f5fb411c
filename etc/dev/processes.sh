# Sourced by run.sh, stop.sh and node.sh: which processes are ours, ending them, and who listens on a port. Only bash, grep,
# coreutils, findutils and /proc: a bare Debian has neither ps nor ss.

root="$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")"
bin_dir="${TANDEM_BIN_DIR:-$root/build/bin}"                      # the tests use other folders
run_dir="$(readlink -m "${TANDEM_RUN_DIR:-$root/build/run}")"
nodes=(boxa boxb)

# Start time of a process in clock ticks since boot: with the pid it names one process, also after the pid is reused.
started_at() {
  local stat
  stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 1
  stat="${stat##*) }"  # the command name before may contain blanks
  set -- $stat
  [[ $1 != Z ]] && echo "${20}"
}

# usage: is_same PID START_TIME
is_same() {
  local now
  now="$(started_at "$1")" && [[ $now == "$2" ]]
}

# Waits until none of the "PID START_TIME" lines on stdin is there, at most $1 tenths of a second.
wait_gone() {
  local lines tenths="$1" i pid start
  lines="$(cat)"
  for ((i = 0; ; i++)); do
    local left=0
    while read -r pid start; do
      if [[ -n $pid ]] && is_same "$pid" "$start"; then left=1; fi
    done <<<"$lines"
    if ((left == 0)); then return 0; fi
    if ((i >= tenths)); then return 1; fi
    sleep 0.1
  done
}

# Signals the process group of a "PID START_TIME" if it is still that process. A supervisor leads its group.
signal_group() {
  if is_same "$2" "$3"; then kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null || true; fi
}

# Is the process a tandemd of this folder? (A pid file may be old and its pid somebody else's by now.)
is_our_tandemd() {
  [[ $(readlink "/proc/$1/cwd" 2>/dev/null) == "$run_dir" ]] &&
    [[ $(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null) == *"--config $2.toml "* ]]
}

# Ends the pair of this folder, by its pid files, the supervisors first (they end their nodes in order).
# usage: stop_pair; prints what it ended.
stop_pair() {
  local node pid start supervisors=""
  for node in "${nodes[@]}"; do
    if read -r pid start 2>/dev/null <"$run_dir/$node.supervisor"; then
      if is_same "$pid" "$start"; then
        supervisors+="$pid $start"$'\n'
        kill -s TERM "$pid" 2>/dev/null || true
      fi
    fi
  done
  if ! wait_gone 80 <<<"$supervisors"; then
    while read -r pid start; do
      if [[ -n $pid ]]; then signal_group KILL "$pid" "$start"; fi
    done <<<"$supervisors"
    wait_gone 50 <<<"$supervisors" || true
  fi
  # A node whose supervisor was killed.
  for node in "${nodes[@]}"; do
    if read -r pid 2>/dev/null <"$run_dir/$node.pid" && is_our_tandemd "$pid" "$node"; then
      start="$(started_at "$pid" || true)"
      kill -s KILL "$pid" 2>/dev/null || true
      wait_gone 50 <<<"$pid $start" || true
      supervisors+="$pid"$'\n'
    fi
    rm -f "$run_dir/$node.pid" "$run_dir/$node.supervisor"
  done
  if [[ -n $supervisors ]]; then echo "Ended the pair that ran in ${run_dir#"$root"/}."; fi
}

# The socket inodes that listen on a port of this machine's loopback, one a line.
listening_inodes() {
  local port file slot local_address remote state rest inode address
  port="$(printf '%04X' "$1")"
  for file in /proc/net/tcp /proc/net/tcp6; do
    if [[ ! -r $file ]]; then continue; fi
    while read -r slot local_address remote state _ _ _ _ _ inode rest; do
      address="${local_address%:*}"
      if [[ $state != 0A || ${local_address##*:} != "$port" ]]; then continue; fi
      # An IPv4 address of a network card is in nobody's way.
      if [[ ${#address} -eq 8 && $address != 00000000 && $address != ??????7F ]]; then continue; fi
      echo "$inode"
    done < <(grep ' 0A ' "$file") # of many thousands that end, a moment's work of grep and minutes of bash
  done
}

# "name (pid N)" of whoever holds a listening inode, if this user may see it.
holder_of() {
  local link
  link="$(find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\[$1\]" -print -quit 2>/dev/null || true)"
  if [[ -z $link ]]; then return 0; fi
  link="${link#/proc/}"
  echo "$(cat "/proc/${link%%/*}/comm" 2>/dev/null) (pid ${link%%/*})"
}

# A random port that nobody listens on, below the range from which the kernel takes ports of outgoing connections.
# usage: free_port [PORT_TO_AVOID...]
free_port() {
  local port tries
  for ((tries = 0; tries < 200; tries++)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    if [[ " $* " != *" $port "* && -z $(listening_inodes "$port") ]]; then
      echo "$port"
      return 0
    fi
  done
  echo "No free port between 20000 and 29999." >&2
  return 1
}
