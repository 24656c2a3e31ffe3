// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reasons, root } from "../setup/tiers.ts";
import { type Consumer, createConsumer, repository } from "./consumer.ts";

/** What each architecture has, and what Debian says of copyright beside each library. */
const libraries = ["libip4tc.so.2", "libip6tc.so.2", "libmnl.so.0", "libnftnl.so.11"];
const prebuilt = [
  "nft.node",
  "legacy.node",
  "socket.node",
  ...libraries.flatMap((name) => [name, `${name}.copyright`]),
];
const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
const policy = "{ proxy: { uid: 2102 }, inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } }";

/** Where Node's headers were installed with it, nothing needs to be downloaded. */
function headersOfNode(): string | undefined {
  const prefix = path.dirname(path.dirname(realpathSync(process.execPath)));
  return existsSync(path.join(prefix, "include/node/node_api.h")) ? prefix : undefined;
}

describe("the tarball of npm pack, installed with --ignore-scripts into an empty project", () => {
  let consumer: Consumer;
  beforeAll(() => {
    consumer = createConsumer();
  });
  afterAll(() => consumer?.remove());

  it("holds the addons of x64 and arm64, each with its libraries", () => {
    const folders = ["linux-arm64-glibc", "linux-x64-glibc"];
    expect(consumer.packed.filter((name) => name.startsWith("prebuilds/"))).toEqual(
      folders.flatMap((folder) => prebuilt.map((name) => `prebuilds/${folder}/${name}`)).sort(),
    );
    expect(existsSync(path.join(repository, "prebuilds"))).toBe(false); // they would hide what is built
  });

  it("is found by publint and by those who ask whether its types are wrong to be right", () => {
    const inRepository = (name: string, ...args: string[]) =>
      execFileSync(path.join(repository, "node_modules/.bin", name), args, { encoding: "utf8" });
    expect(inRepository("publint", "run", consumer.tarball, "--strict")).toContain("All good!");
    // Not for the Nodes before 12. It is ESM, which require() takes, too, from Node 20.19 on.
    const rules = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm"];
    expect(() => inRepository("attw", consumer.tarball, ...rules)).not.toThrow();
  });

  it("holds the addons, what is run and what is read, and nothing else", () => {
    expect(consumer.packed).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "SECURITY.md",
        "LICENSE",
        "README.md",
        "dist/bin/network-validator.cjs",
        "dist/bin/proxy-init.cjs",
        "dist/bin/sluice-test-userns-loopback.cjs",
        "dist/bin/sluice-test-userns.cjs",
        "dist/bin/sluice.cjs",
        "dist/index.d.ts",
        "dist/index.js",
        "docs/architecture.md",
        "package.json",
      ]),
    );
    const known =
      /^(deploy|dist|docs|native|prebuilds)\/|^examples\/testing\/sidecar\.test\.ts$|^binding\.gyp$|^schema\/policy\.schema\.json$|^((CHANGELOG|SECURITY)\.md|LICENSE|README\.md|package\.json)$/;
    expect(consumer.packed.filter((name) => !known.test(name))).toEqual([]);
    expect(
      consumer.packed.filter((name) =>
        /standalone\/|^(?!examples\/).*\.test\.|\.map$|\.tsbuildinfo$/.test(name),
      ),
    ).toEqual([]);
  });

  it("holds what its pages lead to, and of the C++ what its addons are made of", () => {
    const leads = consumer.packed
      .filter((name) => name.endsWith(".md"))
      .flatMap((page) => {
        const text = readFileSync(path.join(repository, page), "utf8");
        const links = [...text.matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)];
        return links.map(([, link = ""]) => path.normalize(path.join(path.dirname(page), link)));
      });
    expect(leads.length).toBeGreaterThan(40);
    const packed = (target: string) =>
      consumer.packed.some((name) => name === target || name.startsWith(`${target}/`));
    expect(leads.filter((target) => !packed(target))).toEqual([]);
    // What the static executables alone are made of.
    expect(
      consumer.packed.filter((name) => /^native\/(daemon|files|https|quickjs|test)\//.test(name)),
    ).toEqual([]);
  });

  it("has the policy's schema, and sluice reads a policy in YAML", () => {
    consumer.write("policy.yaml", "inbound: { proxyPort: 4143, skipPorts: [4567-4568] }\n");
    const plan = consumer.run("npx", "sluice", "plan", "--config=policy.yaml", "--format=iptables-save");
    expect(plan).toContain("--dports 4567:4568");
    consumer.write("schema.cjs", 'console.log(require("sluice/policy.schema.json").title);');
    expect(consumer.run(process.execPath, "schema.cjs")).toBe("RedirectPolicy\n");
  });

  it("depends on bindings, yaml and the headers of node-addon-api alone", () => {
    const installed = consumer.run("npm", "ls", "--all", "--parseable").trim().split("\n").slice(1);
    expect(installed.map((name) => path.basename(name)).sort()).toEqual([
      "bindings",
      "file-uri-to-path",
      "node-addon-api",
      "sluice",
      "yaml",
    ]);
  });

  it("compiles and renders a ruleset from ESM", () => {
    consumer.write(
      "render.js",
      `import { compile, install, parsePolicy, render } from "sluice";
       if (typeof install !== "function") throw new TypeError("no install");
       console.log(render(compile(parsePolicy(${policy}), "nft"), "iptables-save"));`,
    );
    expect(consumer.run(process.execPath, "render.js")).toContain("--to-ports 4143");
  });

  it("has sluice/proxy and sluice/testing", ({ skip }) => {
    skip(!root, reasons.kernel);
    consumer.write(
      "proxy.js",
      `import { once } from "node:events";
       import { install } from "sluice";
       import { createTransparentServer } from "sluice/proxy";
       import { createPod } from "sluice/testing";
       const pod = await createPod(); // Node 20 has no "await using"
       await install({ inbound: { proxyPort: 4143 } }, { netns: pod.namespace.path, mode: "nft" });
       const server = createTransparentServer((socket, { address, port }) => socket.end(address + " " + port));
       await pod.namespace.listen(server, { port: 4143 });
       const socket = await pod.peer.connect({ address: pod.addresses.ipv4, port: 80 });
       console.log(String((await once(socket, "data"))[0]));
       await pod.close();`,
    );
    expect(consumer.run(process.execPath, "proxy.js")).toBe("198.51.100.2 80\n");
  });

  it("makes namespaces for tests with sluice-test-userns", ({ skip }) => {
    skip(!root, reasons.kernel); // others may not be allowed user namespaces
    const show = "cat /proc/self/uid_map; cat /proc/net/if_inet6";
    const shown = consumer.run("npx", "--no-install", "sluice-test-userns", "--", "sh", "-c", show);
    expect(shown).toMatch(/^ *0 +0 +\d+\n0{31}1 .* lo\n$/);
  });

  it("runs the tests of examples/testing under vitest", ({ skip }) => {
    skip(!root, reasons.kernel);
    const example = path.join(repository, "examples/testing/sidecar.test.ts");
    consumer.write("sidecar.test.ts", readFileSync(example, "utf8"));
    for (const name of ["vitest", "@types/node"]) consumer.link(name);
    const compilerOptions = {
      module: "NodeNext",
      target: "ES2022",
      lib: ["ES2022", "ESNext.Disposable"],
      noEmit: true,
    };
    const strict = { ...compilerOptions, strict: true, types: ["node"], skipLibCheck: true };
    consumer.write("tsconfig.json", JSON.stringify({ compilerOptions: strict, files: ["sidecar.test.ts"] }));
    consumer.run(process.execPath, tsc, "-p", ".");
    const vitest = ["vitest", "run", "--reporter=tap-flat"];
    expect(consumer.run("npx", "--no-install", ...vitest)).toMatch(/^1\.\.5$/m);
    expect(consumer.run("npx", "--no-install", "sluice-test-userns", "--", ...vitest)).toMatch(/^1\.\.5$/m);
  });

  it("has types that a strict consumer can use, without those of Node", () => {
    const options = {
      module: "NodeNext",
      target: "ES2022",
      strict: true,
      noEmit: true,
      types: [],
      skipLibCheck: false,
    };
    consumer.write("tsconfig.json", JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }));
    consumer.write(
      "consumer.ts",
      `import { compile, install, type InstallReport, parsePolicy, type RedirectPolicy, render } from "sluice";
       const policy: RedirectPolicy = ${policy};
       export const text: string = render(compile(parsePolicy(policy), "nft"), "table");
       export const report: Promise<InstallReport> = install(policy, { mode: "nft", families: ["ipv4"] });
       // @ts-expect-error: no such mode
       export const refused = install(policy, { mode: "iptables" });`,
    );
    consumer.run(process.execPath, tsc, "-p", ".");
  });

  it("brings the commands proxy-init, network-validator, sluice and sluice-test-userns", () => {
    const flags = [
      "--incoming-proxy-port",
      "4143",
      "--outgoing-proxy-port",
      "4140",
      "--proxy-uid",
      "2102",
      "--iptables-mode",
      "nft",
    ];
    expect(consumer.run("npx", "--no-install", "proxy-init", ...flags, "--simulate")).toContain("4143");
    expect(consumer.run("npx", "--no-install", "network-validator", "--help")).toContain("--connect-addr");
    expect(consumer.run("npx", "--no-install", "sluice", "--help")).toContain("init");
    expect(consumer.run("npx", "--no-install", "sluice-test-userns", "--help")).toContain("COMMAND");
  });

  it.for(["nft", "legacy", "nftables"])(
    "installs, inspects and removes a ruleset in mode %s",
    (mode, { skip }) => {
      skip(!root, reasons.kernel);
      consumer.write(
        "install.js",
        `import { inspect, install, remove } from "sluice";
       const policy = ${policy};
       const mode = "${mode}";
       const steps = [await install(policy, { mode }), await install(policy, { mode }), await inspect(), await remove()];
       console.log(JSON.stringify(steps));`,
      );
      const [first, second, found, removed]: unknown[] = JSON.parse(
        consumer.run("unshare", "-n", process.execPath, "install.js"),
      );
      expect(first).toMatchObject({
        mode,
        changed: true,
        families: [{ family: "ipv4" }, { family: "ipv6" }],
      });
      expect(second).toMatchObject({ changed: false });
      expect(found).toMatchObject({
        modes: [
          { mode: "nft", installed: mode === "nft" },
          { mode: "legacy", installed: mode === "legacy" },
          { mode: "nftables", installed: mode === "nftables" },
        ],
      });
      expect(removed).toMatchObject({ changed: true, removed: [{ mode, families: ["ipv4", "ipv6"] }] });
    },
  );

  it("can be built from its sources", { timeout: 900_000 }, () => {
    const folder = path.join(consumer.directory, "node_modules/sluice");
    rmSync(path.join(folder, "prebuilds"), { recursive: true });
    consumer.write(
      "load.js",
      `import { install } from "sluice";
       for (const mode of ["nft", "legacy"]) console.log(mode, (await install(${policy}, { mode })).changed);`,
    );
    const load = () => consumer.run("unshare", "--net", process.execPath, "load.js");
    expect(load).toThrow(/is missing: tried/);
    // As npx node-gyp rebuild, but with the repository's own, and without optimising, which takes minutes.
    const nodeGyp = path.join(repository, "node_modules/node-gyp/bin/node-gyp.js");
    const nodedir = headersOfNode();
    const headers = nodedir === undefined ? [] : [`--nodedir=${nodedir}`];
    consumer.run(
      "env",
      "-C",
      folder,
      "CXXFLAGS=-O0",
      process.execPath,
      nodeGyp,
      "rebuild",
      "-j2",
      ...headers,
    );
    expect(load()).toBe("nft true\nlegacy true\n");
  });
});
