// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadAddon } from "../../src/host/addons.ts";

const platform = `linux-${process.arch}-${execFileSync("ldd", ["/bin/sh"], { encoding: "utf8" }).includes("musl") ? "musl" : "glibc"}`;

/** The addon that this checkout has built. `bindings` notes its path on what it exports. */
function builtAddon(): string {
  const addon = loadAddon("socket");
  if (typeof addon === "object" && addon !== null && "path" in addon && typeof addon.path === "string") {
    return addon.path;
  }
  throw new TypeError("bindings gave no path");
}

describe("loadAddon, bundled as the commands are", () => {
  let root: string;
  beforeEach(async () => {
    root = mkdtempSync(path.join(tmpdir(), "sluice-addons-"));
    await build({
      stdin: {
        contents: `
          import { loadAddon } from "./src/host/addons.ts";
          try {
            const addon = loadAddon(process.argv[2]);
            process.stdout.write(JSON.stringify({ path: addon.path, type: typeof addon.connect }));
          } catch ({ name, code, message }) {
            process.stdout.write(JSON.stringify({ name, code, message }));
          }`,
        resolveDir: path.join(import.meta.dirname, "../.."),
      },
      outfile: path.join(root, "dist/bin/probe.cjs"),
      bundle: true,
      platform: "node",
      format: "cjs",
      minify: true,
      define: { "import.meta.dirname": "__dirname" },
      logLevel: "error",
    });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function probe(name: string, ...flags: string[]): unknown {
    const args = [...flags, path.join(root, "dist/bin/probe.cjs"), name];
    return JSON.parse(execFileSync(process.execPath, args, { cwd: "/", encoding: "utf8" }));
  }

  function put(from: string, ...to: string[]): string {
    const file = path.join(root, ...to);
    mkdirSync(path.dirname(file), { recursive: true });
    copyFileSync(from, file);
    return file;
  }

  it("lists every path that it tried", () => {
    const tried = [`prebuilds/${platform}`, "build/Release", "build/Debug"]
      .map((directory) => path.join(root, directory, "nft.node"))
      .join(", ");
    expect(probe("nft")).toEqual({
      name: "NetfilterError",
      code: "addon-unavailable",
      message: `the addon "nft" is missing: tried ${tried}; in a checkout, build it with: npm run build; of the package: npm explore sluice -- npx node-gyp rebuild`,
    });
  });

  it("prefers the prebuilt addon to Release, and that to Debug", () => {
    for (const directory of ["build/Debug", "build/Release", `prebuilds/${platform}`]) {
      const file = put(builtAddon(), directory, "socket.node");
      expect(probe("socket")).toEqual({ path: file, type: "function" });
    }
  });

  it("names the packages that bring a missing shared library", () => {
    const compile = (...args: string[]) => execFileSync("cc", ["-shared", "-fPIC", ...args], { cwd: root });
    writeFileSync(path.join(root, "lib.c"), "int present(void) { return 1; }\n");
    writeFileSync(path.join(root, "addon.c"), "int present(void);\nint use(void) { return present(); }\n");
    compile("lib.c", "-Wl,-soname,libnftnl.so.99", "-o", "libnftnl.so.99");
    compile("addon.c", "-L.", "-l:libnftnl.so.99", "-o", "nft.node");
    const file = put(path.join(root, "nft.node"), "build/Release/nft.node");
    expect(probe("nft")).toEqual({
      name: "NetfilterError",
      code: "addon-unavailable",
      message: expect.stringMatching(
        new RegExp(
          `^cannot load the addon ${file}: .*libnftnl\\.so\\.99.*; install it with: apt-get install libnftnl11 \\(Alpine: apk add libnftnl\\)$`,
        ),
      ),
    });
  });

  it("passes on why another file cannot be loaded", () => {
    const file = path.join(root, "build/Release/nft.node");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, "not an ELF file");
    expect(probe("nft")).toMatchObject({
      code: "addon-unavailable",
      message: expect.stringContaining(`cannot load the addon ${file}: `),
    });
  });
});
