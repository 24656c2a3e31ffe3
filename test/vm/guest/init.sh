#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of a machine (../machine.ts). Runs what comes over the second serial line: a script a line, in
# base64. Answers each with its exit code, output and error output.

/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev

# No module is loaded but by a script, whatever the kernel asks for.
echo >/proc/sys/kernel/modprobe

. /pod.sh

# In a process of its own: the first one is told whenever an orphan ends, and forgets what it has read of a line.
(
  stty raw -echo
  echo ready
  # Whoever forgot this machine does not keep it.
  while read -r -t 60 line; do
    echo "$line" | base64 -d >/run/script
    (. /run/script) </dev/null >/run/out 2>/run/err
    echo "$? $(base64 -w 0 /run/out) $(base64 -w 0 /run/err)"
  done
) </dev/ttyS1 >/dev/ttyS1
poweroff -f
