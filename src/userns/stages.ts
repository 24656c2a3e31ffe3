// SPDX-License-Identifier: GPL-2.0-or-later

// What runs between unshare and the command: two scripts for sh. Descriptor 3 is a conversation with the process that
// started them, which answers some lines with one; when that has ended, `read` fails. Descriptor 4 is the command's
// standard error, 2 is read by that process until the command starts.

/** The exit code of the script that sets loopback up, when the capability for it is missing. */
export const REFUSED = 77;

/**
 * The first, in a user namespace without ids. As long as none are mapped, a program that is started has no capabilities
 * (user_namespaces(7)), so this only waits for them. setpriv comes after that, because to gain capabilities clears the
 * signal that it sets (prctl(2), PR_SET_PDEATHSIG). So does the network namespace: made before, its files for root
 * alone (/proc/net/ip_tables_names) would be those of root outside.
 *
 * $1 is the second, the rest are its arguments.
 */
const UNMAPPED = `
echo unshared >&3; read -r answer <&3 || exit
exec setpriv --pdeathsig=KILL -- unshare --net -- sh -c "$1" "$0" "$@"`;

/**
 * The second, as root. $1 is itself, $2 and $3 are Node and the script that sets loopback up, the rest is the command.
 *
 * Its line "up" is sent when the signal is already set: had the other process ended before that, \`read\` would fail.
 * The command gets a process namespace where /proc can be mounted for one: when the processes above it are killed,
 * the kernel kills everything in it. The first process there is sh, which reaps orphans and outlives a SIGINT from
 * the terminal; the command is the second, with number 2, and has the signals as they were. What sh says of its end
 * ("Terminated") is nobody's business. The exit code comes as the last line, because unshare may end by that SIGINT.
 * `exec` takes the command from PATH, even if sh has one of its own by that name.
 */
const MAPPED = `
echo networked >&3
"$2" "$3" || exit
shift 3
echo up >&3; read -r answer <&3 || exit
if unshare --mount --pid --fork --kill-child --mount-proc -- true 2>/dev/null; then
  echo second >&3
  exec unshare --mount --pid --fork --kill-child --mount-proc -- \\
    sh -c 'trap : INT HUP; exec 2>/dev/null; (exec "$@" 2>&4 3>&- 4>&-); echo $? >&3' "$0" "$@"
fi
echo first >&3
exec 2>&4 3>&- 4>&-
exec "$@"`;

/** What to start, by util-linux's unshare. */
export function unshareArguments(
  program: string,
  loopback: readonly [string, string],
  command: readonly string[],
): string[] {
  return ["--user", "--", "sh", "-c", UNMAPPED, program, MAPPED, ...loopback, ...command];
}
