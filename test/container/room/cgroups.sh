#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cgroups of rooms (enter.sh), of either version of cgroup: one in each hierarchy, below the caller's own.
#
#   cgroups.sh list NAME   where they are or would be
#   cgroups.sh sweep       removes those of rooms that are gone; what is killed cannot clean up after itself

list() {
  awk '$3 == "cgroup" || $3 == "cgroup2" { print $3, $2, $4 }' /proc/mounts |
    while read -r type mount options; do
      if [ "$type" = cgroup2 ]; then
        own=$(sed -n 's/^0:://p' /proc/self/cgroup)
      else
        # Of cpu,cpuacct the first is enough; one without a controller is known by its name.
        controller=$(basename "$mount" | cut -d, -f1)
        case ,$options, in *,name=*) controller=name=${options##*name=} ;; esac
        own=$(awk -F: -v wanted="$controller" '{
          count = split($2, names, ",")
          for (i = 1; i <= count; i++) if (names[i] == wanted) print $3
        }' /proc/self/cgroup)
      fi
      [ -n "$own" ] && [ -d "$mount$own" ] && echo "$mount${own%/}/$1"
    done
}

remove() {
  # Empty ones only: a cgroup with a process in it cannot be removed.
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
}

case $1 in
list) list "$2" ;;
remove) for path in $(list "$2"); do remove "$path"; done ;;
sweep)
  find /sys/fs/cgroup -type d -name 'sluice-room.*' 2>/dev/null | while read -r path; do
    # The room's first process is in the first or, in version 2, in the second.
    [ -n "$(cat "$path/cgroup.procs" "$path/first/cgroup.procs" 2>/dev/null)" ] || remove "$path"
  done
  ;;
esac
exit 0
