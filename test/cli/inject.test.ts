// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { FakeHost } from "./fake-host.ts";

async function run(
  manifest: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const host = new FakeHost(["inject", ...args], undefined, {}, { "-": manifest, "pod.yaml": manifest });
  const code = await sluice(host);
  return { code, stdout: host.stdout, stderr: host.stderr };
}

const POD = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  # Ours, and the proxy.
  containers:
  - name: app
    image: app:1
  - name: linkerd-proxy
    image: proxy:1
    securityContext: {runAsUser: 2102}
`;
const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: { name:  web }   # as it is\n";

describe("sluice inject", () => {
  test("bytes that are not UTF-8 cannot stay as they are: nothing is printed", async () => {
    // As both hosts read them.
    expect(await run(POD.replace("app:1", "caf\ufffd"))).toEqual({
      code: 1,
      stdout: "",
      stderr: 'sluice inject: --filename: "-": is not UTF-8, or holds the replacement character U+FFFD\n',
    });
  });

  test.each([
    ["initContainers", "{a: b}"],
    ["initContainers", "text"],
    ["volumes", "7"],
  ])("%s that are %s, and no list, are not thrown away", async (list, value) => {
    const manifest = `${POD}  ${list}: ${value}\n`;
    expect(await run(manifest)).toEqual({
      code: 0,
      stdout: manifest,
      stderr: `sluice inject: Pod web: left as it is: its ${list} are no list\n`,
    });
  });

  test("two merge keys in one map are named as they are written", async () => {
    const { code, stderr } = await run(`${POD}  <<: {a: 1}\n  <<: {b: 2}\n`);
    expect(code).toBe(1);
    expect(stderr).toContain('the key "<<" stands twice in one object');
  });

  test("prints the manifest, and what was done on standard error", async () => {
    const { code, stdout, stderr } = await run(`${SERVICE}---\n${POD}`);
    expect(code).toBe(0);
    expect(stderr).toBe("sluice inject: Pod web: linkerd-init added\n");
    expect(stdout.startsWith(`${SERVICE}---\n`)).toBe(true);
    expect(stdout.slice(SERVICE.length + 4)).toMatchInlineSnapshot(`
      "apiVersion: v1
      kind: Pod
      metadata:
        name: web
      spec:
        volumes:
        - name: linkerd-proxy-init-xtables-lock
          emptyDir: {}
        initContainers:
        - name: linkerd-init
          image: sluice:0.0.0-dev
          imagePullPolicy: IfNotPresent
          command:
          - /usr/local/bin/proxy-init
          args:
          - --iptables-mode
          - nft
          - --ipv6=false
          - --incoming-proxy-port
          - "4143"
          - --outgoing-proxy-port
          - "4140"
          - --proxy-uid
          - "2102"
          - --inbound-ports-to-ignore
          - "4190,4191,4567,4568"
          - --outbound-ports-to-ignore
          - "4567,4568"
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              add:
              - NET_ADMIN
              - NET_RAW
              drop:
              - ALL
            privileged: false
            readOnlyRootFilesystem: true
            runAsGroup: 65534
            runAsNonRoot: true
            runAsUser: 65534
            seccompProfile:
              type: RuntimeDefault
          terminationMessagePolicy: FallbackToLogsOnError
          volumeMounts:
          - mountPath: /run
            name: linkerd-proxy-init-xtables-lock
        # Ours, and the proxy.
        containers:
        - name: app
          image: app:1
        - name: linkerd-proxy
          image: proxy:1
          securityContext: {runAsUser: 2102}
      "
    `);
  });

  test("--filename, --set more than once", async () => {
    const set = [
      "--set",
      "proxyInit.mode=nftables,disableIPv6=false",
      "--set",
      "proxyInit.ignoreInboundPorts={25,587}",
    ];
    const { code, stdout } = await run(POD, "-f", "pod.yaml", ...set);
    expect(code).toBe(0);
    expect(stdout).toContain("    - --iptables-mode\n    - nftables\n    - --incoming-proxy-port\n");
    expect(stdout).toContain('    - "4190,4191,25,587"\n');
  });

  test("a byte order mark stays in front", async () => {
    const { stdout } = await run(`\ufeff${POD}`);
    expect(stdout).toBe(`\ufeff${(await run(POD)).stdout}`);
  });

  test.each([
    [SERVICE, "there is no pod in it, and no workload"],
    ["", "there is no pod in it, and no workload"],
    [
      POD.replace("linkerd-proxy", "other").replace("2102", "1"),
      "Pod web: left as it is: no container is its proxy: none is named linkerd-proxy or runs as the user of proxy.uid",
    ],
    [
      POD.replace("2102", "1"),
      "Pod web: linkerd-init added\nsluice inject: Pod web: warning: container linkerd-proxy runs as user 1, and proxy.uid is 2102: its own connections would be redirected back to it",
    ],
    [
      POD.replace("web", '"w\\e[31m"').replace("spec:", "spec:\n  hostNetwork: true"),
      "Pod w\\x1b[31m: left as it is: its network is the node's (hostNetwork)",
    ],
  ])("%#: says what it thinks of it, and that is no error", async (manifest, line) => {
    const { code, stderr } = await run(manifest);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `sluice inject: ${line}\n` });
  });

  test("--proxy-container, --without-proxy", async () => {
    const other = POD.replace("linkerd-proxy", "envoy").replace("2102", "1");
    expect((await run(other, "--proxy-container", "envoy")).stderr).toContain(
      "Pod web: linkerd-init added\n",
    );
    const none = POD.replace("linkerd-proxy", "other").replace("2102", "1");
    expect((await run(none, "--without-proxy")).stderr).toBe("sluice inject: Pod web: linkerd-init added\n");
  });

  test.each([
    [[], "a: {", '--filename: "-": is no YAML: Flow map'],
    [["-f", "other.yaml"], POD, '--filename: "other.yaml": cannot read other.yaml'],
    [
      ["--set", "proxyinit.modus=nft"],
      POD,
      '--set: "proxyinit.modus" is no value that is known; the nearest is proxyInit.mode',
    ],
    [
      ["--set", "proxyInit.mode=ipvs"],
      POD,
      '--set: proxyInit.mode: "ipvs" is not one of nft, legacy, nftables',
    ],
    [
      ["--set", "proxyInit.closeWaitTimeoutSecs=1"],
      POD,
      "Pod web: proxyInit.closeWaitTimeoutSecs: needs proxyInit.runAsRoot=true",
    ],
    [
      [],
      POD.replace("  name: web", "  name: web\n  annotations: {config.linkerd.io/proxy-uid: a}"),
      'Pod web: annotation config.linkerd.io/proxy-uid: "a" is not a number',
    ],
    [["--sat", "x"], POD, "--sat: unknown flag"],
    [[], "a: *b\n", '--filename: "-": '],
  ])("%j: one line, exit 1, and nothing on standard output", async (args, manifest, message) => {
    const { code, stdout, stderr } = await run(manifest, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.startsWith(`sluice inject: ${message}`)).toBe(true);
  });

  test("--help lists the flags and the values with their defaults", async () => {
    const { code, stdout } = await run("", "--help");
    expect(code).toBe(0);
    expect(stdout).toContain("  proxyInit.ignoreInboundPorts (default 4567,4568)\n      Inbound ports");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });
});
