// SPDX-License-Identifier: GPL-2.0-or-later

// The package on machines that have nothing but glibc and Node: no libnftnl, no libmnl, no libiptc, no compiler.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Consumer, createConsumer, repository } from "./consumer.ts";

const policy = "{ proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } }";

/** In ESM and in CommonJS: what each mode does, and where an accepted connection wanted to go. */
const CHECKS = {
  "check.mjs": `import { install, inspect, NetfilterError } from "sluice";
    import { originalDestination } from "sluice/proxy";
    const found = [];
    for (const mode of ["nft", "legacy", "nftables"]) {
      const { changed } = await install(${policy}, { mode });
      found.push(mode + " " + changed);
    }
    const { modes } = await inspect();
    found.push(modes.filter(({ installed }) => installed).map(({ mode }) => mode).join());
    found.push(typeof originalDestination);
    console.log(found.join(", "));`,
  "check.cjs": `const { install } = require("sluice");
    install(${policy}, { mode: "nft" }).then(({ mode }) => console.log(mode));`,
};

/** What a Node needs of a system, and no more. */
const NEEDED = ["libc", "libm", "libdl", "libpthread", "libstdc++", "libgcc_s"];

/** A root with the glibc of another, this project, and Nodes. */
function createRoot(from: string, consumer: Consumer, nodes: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(path.join(tmpdir(), "sluice-bare-"));
  for (const folder of ["lib64", "lib/x86_64-linux-gnu", "proc", "tmp", "run"]) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  const copy = (name: string, target: string) => {
    const places = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map((folder) =>
      path.join(from, folder, name),
    );
    const found = places.find((place) => existsSync(place));
    if (found === undefined) throw new Error(`${from} has no ${name}`);
    cpSync(realpathSync(found), path.join(root, target, name));
  };
  copy("ld-linux-x86-64.so.2", "lib64");
  const versions: Readonly<Record<string, number>> = {
    ...{ libdl: 2, libpthread: 0, "libstdc++": 6, libgcc_s: 1 },
  };
  for (const name of NEEDED) copy(`${name}.so.${versions[name] ?? 6}`, "lib/x86_64-linux-gnu");
  cpSync(consumer.directory, path.join(root, "project"), { recursive: true });
  for (const [name, file] of Object.entries(nodes)) cpSync(realpathSync(file), path.join(root, name));
  return root;
}

/** scripts/nodes.mjs has fetched them. */
const node24 = (architecture: string) =>
  path.join(repository, `build/nodes/linux-${architecture}-24/bin/node`);

const systems = { "glibc 2.31": "build/prebuild", "glibc 2.41": "build/debian13" } as const;
describe("the package, without libraries", () => {
  let consumer: Consumer;
  beforeAll(() => {
    consumer = createConsumer();
    for (const [name, text] of Object.entries(CHECKS)) consumer.write(name, text);
  });
  afterAll(() => consumer?.remove());

  describe.each(Object.entries(systems))("%s", (_, from) => {
    let root: string;
    beforeAll(() => {
      // On a Debian 13 the machine itself has the newer one.
      const source = path.join(repository, from);
      const nodes = { node20: process.execPath, node24: node24("x64") };
      root = createRoot(existsSync(source) ? source : "/", consumer, nodes);
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    const run = (node: string, file: string) =>
      execFileSync(
        "unshare",
        [
          ...["--net", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'],
          ...[root, `/${node}`, `/project/${file}`],
        ],
        { encoding: "utf8", env: {}, stdio: ["ignore", "pipe", "pipe"] },
      );

    it.each(["node20", "node24"])("all modes work on %s", (node) => {
      expect(run(node, "check.mjs")).toBe("nft true, legacy true, nftables true, nftables, function\n");
      expect(run(node, "check.cjs")).toBe("nft\n");
    });

    it("brings every library that an addon asks for", () => {
      const folder = path.join(root, "project/node_modules/sluice/prebuilds/linux-x64-glibc");
      rmSync(path.join(folder, "libnftnl.so.11"));
      // Now as if the package did not: so it was the package's that was loaded.
      expect(() => run("node20", "check.cjs")).toThrow(/libnftnl\.so\.11.*apt-get install libnftnl11/);
    });
  });

  it("the addons of arm64 load on Node 24", () => {
    // Emulated system calls know no netfilter: that they were made is all that shows here.
    consumer.write(
      "arm64.mjs",
      `import { inspect } from "sluice";
       import { createNamespace } from "sluice/testing";
       const { modes } = await inspect();
       console.log(process.arch, modes.map(({ mode, state }) => mode + " " + state).join(", "), typeof createNamespace);`,
    );
    const sysroot = path.join(repository, "build/prebuild/usr/aarch64-linux-gnu");
    const command = ["-L", sysroot, node24("arm64"), "arm64.mjs"];
    expect(consumer.run("unshare", "--net", "qemu-aarch64-static", ...command)).toBe(
      "arm64 nft unavailable, legacy read, nftables unavailable function\n",
    );
  });
});
