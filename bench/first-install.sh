#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later

# How long a first install takes, as a whole process, in a fresh network namespace each: the static executable, the
# bundle on Node, and the floors of both, one after the other in every round, in a clean environment. Needs root.
#
#   npm run bench:first-install -- [rounds]      default 41
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-41}
node=$(command -v node)
flags=(--incoming-proxy-port 4143 --outgoing-proxy-port 4140 --proxy-uid 2102
  --inbound-ports-to-ignore 4190,4191,4567,4568 --outbound-ports-to-ignore 4567,4568)
modes=(nft legacy)

# Prints the microseconds that a command took in a namespace of its own. The shell's own clock: no process is started
# for it.
once() {
  env -i PATH="$PATH" XTABLES_LOCKFILE="$results/xtables.lock" unshare --net bash -c \
    'start=${EPOCHREALTIME/./}; "$@" >/dev/null; end=${EPOCHREALTIME/./}; echo $((end - start))' bash "$@"
}

median() { sort -n | sed -n "$((rounds / 2 + 1))p"; }

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for ((round = 0; round < rounds; round++)); do
  once /bin/true >>"$results/true"
  once "$node" -e 0 >>"$results/node"
  for mode in "${modes[@]}"; do
    once dist/standalone/proxy-init "${flags[@]}" --iptables-mode "$mode" >>"$results/static-$mode"
    once "$node" --no-rehash-snapshot dist/bin/proxy-init.cjs "${flags[@]}" --iptables-mode "$mode" >>"$results/bundle-$mode"
  done
done

# A number of thousandths with two decimals.
decimal() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }
node_floor=$(median <"$results/node")
row() { printf '%-44s %8s %18s\n' "$1" "$2" "$3"; }
result() {
  local time
  time=$(median <"$results/$2")
  row "$1" "$(decimal "$time")" "$(decimal $((time * 1000 / node_floor)))"
}
row "whole process, median of $rounds" "ms" "to node -e 0"
result "/bin/true" true
result "node -e 0" node
for mode in "${modes[@]}"; do
  result "static proxy-init, first install, $mode" "static-$mode"
  result "node proxy-init.cjs, first install, $mode" "bundle-$mode"
done
