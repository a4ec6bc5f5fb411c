#!/bin/bash
# Mosquitto's own clients: mosquitto_sub listens and comes back by itself, mosquitto_pub publishes, a process a message.
#   usage: mosquitto.sh PORT ID VERSION clean|keep [WILL_TOPIC]    the lines in and out: see process.py
# It connects with its first subscription.
set -u

declare -A versions=([3.1]=mqttv31 [3.1.1]=mqttv311 [5]=mqttv5)
server=(-h 127.0.0.1 -p "$1" -V "${versions[$3]}")
listener=(-i "$2" -d -F 'message %t %p %q %r')
if [[ $4 == keep ]]; then
  listener+=(-c)
  if [[ $3 == 5 ]]; then listener+=(-x 3600); fi
fi
if (($# > 4)); then listener+=(--will-topic "$5" --will-payload gone --will-qos 1); fi

# Its own words (-d) as ours. It does not say whether a session was there.
translate() {
  sed -u -n -e 's/^Client .* received CONNACK (0)$/up -/p' -e 's/^Subscribed .*/subscribed/p' -e '/^message /p' \
    -e 's/^Error.*/error &/p'
}

# A message that nobody takes now is published later: a new process has no other way to come back.
publish() {
  local retain=()
  if [[ $4 == 1 ]]; then retain=(-r); fi
  until mosquitto_pub "${server[@]}" -t "$1" -m "$2" -q "$3" "${retain[@]}" 2>/dev/null; do
    sleep 0.1  # a pace
  done
  echo "published $2"
}

while read -r command first second third fourth; do
  case "$command" in
    subscribe)
      stdbuf -oL mosquitto_sub "${server[@]}" "${listener[@]}" -t "$first" -q "$second" > >(translate) 2>&1 &
      listening=$!
      ;;
    publish) publish "$first" "$second" "$third" "$fourth" ;;
    leave)
      kill -s INT "$listening"
      wait "$listening"
      echo left
      exit 0
      ;;
  esac
done
