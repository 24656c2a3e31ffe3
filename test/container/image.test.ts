// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { images, nightly, nightlyImages } from "./images.ts";
import { room } from "./kubelet.ts";

const licences = [
  ...["GPL-2", "GPL-3", "LGPL-2.1"].map((name) => `usr/share/common-licenses/${name}`),
  ...["gcc-14", "glibc", "libmnl", "libnftnl", "quickjs", "rapidjson", "sluice"].map(
    (name) => `usr/share/doc/${name}/copyright`,
  ),
];
const executables = [
  "usr/lib/linkerd/linkerd2-network-validator",
  "usr/lib/linkerd/linkerd2-proxy-init",
  "usr/local/bin/proxy-init",
];
const tools = ["usr/local/bin/sluice", "usr/share/doc/yaml/copyright"];
/** What Linkerd's chart calls before the container ends. */
const shell = ["busybox", "kill", "sh", "sleep"].map((name) => `bin/${name}`);
const cni = [
  ...shell,
  "usr/local/bin/sluice-cni",
  "usr/share/common-licenses/Apache-2.0",
  ...["busybox", "curl", "openssl", "c-ares"].map((name) => `usr/share/doc/${name}/copyright`),
];
const contents = {
  image: [...executables, ...licences],
  tools: [...executables, ...licences, ...tools],
  cni: [...executables, ...licences, ...tools, ...cni],
};

/** Runs a shell script whose $1 is where the image is mounted. */
function inImage(image: string, script: string): Promise<string> {
  const mounted =
    'root=$(podman image mount "$0") && sh -euc "$1" sh "$root"; podman image unmount "$0" >/dev/null';
  return room().run("sh", "-c", mounted, image, script);
}

const lines = (text: string) => text.trim().split("\n").filter(Boolean).sort();

describe.each(["image", "tools", "cni"] as const)(
  "the Dockerfile's target %s, built from a clean clone",
  (target) => {
    it("holds the executables, their licences and the offer of the source, and nothing else", async () => {
      const files = await inImage(images[target], 'cd "$1"; find . ! -type d -printf "%P %M %U:%G\\n"');
      const expected = contents[target].map(
        (name) => `${name} ${name.includes("share") ? "-rw-r--r--" : "-rwxr-xr-x"} 0:0`,
      );
      expect(lines(files)).toEqual(expected.sort());
    });

    it("gives proxy-init its capabilities, and the others none", async () => {
      const capabilities = await inImage(images[target], 'cd "$1"; getcap -r .');
      expect(lines(capabilities)).toEqual(
        ["usr/lib/linkerd/linkerd2-proxy-init", "usr/local/bin/proxy-init"].map(
          (name) => `./${name} cap_net_admin,cap_net_raw=ep`,
        ),
      );
    });

    it(`runs as ${target === "image" ? "nobody" : "root"}`, async () => {
      const user = await room().run(
        "podman",
        "image",
        "inspect",
        images[target],
        "--format={{.Config.User}}",
      );
      expect(user.trim()).toBe(target === "image" ? "65534:65534" : "0:0");
    });
  },
);

describe("the image", () => {
  it("is below 5 MB unpacked, in one layer", async () => {
    const format = "--format={{.Size}} {{len .RootFS.Layers}}";
    const inspected = await room().run("podman", "image", "inspect", images.image, format);
    const [size, layers] = inspected.trim().split(" ").map(Number);
    expect(layers).toBe(1);
    expect(size).toBeGreaterThan(4e6);
    expect(size).toBeLessThan(5e6);
  });

  it("says what the executables are linked with, and where the source is to be had", async () => {
    const text = await inImage(images.image, 'cat "$1/usr/share/doc/sluice/copyright"');
    expect(text).toMatch(/^sluice \d+\.\d+\.\d+$/m);
    for (const name of ["gcc-14", "glibc", "iptables", "libmnl", "libnftnl", "quickjs", "rapidjson"]) {
      expect(text).toMatch(new RegExp(`^  ${name} \\S+ \\(\\S.*\\)$`, "m"));
    }
    expect(text).toContain("For three years");
  });

  it("has a software bill of materials: what of npm and of Debian is in it", () => {
    const file = path.join(import.meta.dirname, "../../build/containers/sbom/sluice.cdx.json");
    const sbom: { bomFormat: string; components: { purl: string; licenses: object[] }[] } = JSON.parse(
      readFileSync(file, "utf8"),
    );
    expect(sbom.bomFormat).toBe("CycloneDX");
    const names = sbom.components.map(({ purl }) => purl.replace(/@.*/, ""));
    expect(names).toEqual([
      ...["bindings", "file-uri-to-path", "node-addon-api", "yaml"].map((name) => `pkg:npm/${name}`),
      ...[
        ...["c-ares", "curl", "gcc-14", "glibc", "iptables", "libmnl", "libnftnl", "openssl", "quickjs"],
        "rapidjson",
      ].map((name) => `pkg:deb/debian/${name}`),
    ]);
    for (const { licenses } of sbom.components) expect(licenses).not.toEqual([]);
  });

  it("can be copied from: the files keep their capabilities", async () => {
    const dockerfile = `FROM ${images.image} AS sluice
FROM localhost/app:test
COPY --from=sluice /usr/lib/linkerd/linkerd2-proxy-init /usr/lib/linkerd/linkerd2-network-validator /usr/lib/linkerd/
`;
    const build = 'printf %s "$0" | podman build --pull=never --quiet --tag=localhost/derived:test -';
    await room().run("sh", "-c", build, dockerfile);
    const capabilities = await inImage("localhost/derived:test", 'cd "$1/usr/lib/linkerd"; getcap *; ls');
    expect(capabilities).toBe(
      "linkerd2-proxy-init cap_net_admin,cap_net_raw=ep\nlinkerd2-network-validator\nlinkerd2-proxy-init\n",
    );
  });
});

describe("the image of the CNI plugin's installer", () => {
  it("is below 20 MB unpacked, in two layers", async () => {
    const format = "--format={{.Size}} {{len .RootFS.Layers}}";
    const inspected = await room().run("podman", "image", "inspect", images.cni, format);
    const [size, layers] = inspected.trim().split(" ").map(Number);
    expect(layers).toBe(2);
    expect(size).toBeGreaterThan(15e6);
    expect(size).toBeLessThan(20e6);
  });

  it("offers the source of what it holds beyond the others, too", async () => {
    const text = await inImage(images.cni, 'cat "$1/usr/share/doc/sluice/copyright"');
    for (const name of ["busybox", "c-ares", "curl", "glibc", "openssl"]) {
      expect(text).toMatch(new RegExp(`^  ${name} \\S+ \\(\\S.*\\)$`, "m"));
    }
    expect(text).toContain("under version 3 of the GPL");
  });

  it("has what Linkerd's chart runs before its container ends", async () => {
    const command = ["/bin/sh", "-c", "kill -0 1 && /bin/kill -0 1 && /bin/sleep 0 && echo ran"];
    const [entrypoint = "", ...args] = command;
    const run = ["podman", "run", "--rm", "--network=none", `--entrypoint=${entrypoint}`, images.cni];
    expect(await room().run(...run, ...args)).toBe("ran\n");
  });
});

// Minutes longer to build, so not on every change: npm run nightly:images.
if (nightly) {
  describe("the target node", () => {
    it("has the package where an application finds it, and its commands in PATH", async () => {
      const script = "require('sluice').inspect().then(({ modes }) => console.log(modes.length))";
      const run = [
        "podman",
        "run",
        "--rm",
        "--cap-add=NET_ADMIN,NET_RAW",
        "--workdir=/tmp",
        nightlyImages.node,
      ];
      expect(await room().run(...run, "node", "-e", script)).toBe("3\n");
      expect(await room().run(...run, "sluice", "--version")).toMatch(/^sluice \d/);
    });
  });

  describe("the image for arm64", () => {
    it("holds the same files, for that architecture, below 5 MB", async () => {
      const files = await inImage(
        nightlyImages.arm64,
        'cd "$1"; find . ! -type d -printf "%P\\n"; getcap -r .',
      );
      expect(files).toContain("./usr/local/bin/proxy-init cap_net_admin,cap_net_raw=ep");
      for (const name of executables) expect(files).toContain(`${name}\n`);
      const format = "--format={{.Architecture}} {{.Size}}";
      const inspected = await room().run("podman", "image", "inspect", nightlyImages.arm64, format);
      expect(inspected).toMatch(/^arm64 4\d{6}\n$/);
    });

    it("runs under qemu-user, as far as that goes: it knows no netlink of netfilter", async () => {
      const script =
        'qemu-aarch64-static "$1/usr/local/bin/proxy-init" --simulate --iptables-mode=nft -p 4143 -o 4140 -u 2102';
      expect(await inImage(nightlyImages.arm64, script)).toContain("--to-ports 4143");
    });
  });

  describe("the target cni for arm64", () => {
    it("holds the plugin, the tools and a shell, for that architecture", async () => {
      const files = await inImage(nightlyImages.arm64Cni, 'cd "$1"; find . ! -type d -printf "%P\\n"');
      // Debian has what a cross compiler links in in packages of other names.
      const cross: Readonly<Record<string, string>> = {
        "usr/share/doc/gcc-14/copyright": "usr/share/doc/gcc-14-cross/copyright",
        "usr/share/doc/glibc/copyright": "usr/share/doc/cross-toolchain-base/copyright",
      };
      expect(lines(files)).toEqual(contents.cni.map((file) => cross[file] ?? file).sort());
      const format = "--format={{.Architecture}}";
      const inspected = await room().run("podman", "image", "inspect", nightlyImages.arm64Cni, format);
      expect(inspected).toBe("arm64\n");
    });

    it("runs under qemu-user", async () => {
      const run = (program: string) => `qemu-aarch64-static "$1/${program}"`;
      const version = `echo '{"cniVersion":"1.1.0"}' | CNI_COMMAND=VERSION ${run("usr/local/bin/sluice-cni")}`;
      const said = JSON.parse(await inImage(nightlyImages.arm64Cni, version));
      expect(said.supportedVersions).toContain("1.1.0");
      const shell = `${run("bin/sh")} -c 'echo from the shell'`;
      expect(await inImage(nightlyImages.arm64Cni, shell)).toBe("from the shell\n");
      expect(await inImage(nightlyImages.arm64Cni, `${run("usr/local/bin/sluice")} --version`)).toMatch(
        /^sluice \d/,
      );
    });
  });
}
