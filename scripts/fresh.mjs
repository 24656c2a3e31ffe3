// SPDX-License-Identifier: GPL-2.0-or-later

// The README's two commands as a new user runs them: in a minimal Debian 12 or 13 that has Node and nothing else, from a fresh clone of what is
// committed. Needs root, mmdebstrap and git.
//
//   node scripts/fresh.mjs [bookworm | trixie]… [demo | test]…   all of them, if none is named; `test` takes as long as .ci/run

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { mirror } from "./debian/apt.mjs";
import { removeTrees } from "./debian/cache.mjs";

const repository = join(import.meta.dirname, "..");
const suites = ["bookworm", "trixie"];
const commands = { demo: "npm run demo", test: "npm test" };

/** How this machine reaches its mirrors: its own affair, so the root gets it as it is. */
const settings = ["/etc/apt/apt.conf.d", "/etc/ssl/certs/ca-certificates.crt", "/usr/etc/npmrc"];
const variables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "https_proxy", "http_proxy", "no_proxy"];

/** @param {string} root @param {string} from @param {string} [to] */
function copy(root, from, to = from) {
  if (existsSync(from)) cpSync(realpathSync(from), join(root, to), { recursive: true, dereference: true });
}

/** @param {string} suite @param {string} root */
function makeRoot(suite, root) {
  removeTrees(root);
  mkdirSync(dirname(root), { recursive: true });
  execFileSync("mmdebstrap", ["--variant=minbase", suite, root, mirror()], { stdio: "pipe" });
  // Where it is here: some builds of Node look for their headers below the prefix that they were made for.
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  copy(root, realpathSync(process.execPath));
  copy(root, join(prefix, "include/node"));
  const npm = join(execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim(), "npm");
  copy(root, npm);
  for (const name of ["npm", "npx"]) {
    symlinkSync(join(npm, `bin/${name}-cli.js`), join(root, prefix, "bin", name));
  }
  for (const path of settings) copy(root, path);
  copy(root, join(homedir(), ".npmrc"), "/root/.npmrc");
  execFileSync("git", ["clone", "--quiet", "--no-hardlinks", repository, join(root, "root/sluice")]);
}

/** With a process namespace of its own, whose end is that of everything in it. @param {string} root @param {string} command */
function run(root, command) {
  writeFileSync(join(root, "root/run.sh"), `cd /root/sluice && exec ${command} </dev/null\n`);
  // By pivot_root, as a container has it: from inside a chroot the kernel makes no user namespaces.
  const enter = [
    'mount --bind "$0" "$0"',
    'cd "$0"',
    "for name in dev sys; do mount --rbind /$name $name; done",
    "mount -t proc proc proc",
    "mount -t tmpfs tmpfs run",
    "mkdir -p run/before",
    "pivot_root . run/before",
    "umount --lazy /run/before",
    'exec "$@"',
  ].join(" && ");
  const environment = [
    ...[
      "HOME=/root",
      "LC_ALL=C.UTF-8",
      "NO_COLOR=1",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ],
    ...variables.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`])),
  ];
  const namespaces = ["--fork", "--kill-child", "--pid", "--mount"];
  const inside = ["/usr/bin/env", "-i", ...environment, "sh", "/root/run.sh"];
  return spawnSync("unshare", [...namespaces, "sh", "-c", enter, root, ...inside], { stdio: "inherit" })
    .status;
}

function main(args) {
  const chosen = (names) => {
    const named = names.filter((name) => args.includes(name));
    return named.length === 0 ? names : named;
  };
  const unknown = args.find((arg) => !suites.includes(arg) && !Object.hasOwn(commands, arg));
  if (unknown !== undefined)
    throw new Error(`${unknown} is not one of ${[...suites, ...Object.keys(commands)].join(", ")}`);
  for (const suite of chosen(suites)) {
    const root = join(repository, "build/fresh", suite);
    makeRoot(suite, root);
    for (const name of chosen(Object.keys(commands))) {
      const start = Date.now();
      const status = run(root, commands[name]);
      console.log(
        `fresh: ${suite}: ${commands[name]}: exit code ${status} after ${Math.round((Date.now() - start) / 1000)} s`,
      );
      if (status !== 0) process.exitCode = 1;
    }
    removeTrees(root);
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`fresh: ${error.stderr || error.message}`);
  process.exitCode = 1;
}
