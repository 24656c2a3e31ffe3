# SPDX-License-Identifier: GPL-2.0-or-later
#
# A pod and its peer: two network namespaces with a cable between them, and servers that say who they are.

pod() { nsenter -t "$(cat /run/pod)" -n "$@"; }
peer() { nsenter -t "$(cat /run/peer)" -n "$@"; }

make_pod() {
  for name in pod peer; do
    unshare -n sh -c "echo \$\$ >/run/$name.new; mv /run/$name.new /run/$name; exec sleep 1000" </dev/null >/dev/null 2>&1 &
    while [ ! -e /run/$name ]; do usleep 10000; done
  done
  # The other end of it is veth0.
  ip link add eth type veth
  ip link set eth netns "$(cat /run/pod)"
  ip link set veth0 netns "$(cat /run/peer)"
  set_up pod eth 1
  set_up peer veth0 2
  serve pod 4143 inbound
  serve pod 4140 outbound
  serve pod 80 app
  serve pod 22 ssh
  serve peer 80 elsewhere
  serve peer 4567 database
}

# set_up NAMESPACE INTERFACE HOST
set_up() {
  $1 ip link set lo up
  if [ -e /proc/sys/net/ipv6 ]; then
    $1 sh -c "echo 0 >/proc/sys/net/ipv6/conf/$2/accept_dad"
    $1 ip addr add 2001:db8::$3/64 dev "$2"
  fi
  $1 ip addr add 192.0.2.$3/24 dev "$2"
  $1 ip link set "$2" up
}

# serve NAMESPACE PORT NAME
serve() {
  $1 nc -ll -p "$2" -e echo "$3" </dev/null >/dev/null 2>&1 &
  while ! $1 netstat -ltn 2>/dev/null | grep -q ":$2 "; do usleep 10000; done
}

# connections FAMILY: who answers whom
connections() {
  case $1 in
    ipv4) prefix=192.0.2. ;;
    ipv6) prefix=2001:db8:: ;;
  esac
  peer sh -c ". /pod.sh; for port in 80 22 25; do connect peer ${prefix}1 \$port; done"
  pod sh -c ". /pod.sh; for port in 80 81 4567; do connect pod ${prefix}2 \$port; done"
  pod su proxy -c ". /pod.sh; connect proxy ${prefix}2 80"
}

# connect WHO ADDRESS PORT: who answers
connect() {
  answer=$(nc -w 3 "$2" "$3" </dev/null 2>&1) || answer="nobody: $answer"
  echo "$1 $3: $answer"
}
