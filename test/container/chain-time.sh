#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ADD of each plugin of a chain takes, in microseconds: one line a pod, one column a plugin.
#
#   chain-time.sh FOLDER TIMES [CNI_ARGS CONFIG]...    FOLDER: of the plugins; CONFIG: of each, in JSON without prevResult

set -eu
# It doubles the start of Node.
unset NODE_EXTRA_CA_CERTS
export CNI_PATH=$1 CNI_IFNAME=eth0
times=$2
shift 2

type_of() { sed -n '1s/^{[^{]*"type":"\([^"]*\)".*/\1/p' <<<"$1"; }

one_pod() {
  local result= taken= config plugin start
  while [ $# -gt 0 ]; do
    config=$2
    [ -z "$result" ] || config="${config%\}},\"prevResult\":$result}"
    plugin=$CNI_PATH/$(type_of "$config")
    start=${EPOCHREALTIME/[.,]/}
    result=$(CNI_COMMAND=ADD CNI_ARGS=$1 "$plugin" <<<"$config" 2>/dev/null) || { echo "$plugin: $result" >&2 && exit 1; }
    taken+=" $((${EPOCHREALTIME/[.,]/} - start))"
    shift 2
  done
  echo $taken
}

for ((i = 0; i < times; i++)); do
  export CNI_CONTAINERID=time-$i CNI_NETNS=/run/netns/time-$i
  ip netns add "time-$i"
  one_pod "$@"
  # The first takes the address back; the rest goes with the namespace.
  CNI_COMMAND=DEL "$CNI_PATH/$(type_of "$2")" <<<"$2" >&2
  ip netns delete "time-$i"
done
