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
  --inbound-ports-to-ignore 4190,4191,4567,4568 --outbound-ports-to-ignore 4567,4568 --iptables-mode nft)

# Prints the microseconds that a command took in a namespace of its own. The shell's own clock: no process is started
# for it.
once() {
  env -i PATH="$PATH" unshare --net bash -c \
    'start=${EPOCHREALTIME/./}; "$@" >/dev/null; end=${EPOCHREALTIME/./}; echo $((end - start))' bash "$@"
}

median() { sort -n | sed -n "$((rounds / 2 + 1))p"; }

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for ((round = 0; round < rounds; round++)); do
  once /bin/true >>"$results/true"
  once dist/standalone/proxy-init "${flags[@]}" >>"$results/static"
  once "$node" -e 0 >>"$results/node"
  once "$node" --no-rehash-snapshot dist/bin/proxy-init.cjs "${flags[@]}" >>"$results/bundle"
done

true=$(median <"$results/true")
static=$(median <"$results/static")
node_floor=$(median <"$results/node")
bundle=$(median <"$results/bundle")

# A number of thousandths with two decimals.
decimal() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }
row() { printf '%-36s %8s %18s\n' "$1" "$2" "$3"; }
ratio() { decimal $(($1 * 1000 / node_floor)); }
row "whole process, median of $rounds" "ms" "to node -e 0"
row "/bin/true" "$(decimal "$true")" "$(ratio "$true")"
row "static proxy-init, first install" "$(decimal "$static")" "$(ratio "$static")"
row "node -e 0" "$(decimal "$node_floor")" "1.00"
row "node proxy-init.cjs, first install" "$(decimal "$bundle")" "$(ratio "$bundle")"
