#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A room for a container engine: namespaces of network, mounts, processes and cgroups, whose end is the end of all that
# was made in them, however it comes. It lasts as long as standard input stays open.

set -eu
here=$(dirname "$0")
name=sluice-room.$$
sh "$here/cgroups.sh" sweep
cgroups=$(sh "$here/cgroups.sh" list "$name")

# In a subshell, so that this process can remove them.
(
  for path in $cgroups; do
    mkdir "$path"
    # A cpuset without these takes no process.
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$path/../$file" ] || [ -s "$path/$file" ] || cat "$path/../$file" >"$path/$file"
    done
    sh -c 'echo $PPID >"$0/cgroup.procs"' "$path"
  done
  exec unshare --net --mount --pid --cgroup --fork --kill-child --mount-proc bash "$here/first.sh" $cgroups
) || status=$?

sh "$here/cgroups.sh" remove "$name"
exit "${status:-0}"
