// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/own-namespace.ts";
import { AS_USER, begin, end, endAll, type InstalledPackage, installPackage, run, UID } from "./user.ts";

const LINE = "sluice-test-userns: in a new user and network namespace as root; uids mapped: ";

/** How long things sleep in these tests, in seconds, as no other process does; with a last digit for each of them. */
const LONG = `1000.${process.pid}`;

let installed: InstalledPackage;
/** The command as the user runs it. */
let asUser: readonly string[];
/** The same as root. */
let asRoot: readonly string[];
const lockOfTests = process.env.XTABLES_LOCKFILE;

beforeAll(() => {
  installed = installPackage();
  asRoot = installed.command;
  asUser = [...AS_USER, ...asRoot];
  delete process.env.XTABLES_LOCKFILE;
});
afterEach(() => {
  endAll();
  expect(installed.leftBehind()).toEqual([]);
});
afterAll(() => {
  installed.remove();
  process.env.XTABLES_LOCKFILE = lockOfTests;
});

/** What users write: it installs rules in a pod, and sees a real connection redirected by them. */
const SUITE = `
  import { once } from "node:events";
  import { createServer } from "node:net";
  import { inspect, install } from "sluice";
  import { createPod } from "sluice/testing";

  const mode = process.argv[2];
  const uid = Number(process.argv[3]);
  const pod = await createPod();
  const netns = pod.namespace.path;
  const policy = { inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 }, proxy: { uid } };
  const { changed } = await install(policy, { mode, netns });
  const { modes } = await inspect({ netns });
  const answer = async (from, address, port) => {
    await pod.namespace.listen(createServer((socket) => socket.end("the proxy")), { port });
    return String((await once(await from.connect({ address, port: 80 }), "data"))[0]);
  };
  const data = await answer(pod.peer, "198.51.100.2", 4143);
  const out = uid === 0 ? "" : await answer(pod.namespace, "198.51.100.1", 4140);
  const { stdout } = await pod.namespace.exec("sh", ["-c", "cat /proc/self/uid_map; cat /proc/net/route | grep -c eth0"]);
  console.log(JSON.stringify({ changed, data, out, stdout,
    installed: modes.filter((each) => each.installed).map((each) => each.mode) }));
  await pod.close();
`;

describe("a test suite without root", () => {
  beforeAll(() => writeFileSync(join(installed.folder, "suite.js"), SUITE));

  it.each([
    ["nft", "0"],
    ["legacy", "0"],
    // A user that is not mapped: to xt_owner an error, here no obstacle.
    ["nftables", "2102"],
  ])("installs rules in pods and sees them work, in mode %s with the proxy's uid %s", async (mode, uid) => {
    const command = [...asUser, "--", process.execPath, "suite.js", mode, uid];
    const { code, stdout, stderr } = await run(command, { cwd: installed.folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(`^${LINE}`) });
    expect(JSON.parse(stdout)).toEqual({
      changed: true,
      data: "the proxy",
      out: uid === "0" ? "" : "the proxy",
      installed: [mode],
      stdout: expect.stringMatching(new RegExp(`^ *0 +${UID} +1\n`)),
    });
  });

  it("has loopback up, nothing else, and is root", async () => {
    const { stdout } = await run([
      ...asUser,
      "sh",
      "-c",
      "id -u; id -g; cat /proc/net/ip_tables_names && echo readable; ls /proc/sys/net/ipv4/conf; cat /proc/net/if_inet6",
    ]);
    expect(stdout).toMatch(/^0\n0\nreadable\nall\ndefault\nlo\n0{31}1 01 80 10 80 +lo\n$/);
  });

  it("is told in one line which users there are, and how to get more", async () => {
    const { stderr } = await run([...asUser, "true"]);
    expect(stderr).toMatch(
      new RegExp(
        `^${LINE}0 \\(uid ${UID} outside\\); no program can run as another user, and no rule can name one, but in mode nftables: to change that, enter "${UID}:100000:65536" in /etc/subuid and /etc/subgid(, and install newuidmap and newgidmap \\(Debian's package uidmap\\))?\n$`,
      ),
    );
  });

  it("locks a file of its own before it writes to ip_tables", async () => {
    const { stdout } = await run([
      ...asUser,
      "sh",
      "-c",
      'echo "$XTABLES_LOCKFILE"; exec 9<"$XTABLES_LOCKFILE" && flock -n 9 && echo locked',
    ]);
    const [path = "", locked] = stdout.split("\n");
    expect(path).toMatch(/\/sluice-userns-\w+\/xtables\.lock$/);
    expect(locked).toBe("locked");
  });

  it("or the one that it is told", async () => {
    const { stdout } = await run([...asUser, "sh", "-c", 'echo "$XTABLES_LOCKFILE"'], {
      env: { ...process.env, XTABLES_LOCKFILE: "/of/my/own" },
    });
    expect(stdout).toBe("/of/my/own\n");
  });
});

describe("with subordinate ids", () => {
  let bin: string;
  beforeAll(() => {
    // Where newuidmap is not installed: a program with the right to do as it does, because it is root's by its mode.
    bin = join(installed.folder, "bin");
    mkdirSync(bin);
    copyFileSync("/usr/bin/tee", join(bin, "root-tee"));
    chmodSync(join(bin, "root-tee"), 0o4755);
    for (const kind of ["uid", "gid"]) {
      const script = `#!/bin/sh
pid=$1; shift
printf '%s %s %s\\n' "$@" | ${bin}/root-tee /proc/$pid/${kind}_map >/dev/null\n`;
      writeFileSync(join(bin, `new${kind}map`), script, { mode: 0o755 });
    }
    writeFileSync(join(installed.folder, "subids"), `${UID}:100000:65536\n`);
  });
  afterAll(() => rmSync(bin, { recursive: true }));

  /** A mount namespace in which the user has subordinate ids. */
  const mounts = (): string[] => {
    const bind =
      'for file in /etc/subuid /etc/subgid; do mount --bind "$1" "$file" || exit; done; shift; exec "$@"';
    return ["unshare", "--mount", "sh", "-c", bind, "sh", join(installed.folder, "subids")];
  };
  const env = (first: string) => ({ ...process.env, PATH: `${process.env.PATH}:${first}` });

  it("programs in a pod can run as other users, and rules name them", async () => {
    const script = `
      import { install } from "sluice";
      import { createPod } from "sluice/testing";
      const pod = await createPod();
      const policy = { outbound: { proxyPort: 4140 }, proxy: { uid: 2102 } };
      await install(policy, { mode: "nft", netns: pod.namespace.path });
      const { stdout, stderr } = await pod.namespace.exec("sh", ["-c", "id -u; id -g; id -G; flock -n -s $XTABLES_LOCKFILE echo locked"], { uid: 2102, gid: 65534 });
      process.stdout.write(stdout + stderr);
      await pod.close();`;
    writeFileSync(join(installed.folder, "ids.js"), script);
    const result = await run([...mounts(), ...asUser, process.execPath, "ids.js"], {
      cwd: installed.folder,
      env: env(bin),
    });
    expect(result).toEqual({
      code: 0,
      signal: null,
      stdout: "2102\n65534\n65534\nlocked\n",
      stderr: `${LINE}0 (uid ${UID} outside), 1 to 65536 (100000 to 165535 outside)\n`,
    });
  });

  it("is root alone, and says why, when newgidmap or newuidmap fails", async () => {
    for (const kind of ["gid", "uid"]) {
      const broken = join(installed.folder, `broken-${kind}`);
      mkdirSync(broken);
      writeFileSync(join(broken, `new${kind}map`), "#!/bin/sh\necho no luck >&2; exit 1\n", { mode: 0o755 });
      const PATH = `${broken}:${process.env.PATH}:${bin}`;
      const result = await run([...mounts(), ...asUser, "cat", "/proc/self/uid_map"], {
        env: { ...process.env, PATH },
      });
      expect(result.stderr).toBe(
        `${LINE}0 (uid ${UID} outside); no program can run as another user, and no rule can name one, but in mode nftables: new${kind}map failed: no luck\n`,
      );
      expect(result.stdout).toMatch(new RegExp(`^ *0 +${UID} +1\n$`));
    }
  });
});

it("has all users when root runs it", async () => {
  const script =
    "cat /proc/self/uid_map; readlink /proc/self/ns/net; setpriv --reuid=2102 --regid=2102 --clear-groups id -u";
  const { code, stdout, stderr } = await run([...asRoot, "sh", "-c", script]);
  expect(stderr).toBe(`${LINE}0 to 4294967294 (the same outside)\n`);
  expect(stdout).toMatch(/^ *0 +0 4294967295\nnet:\[\d+\]\n2102\n$/);
  expect(code).toBe(0);
});

it("works within itself, with the users that there are", async () => {
  const { code, stdout, stderr } = await run([...asUser, ...asRoot, "cat", "/proc/self/uid_map"]);
  expect(stderr.split("\n")[1]).toBe(`${LINE}0 (the same outside)`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ *0 +0 +1\n$/) });
});

describe("the command", () => {
  it("has its arguments and its three streams", async () => {
    const script = 'printf "%s|" "$@"; cat; echo oops >&2';
    const { stdout, stderr } = await run(
      [...asUser, "--", "sh", "-c", script, "sh", "a b", "", "$x", "--help"],
      {
        input: "from stdin",
      },
    );
    expect(stdout).toBe("a b||$x|--help|from stdin");
    expect(stderr.split("\n").slice(1)).toEqual(["oops", ""]);
  });

  it.each([
    ["exit 0", 0],
    ["exit 7", 7],
    ["kill -TERM $$", 143],
    ["kill -KILL $$", 137],
  ])("passes on how it ends: %s", async (script, code) => {
    const { stderr, ...result } = await run([...asUser, "sh", "-c", script]);
    expect(result).toMatchObject({ code, signal: null });
    expect(stderr.split("\n")).toHaveLength(2);
  });

  it("is one that is in PATH, not one of the shell's own", async () => {
    const env = { PATH: "/usr/bin:/bin" };
    const { code, stderr } = await run([...asUser, "exit", "3"], { env });
    expect(code).toBe(127);
    expect(stderr).toMatch(/sluice-test-userns: .*exit: not found\n$/);
    expect((await run([...asUser, "/etc/passwd"])).code).toBe(126);
  });

  it("leaves nothing running when it ends", async () => {
    const { stdout } = await run([...asUser, "sh", "-c", `setsid sleep ${LONG}0 >&- 2>&- & echo done`]);
    expect(stdout).toBe("done\n");
    expect(await eventually(() => sleeping(`${LONG}0`).length === 0)).toBe(true);
  });
});

/** Prints a line for each signal it gets, and ends some time after the first. */
const COUNT = `
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {
    console.log(signal);
    setTimeout(() => process.exit(5), 300);
  });
  setInterval(() => {}, 1000);
  console.log("ready");`;

describe("a signal reaches the command once", () => {
  const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

  it.each(
    SIGNALS.flatMap((signal) => [[signal, "the process"] as const, [signal, "its process group"] as const]),
  )("%s for %s", async (signal, whom) => {
    const program = begin([...asUser, process.execPath, "-e", COUNT], { detached: true });
    const lines = createInterface({ input: program.stdout });
    const got: string[] = [];
    lines.on("line", (line) => got.push(line));
    await once(lines, "line");
    process.kill((program.pid ?? Number.NaN) * (whom === "the process" ? 1 : -1), signal);
    const { code } = await end(program);
    expect({ got, code }).toEqual({ got: ["ready", signal], code: 5 });
  });

  it("or ends what is not yet the command", async () => {
    for (const wait of [60, 80, 100, 120, 140, 160]) {
      const program = begin([...asUser, "sleep", `${LONG}0`], { detached: true });
      await new Promise((resolve) => setTimeout(resolve, wait));
      program.kill("SIGTERM");
      const { code, signal } = await end(program);
      // Node itself ends by the signal as long as it has not come to this program.
      expect([143, "SIGTERM"]).toContain(code ?? signal);
      expect(await eventually(() => sleeping(`${LONG}0`).length === 0)).toBe(true);
    }
  });

  it("from the terminal", async () => {
    // Without a shell in between that would get the signal, too, and end by it.
    const command = ["exec", ...asUser, process.execPath, "-e", `"$COUNT"`].join(" ");
    const program = begin(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, COUNT, SHELL: "/bin/sh" },
    });
    let output = "";
    program.stdout.on("data", (chunk) => {
      output += String(chunk);
    });
    expect(await eventually(() => output.includes("ready"))).toBe(true);
    program.stdin.write("\x03");
    const [code] = await once(program, "close");
    expect(output.match(/SIGINT/g)).toHaveLength(1);
    expect(code).toBe(5);
  });

  it("from the terminal, and ends it where it does not care", async () => {
    const program = begin(
      [
        "script",
        "--quiet",
        "--return",
        "--command",
        ["exec", ...asUser, "sleep", `${LONG}0`].join(" "),
        "/dev/null",
      ],
      { env: { ...process.env, SHELL: "/bin/sh" } },
    );
    expect(await eventually(() => sleeping(`${LONG}0`).length > 0)).toBe(true);
    program.stdin.write("\x03");
    const [code] = await once(program, "close");
    expect(code).toBe(130);
  });
});

describe("killed with SIGKILL", () => {
  /** What leaves the least to be found: a background process in a session of its own. */
  const SCRIPT = `setsid sleep ${LONG}2 & sleep ${LONG}1 & echo $$; wait`;
  const sleepers = () => [...sleeping(`${LONG}1`), ...sleeping(`${LONG}2`)];
  // The temporary file for the lock is all that remains.
  afterEach(() => {
    for (const name of installed.leftBehind()) {
      rmSync(join(process.env.TMPDIR ?? "", name), { recursive: true });
    }
  });

  it("leaves no process", async () => {
    const program = begin([...asUser, "sh", "-c", SCRIPT]);
    await once(program.stdout, "data");
    expect(await eventually(() => sleepers().length === 2)).toBe(true);
    program.kill("SIGKILL");
    expect(await eventually(() => sleepers().length === 0)).toBe(true);
  });

  it("leaves no command where a process namespace cannot be had", async () => {
    // Where a part of /proc is covered, as in a container, the kernel mounts none in a user namespace.
    const cover = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc/driver && exec "$@"', "sh"];
    const program = begin([
      ...cover,
      ...asUser,
      "sh",
      "-c",
      `echo $$ $(grep NSpid /proc/$$/status); exec sleep ${LONG}1`,
    ]);
    // In the processes' namespace of the test: its number is the same inside.
    const [line] = await once(program.stdout, "data");
    expect(String(line)).toMatch(/^(\d+) NSpid: \1\n$/);
    expect(await eventually(() => sleepers().length === 1)).toBe(true);
    program.kill("SIGKILL");
    expect(await eventually(() => sleepers().length === 0)).toBe(true);
  });

  it("hands signals on there, too", async () => {
    const cover = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc/driver && exec "$@"', "sh"];
    const program = begin([...cover, ...asUser, process.execPath, "-e", COUNT], { detached: true });
    await once(program.stdout, "data");
    program.kill("SIGTERM");
    const { code, stdout } = await end(program);
    expect({ code, stdout }).toEqual({ code: 5, stdout: "SIGTERM\n" });
  });
});

describe("where it cannot be", () => {
  it.each(["user", "net"])("says that there may be no %s namespaces", async (kind) => {
    // The limit of a throwaway user namespace, for what is made inside.
    const limit = `echo 0 > /proc/sys/user/max_${kind}_namespaces; exec "$@"`;
    const outer = ["unshare", "--user", "--map-root-user", "sh", "-c", limit, "sh"];
    const { code, stdout, stderr } = await run([...outer, ...asRoot, "echo", "started"]);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toMatch(
      new RegExp(
        `^sluice-test-userns: ${kind === "net" ? "network" : "user"} namespaces are turned off; to change that, as root: sysctl -w user.max_${kind}_namespaces=15000 \\(unshare: .*\\)\n$`,
      ),
    );
  });

  it("says that a chroot is none to do it in", async () => {
    const root = join(installed.folder, "root");
    mkdirSync(join(root, "real"), { recursive: true });
    // "/" is not a mount point there: everything in it is a symbolic link into one.
    const script =
      'mount --rbind / "$0/real" && for name in /*; do ln -s "real$name" "$0$name"; done; exec chroot "$0" "$@"';
    const { code, stderr } = await run(["unshare", "--mount", "sh", "-c", script, root, ...asUser, "true"]);
    expect(stderr).toMatch(
      /^sluice-test-userns: the kernel makes no user namespace for a process in a chroot; /,
    );
    expect(code).toBe(125);
  });

  it("says that unshare is missing", async () => {
    const { code, stderr } = await run([...asRoot, "true"], { env: { PATH: "/nonexistent" } });
    expect(stderr).toMatch(/^sluice-test-userns: unshare is not in PATH; .*\n$/);
    expect(code).toBe(125);
  });

  it("says that the addon is missing", async () => {
    const folder = join(installed.folder, "without");
    mkdirSync(join(folder, "dist"), { recursive: true });
    const command = join(folder, "dist/bin/sluice-test-userns.cjs");
    mkdirSync(join(folder, "dist/bin"));
    for (const name of readdirSync(join(installed.folder, "dist/bin"))) {
      copyFileSync(join(installed.folder, "dist/bin", name), join(folder, "dist/bin", name));
    }
    const { code, stderr } = await run([...AS_USER, process.execPath, command, "true"]);
    expect(stderr).toMatch(
      /^sluice-test-userns: loopback cannot be set up \(the addon "socket" is missing: .*\)\n$/,
    );
    expect(code).toBe(125);
  });
});

it("helps", async () => {
  expect(await run([...asUser, "--help"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Runs a command as root of a new user and network namespace/),
    stderr: "",
  });
  const { version } = JSON.parse(readFileSync(join(installed.folder, "package.json"), "utf8"));
  expect((await run([...asUser, "--version"])).stdout).toBe(`sluice-test-userns ${version}\n`);
  expect(await run(asUser)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: "sluice-test-userns: no command to run; sluice-test-userns --help says how it is used\n",
  });
});

/** The processes of this user that sleep for so long. */
function sleeping(seconds: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const own = new RegExp(`^Uid:\\t${UID}\\t`, "m").test(readFileSync(`/proc/${name}/status`, "utf8"));
        return own && readFileSync(`/proc/${name}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
      } catch {
        return false; // it has ended since the directory was read
      }
    })
    .map(Number);
}
