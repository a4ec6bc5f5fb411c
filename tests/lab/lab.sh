#!/bin/bash
# lab.sh - a two-box + one-client network lab made of network namespaces.
#
#                  +--------------------- <P>-switch --------------------+
#                  |   bridge "lan"                     bridge "x"       |
#                  |  port: boxa  boxb  client      port: boxa-x boxb-x  |
#                  +---------|-----|------|---------------|------|-------+
#   plant LAN 10.77.0.0/24   |     |      |               |      |  cross-link
#        <P>-boxa  lan .11 --+     |      |   xlink .1 ---+      |  10.78.0.0/30
#        <P>-boxb  lan .12 --------+      |   xlink .2 ----------+
#        <P>-client lan .100 -------------+
#   virtual IP (VIP): 10.77.0.10/24, on nobody after "up".
#   IPv6 beside it, host numbers alike: LAN fd77:0:0:1::/64 (VIP6 ...::10), cross-link fd77:0:0:2::/64.
#
# Inside every node the plant-LAN interface is called "lan"; in the boxes the
# cross-link is called "xlink".  The cross-link runs over its own two-port
# bridge in the switch namespace: it acts like a cable, but can be cut, made
# lossy or slow from outside, without touching anything inside the boxes.
#
# <P> is $LAB_PREFIX (default "lab"); labs with different prefixes coexist and
# use the same addresses.  Everything lives in the namespaces: nothing is added to
# the host's own network, and no frame leaves the lab.  Needs root, iproute2, nftables (iputils-arping
# only for "vip").  Every command is idempotent.  Exit status: 0 ok, 1 failure,
# 2 usage; "exec" gives the status of the command.
#
# Usage: [LAB_PREFIX=p] lab.sh COMMAND
#   up                       create the lab (keeps one that is already up)
#   down                     kill -9 what runs in the lab's namespaces, remove all
#   status                   nodes, addresses, port states, faults
#   exec NODE CMD [ARG..]    run CMD in NODE (boxa, boxb, client, switch)
#   cut  lan NODE [silent]   pull NODE's LAN cable.  "silent": the link stays up
#   cut  xlink [silent]      but nothing passes (a dead switch further away)
#   heal [lan NODE | xlink]  undo cut, drop and rate; without argument: all of them
#   drop NODE P%             drop P% of NODE's LAN frames at random, each direction
#   drop xlink P%            the same on the cross-link; 0% ends it
#   rate NODE|xlink RATE     limit to RATE (tc style: 10mbit) each direction; "off" ends it
#   poweroff NODE [P%]       power cut: from one instant on no frame passes, then all its
#                            processes are killed and the namespace is removed: no FIN,
#                            RST or last word gets out.  The peer's xlink loses carrier.
#                            Disk contents stay.  P%: from the same instant the client's
#                            LAN loses so much, as with "drop client P%".
#                            (cut and poweroff print "at SECONDS": the wall clock just before)
#   poweron NODE             plug NODE in again: new kernel network state, no processes
#   pause NODE | resume NODE SIGSTOP / SIGCONT everything in NODE (a hung box whose
#                            kernel still answers ping and completes TCP handshakes)
#   vip NODE|none            move the VIPs by hand (labs without keepalived): remove them
#                            elsewhere, add them to NODE, send gratuitous ARP (for IPv6
#                            the client forgets the neighbour instead)
#   vipat                    print the nodes that hold the VIP (IPv4) now
#   pids NODE                processes that run in NODE
set -u
export LC_ALL=C

P=${LAB_PREFIX:-lab}
VIP=10.77.0.10
SW=$P-switch
LAN_NET=10.77.0 X_NET=10.78.0
LAN_NET6=fd77:0:0:1: X_NET6=fd77:0:0:2:
VIP6=$LAN_NET6:10

die()   { echo "lab.sh: $*" >&2; exit 1; }
usage() { echo "lab.sh: bad arguments; 'lab.sh help' lists the commands" >&2; exit 2; }
help()  { sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0; }

case $P in *[!A-Za-z0-9_]*|'') die "LAB_PREFIX: letters, digits and _ only";; esac
[ "$(id -u)" = 0 ] || die "must run as root"

# ---- helpers -----------------------------------------------------------------
ns()     { echo "$P-$1"; }
has_ns() { [ -e "/run/netns/$1" ]; }
is_node(){ case $1 in boxa|boxb|client) ;; *) return 1;; esac; }
need_node() { is_node "${1:-}" || usage; has_ns "$(ns "$1")" || die "$1 is not up"; }
need_up()   { has_ns "$SW" || die "lab '$P' is not up (lab.sh up)"; }
host_no()   { case $1 in boxa) echo 11;; boxb) echo 12;; client) echo 100;; esac; }
x_no()      { case $1 in boxa) echo 1;; boxb) echo 2;; *) echo 0;; esac; }
# A network card keeps its address over a power cut: the others' ARP entries stay right.
mac_of()    { case $2 in lan) printf '02:00:00:00:00:%02x' "$(host_no "$1")";; *) printf '02:00:00:00:01:%02x' "$(x_no "$1")";; esac; }
has_port()  { ip -n "$SW" link show "$1" >/dev/null 2>&1; }
sw_nft()    { ip netns exec "$SW" nft "$@"; }

# Ports in the switch that belong to a fault target (NODE or "xlink").
ports_of() {
  case $1 in
    xlink) echo boxa-x boxb-x;;
    *)     echo "$1";;
  esac
}

# A namespace's settings.  IPv6 without duplicate detection and router solicitation: an
# address can be used at once, and nothing is sent unasked.  ICMP and ARP as on a plain Linux box.
new_ns() {
  ip netns add "$1" || return 1
  ip -n "$1" link set lo up
  ip netns exec "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 \
    net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.router_solicitations=0 2>/dev/null
  return 0
}

# A cable: veth with one end in the node and one end as a port of a bridge in
# the switch.  Made directly in both namespaces, so no name can clash outside.
cable() { # NODE IFACE ADDR ADDR6 PORT BRIDGE
  local n; n=$(ns "$1")
  ip -n "$n" link show "$2" >/dev/null 2>&1 && return 0
  ip -n "$SW" link del "$5" 2>/dev/null
  ip -n "$SW" link add "$5" type veth peer name "$2" netns "$n" address "$(mac_of "$1" "$2")" || return 1
  ip -n "$SW" link set "$5" master "$6" up
  ip -n "$n" addr add "$3" dev "$2"
  ip -n "$n" addr add "$4" dev "$2" nodad
  ip -n "$n" link set "$2" up
}

plug() { # NODE: namespace and its cables
  local n; n=$(ns "$1")
  has_ns "$n" || new_ns "$n" || die "cannot create namespace $n"
  cable "$1" lan "$LAN_NET.$(host_no "$1")/24" "$LAN_NET6:$(host_no "$1")/64" "$1" lan || die "cannot plug lan of $1"
  [ "$1" = client ] ||
    cable "$1" xlink "$X_NET.$(x_no "$1")/30" "$X_NET6:$(x_no "$1")/64" "$1-x" x || die "cannot plug xlink of $1"
}

kill_ns() { # kill -9 every process in namespace $1, by pid
  local i p
  has_ns "$1" || return 0
  for i in 1 2 3 4 5 6 7 8 9 10; do
    p=$(ip netns pids "$1" 2>/dev/null) ; [ -n "$p" ] || return 0
    # never this script's own ancestors (a shell that was started in the lab)
    for x in $p; do [ "$x" = $$ ] || [ "$x" = $PPID ] || kill -9 "$x" 2>/dev/null; done
    sleep 0.05  # a pace
  done
}

# All loss rules live in one table of the switch: one chain per fault target.
nft_base() {
  sw_nft list table bridge lab >/dev/null 2>&1 && return 0
  sw_nft -f - <<-N
	table bridge lab {
	  chain boxa { }
	  chain boxb { }
	  chain client { }
	  chain xlink { }
	  chain faults {
	    type filter hook forward priority 0; policy accept;
	    iifname "boxa-x" jump xlink
	    iifname "boxb-x" jump xlink
	    iifname "boxa" jump boxa
	    oifname "boxa" jump boxa
	    iifname "boxb" jump boxb
	    oifname "boxb" jump boxb
	    iifname "client" jump client
	    oifname "client" jump client
	  }
	}
	N
}

permyriad() { # P%, on standard output; fails if it is none
  awk -v p="${1%\%}" 'BEGIN{ if (p !~ /^[0-9]+(\.[0-9]+)?$/ || p>100) exit 1; printf "%d", p*100+0.5 }'
}

set_loss() { # TARGET PERMYRIAD (0..10000), atomically
  local r=""
  [ "$2" -ge 10000 ] && r="add rule bridge lab $1 counter drop comment \"silent cut\""
  [ "$2" -gt 0 ] && [ "$2" -lt 10000 ] &&
    r="add rule bridge lab $1 numgen random mod 10000 < $2 counter drop"
  printf 'flush chain bridge lab %s\n%s\n' "$1" "$r" | sw_nft -f -
}

set_links() { # up|down PORT.. : one batch, so they change within microseconds
  local s=$1 p b=""; shift
  for p in "$@"; do has_port "$p" && b+="link set $p $s"$'\n'; done
  [ -z "$b" ] || printf '%s' "$b" | ip -n "$SW" -batch -
}

set_rate() { # TARGET RATE|off
  local p n i
  for p in $(ports_of "$1"); do
    n=${p%-x}; i=lan; [ "$p" = "$n" ] || i=xlink
    if [ "$2" = off ]; then
      ip netns exec "$SW" tc qdisc del dev "$p" root 2>/dev/null
      has_ns "$(ns "$n")" && ip netns exec "$(ns "$n")" tc qdisc del dev "$i" root 2>/dev/null
    else
      ip netns exec "$SW" tc qdisc replace dev "$p" root tbf rate "$2" burst 64k latency 200ms || return 1
      ip netns exec "$(ns "$n")" tc qdisc replace dev "$i" root tbf rate "$2" burst 64k latency 200ms || return 1
    fi
  done
  return 0
}

heal() { # TARGET
  set_loss "$1" 0
  set_rate "$1" off
  # shellcheck disable=SC2046   # meant to split
  set_links up $(ports_of "$1")
  case $1 in boxa|boxb|client) ip -n "$(ns "$1")" link set lan up 2>/dev/null;; esac
  return 0
}

vip_holders() {
  local n
  for n in boxa boxb; do
    has_ns "$(ns $n)" && ip -n "$(ns $n)" -o -4 addr show to "$VIP" | grep -q . && echo $n
  done
  return 0
}

# One command at a time per lab (not "exec", which may run for hours).  The lock
# must not leak into what we start: fd 9 is closed for those.
lock() { exec 9>"/run/lab-$P.lock" && flock -w 60 9 || die "lab '$P' is busy"; }

# ---- commands ----------------------------------------------------------------
cmd=${1:-}; [ $# -gt 0 ] && shift
case $cmd in
  up)
    lock
    has_ns "$SW" || new_ns "$SW" || die "cannot create namespace $SW"
    for b in lan x; do
      # No spanning tree, no learning delay, all multicast flooded: like a dumb switch.
      ip -n "$SW" link show $b >/dev/null 2>&1 ||
        ip -n "$SW" link add $b type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ||
        die "cannot create bridge $b"
      ip -n "$SW" link set $b up
    done
    nft_base || die "cannot load nft rules"
    for n in boxa boxb client; do plug $n; done
    # Ready only when all nodes see each other (carrier takes a moment).
    for i in $(seq 1 50); do
      ip netns exec "$(ns client)" ping -qc1 -W1 $LAN_NET.11 >/dev/null 2>&1 &&
      ip netns exec "$(ns client)" ping -qc1 -W1 $LAN_NET.12 >/dev/null 2>&1 &&
      ip netns exec "$(ns boxa)" ping -qc1 -W1 $X_NET.2 >/dev/null 2>&1 && exit 0
      sleep 0.1  # a pace
    done
    die "lab is up, but nodes cannot reach each other (faults left on? try heal)";;

  down)
    lock
    for n in boxa boxb client switch; do kill_ns "$(ns $n)"; done
    for n in switch boxa boxb client; do
      has_ns "$(ns $n)" && ip netns del "$(ns $n)"
    done
    rm -f "/run/lab-$P.lock"
    exit 0;;

  status)
    need_up
    for n in boxa boxb client; do
      if has_ns "$(ns $n)"; then
        echo "$n: $(ip -n "$(ns $n)" -br addr show up scope global | awk '$1!="lo"{$1=$1; print}' | paste -sd' ' -)" \
             "pids: $(ip netns pids "$(ns $n)" | paste -sd' ' -)"
      else echo "$n: powered off"; fi
    done
    echo "vip: $(vip_holders | paste -sd' ' -)"
    ip -n "$SW" -br link show type veth | awk '{print "port " $1 ": " $2}'
    sw_nft list table bridge lab | awk '/^\tchain/{c=$2} /drop/{$1=$1; print "fault " c ": " $0}'
    ;;

  exec)
    [ $# -ge 2 ] || usage
    case $1 in switch) need_up;; *) need_node "$1";; esac
    n=$(ns "$1"); shift
    exec ip netns exec "$n" "$@";;

  cut)
    [ $# -ge 1 ] || usage
    need_up; lock
    case $1 in
      lan)   need_node "${2:-}"; t=$2; mode=${3:-};;
      xlink) t=xlink; mode=${2:-};;
      *)     usage;;
    esac
    echo "at $EPOCHREALTIME"
    # shellcheck disable=SC2046   # meant to split
    case $mode in
      '')     set_links down $(ports_of "$t");;
      silent) set_loss "$t" 10000;;
      *)      usage;;
    esac;;

  heal)
    need_up; lock
    case ${1:-all} in
      all)   for t in boxa boxb client xlink; do heal $t; done;;
      lan)   is_node "${2:-}" || usage; heal "$2";;
      xlink) heal xlink;;
      *)     usage;;
    esac;;

  drop)
    [ $# -eq 2 ] || usage
    need_up; lock
    [ "$1" = xlink ] || need_node "$1"
    n=$(permyriad "$2") || usage
    set_loss "$1" "$n";;

  rate)
    [ $# -eq 2 ] || usage
    need_up; lock
    [ "$1" = xlink ] || need_node "$1"
    set_rate "$1" "$2" || die "cannot set rate";;

  poweroff)
    need_up; lock
    is_node "${1:-}" || usage
    n=$(ns "$1")
    has_ns "$n" || exit 0
    # 1. From one instant on no frame passes any more, in one nft transaction.
    # 2. Every process dies.  3. The peer's end of the cross-link loses carrier,
    # as with a real cable to a dead box.  4. The kernel state goes (sockets that
    # would go on retransmitting a FIN once the link is back).
    # (A "drop xlink" in force is over after this.)
    r="add rule bridge lab $1 drop"
    [ "$1" = client ] || r+=$'\n'"add rule bridge lab xlink drop"
    if [ $# -gt 1 ]; then
      loss=$(permyriad "$2") || usage
      r+=$'\n'"add rule bridge lab client numgen random mod 10000 < $loss counter drop"
    fi
    echo "at $EPOCHREALTIME"
    printf '%s\n' "$r" | sw_nft -f - || die "cannot cut the links"
    kill_ns "$n"
    [ "$1" = client ] || set_links down boxa-x boxb-x
    ip -n "$SW" link del "$1" 2>/dev/null
    ip -n "$SW" link del "$1-x" 2>/dev/null
    ip netns del "$n"
    set_loss "$1" 0
    [ "$1" = client ] || set_loss xlink 0
    exit 0;;

  poweron)
    need_up; lock
    is_node "${1:-}" || usage
    plug "$1"
    # The cross-link has carrier only when both ends have power.
    if has_port boxa-x && has_port boxb-x; then set_links up boxa-x boxb-x
    else set_links down boxa-x boxb-x; fi
    exit 0;;

  pause|resume)
    need_up; need_node "${1:-}"
    s=STOP; [ $cmd = resume ] && s=CONT
    for p in $(ip netns pids "$(ns "$1")"); do
      [ "$p" = $$ ] || [ "$p" = $PPID ] || kill -$s "$p" 2>/dev/null
    done
    exit 0;;

  vip)
    need_up; lock
    case ${1:-} in none) ;; boxa|boxb) need_node "$1";; *) usage;; esac
    for n in boxa boxb; do
      [ $n = "$1" ] || { has_ns "$(ns $n)" && {
        ip -n "$(ns $n)" addr del "$VIP/24" dev lan; ip -n "$(ns $n)" addr del "$VIP6/64" dev lan; } 2>/dev/null; }
    done
    [ "$1" = none ] && exit 0
    ip -n "$(ns "$1")" addr replace "$VIP/24" dev lan || die "cannot add $VIP to $1"
    ip -n "$(ns "$1")" addr replace "$VIP6/64" dev lan nodad || die "cannot add $VIP6 to $1"
    ip -n "$(ns client)" neigh flush to "$VIP6" 2>/dev/null
    # arping sends at once, then waits a second for nothing: leave it behind.
    ip netns exec "$(ns "$1")" arping -qU -c 1 -I lan "$VIP" 9>&- >/dev/null 2>&1 &
    exit 0;;

  vipat) need_up; vip_holders;;
  pids)  need_up; need_node "${1:-}"; ip netns pids "$(ns "$1")";;
  help|-h|--help) help;;
  *)     usage;;
esac
