#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of a room: see enter.sh. Its arguments are the room's cgroups.

set -eu
for path; do
  # What is the root of a hierarchy in here.
  mount --bind "$path" "$(findmnt --noheadings --output TARGET --target "$path")"
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  # In version 2, a cgroup that has processes gives no controllers to those below it.
  mkdir -p /sys/fs/cgroup/first
  echo 1 >/sys/fs/cgroup/first/cgroup.procs
fi

# All that an engine keeps, podman's locks in /dev/shm, too. In memory, so that nothing of it stays.
for path in /dev/shm /run /var/lib/containers /var/lib/containerd /var/lib/cni /etc/cni/net.d; do
  mkdir -p "$path"
  mount -t tmpfs -o mode=755 room "$path"
done
mkdir /run/lock
# podman does so when it comes to make a network namespace, over those that containerd has already made there.
mkdir /run/netns
mount --bind /run/netns /run/netns
mount --make-shared /run/netns

# Else an address of IPv6 is of no use for its first two seconds.
for interface in all default; do
  echo 0 >/proc/sys/net/ipv6/conf/$interface/accept_dad
done

echo ready
# The first process has to reap the orphans: bash does, dash does not, and a program in the shell's place would not.
cat >/dev/null
exit 0
