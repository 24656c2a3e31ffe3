// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { sluice } from "../../src/cli/sluice.ts";
import { problemsOf } from "../kubernetes/schemas.ts";
import { FakeHost } from "./fake-host.ts";

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const host = new FakeHost(["manifest", ...args]);
  const code = await sluice(host);
  return { code, stdout: host.stdout, stderr: host.stderr };
}

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("sluice manifest linkerd", () => {
  const values = async (...args: string[]): Promise<unknown> => parse(await printed("linkerd", ...args));
  const image = { name: "sluice", version: "0.0.0-dev" };

  test.each(["2.19", "2.9.4", "stable-2.14.10", "v2.15"])(
    "%s: the init container's image",
    async (version) => {
      expect(await values("--linkerd-version", version)).toEqual({ proxyInit: { image } });
    },
  );

  test("what is set stands in the chart's types", async () => {
    const set =
      "proxyInit.mode=legacy,proxyInit.ignoreInboundPorts={25,587},proxyInit.runAsRoot=true,proxy.gid=-5,proxy.uid=7";
    const text = await printed(
      "linkerd",
      "--linkerd-version",
      "2.19",
      "--set",
      `${set},proxyInit.image.version=9`,
    );
    expect(parse(text)).toEqual({
      proxy: { uid: 7, gid: -1 },
      proxyInit: {
        image: { name: "sluice", version: "9" },
        iptablesMode: "legacy",
        ignoreInboundPorts: "25,587",
        runAsRoot: true,
      },
    });
    expect(text).toMatch(/^# helm upgrade /);
  });

  test("2.20: the proxy image, and how it is made", async () => {
    expect(await values("--linkerd-version", "2.20")).toEqual({
      proxy: { image: { name: "linkerd-proxy-with-sluice" } },
    });
    const set = ["--set", "proxy.image.name=example.org/proxy,proxy.image.version=1"];
    expect(await values("--linkerd-version", "2.21.1", ...set)).toEqual({
      proxy: { image: { name: "example.org/proxy", version: "1" } },
    });
    expect(await printed("linkerd", "--linkerd-version", "2.20", "--format", "dockerfile")).toContain(
      `FROM sluice:0.0.0-dev AS sluice
FROM \${LINKERD_PROXY}
COPY --from=sluice /usr/lib/linkerd/linkerd2-proxy-init /usr/lib/linkerd/linkerd2-network-validator /usr/lib/linkerd/
`,
    );
  });

  test.each([
    ["2.19", "proxyInit", "init-image", "init-image-version"],
    ["2.20", "proxy", "proxy-image", "proxy-version"],
  ])(
    "%s: a digest, where the chart puts a colon between name and version",
    async (release, head, ...names) => {
      const digest = "0123456789abcdef".repeat(4);
      const set = `${head}.image.name=example.org/a,${head}.image.version=sha256:${digest}`;
      const args = ["--linkerd-version", release, "--set", set];
      const parts = ["example.org/a@sha256", digest];
      expect(await values(...args)).toEqual({ [head]: { image: { name: parts[0], version: parts[1] } } });
      expect(await values(...args, "--format", "annotations")).toEqual({
        metadata: {
          annotations: Object.fromEntries(names.map((name, i) => [`config.linkerd.io/${name}`, parts[i]])),
        },
      });
    },
  );

  test("cniEnabled: nothing but that, whatever the version", async () => {
    expect(await values("--set", "cniEnabled=true")).toEqual({ cniEnabled: true });
    expect(await values("--linkerd-version", "2.20", "--set", "cniEnabled=true")).toEqual({
      cniEnabled: true,
    });
  });

  test.each([
    [
      "2.19",
      { "config.linkerd.io/init-image": "sluice", "config.linkerd.io/init-image-version": "0.0.0-dev" },
    ],
    ["2.20", { "config.linkerd.io/proxy-image": "linkerd-proxy-with-sluice" }],
  ])("%s: annotations that try it in one namespace", async (version, annotations) => {
    expect(await values("--linkerd-version", version, "--format", "annotations")).toEqual({
      metadata: { annotations },
    });
  });

  test.each([
    [[], "--linkerd-version: is missing: the way differs up to 2.19 and from 2.20 on"],
    [["--linkerd-version", "edge-25.4.4"], '--linkerd-version: "edge-25.4.4" is not a version such as 2.19'],
    [
      ["--linkerd-version", "2.19", "--set", "proxyInit.mode=nftables"],
      "--set: proxyInit.mode: Linkerd's chart can say nft or legacy",
    ],
    [
      ["--linkerd-version", "2.19", "--set", "proxy.image.name=x"],
      "--set: proxy.image.name: is for 2.20 and later; up to 2.19 it is proxyInit.image.name",
    ],
    [
      ["--linkerd-version", "2.20", "--set", "proxyInit.image.name=x"],
      "--set: proxyInit.image.name: is no value of this chart",
    ],
    [
      ["--linkerd-version", "2.19", "--set", "proxyInit.Image.name=x"],
      '--set: "proxyInit.Image.name" is no value that is known; the nearest is proxyInit.image.name',
    ],
    [
      ["--linkerd-version", "2.19", "--set", "proxyInit.mode=nft,proxyInit.iptablesMode=legacy"],
      "--set: proxyInit.mode: nft and proxyInit.iptablesMode=legacy exclude one another",
    ],
    [
      ["--linkerd-version", "2.19", "--format", "annotations", "--set", "proxyInit.mode=legacy"],
      "--set: proxyInit.mode: changes nothing here, the annotations say the image alone",
    ],
    [
      ["--linkerd-version", "2.20", "--format", "dockerfile", "--set", "proxy.uid=7"],
      "--set: proxy.uid: changes nothing here, the Dockerfile says the images alone",
    ],
    [["--linkerd-version", "2.19", "--format", "dockerfile"], '--format: "dockerfile" is for 2.20 and later'],
    [
      ["--set", "cniEnabled=true", "--format", "annotations"],
      '--format: "annotations" is for pods with an init container',
    ],
    [
      ["--linkerd-version", "2.19", "--format", "helm"],
      '--format: "helm" is not one of values, annotations, dockerfile',
    ],
  ])("%j: one line, exit 1", async (args, message) => {
    const { code, stdout, stderr } = await run("linkerd", ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.startsWith(`sluice manifest linkerd: ${message}`)).toBe(true);
  });
});

describe("sluice manifest cni", () => {
  const resources = async (...args: string[]): Promise<unknown[]> =>
    parseAllDocuments(await printed("cni", ...args)).map((document): unknown => document.toJS());
  const config = async (...args: string[]): Promise<unknown> => {
    const map = (await resources(...args)).find((resource) => Object(resource).kind === "ConfigMap");
    return JSON.parse(Object(map).data.cni_network_config);
  };
  const installer = async (...args: string[]) => Object((await resources(...args)).at(-1)).spec;

  test("is what the API server takes, by the defaults and with everything set", async () => {
    const set = [
      "--set",
      "commonLabels.team=mesh,podLabels.a=b,podLabels.example\\.org/c_D=,priorityClassName=system-node-critical,privileged=true,proxyGID=5",
    ];
    const more = [
      "--set",
      "updateStrategy.rollingUpdate.maxUnavailable=10%,resources.cpu.limit=1,resources.memory.request=1Mi",
    ];
    for (const args of [[], [...set, ...more], ["--set", "updateStrategy.type=OnDelete", "-n", "other"]]) {
      for (const resource of await resources(...args)) expect(problemsOf(resource)).toEqual([]);
    }
  });

  test("asks to read what the plugin reads, and no more", async () => {
    const rules = (await resources()).flatMap((resource) => Object(resource).rules ?? []);
    expect(rules).toEqual([
      { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get"] },
      { apiGroups: [""], resources: ["services"], resourceNames: ["kubernetes"], verbs: ["get"] },
    ]);
  });

  test("the configuration has the keys of linkerd-cni", async () => {
    expect(await config()).toEqual({
      name: "linkerd-cni",
      type: "sluice-cni",
      log_level: "info",
      kubernetes: {
        kubeconfig: "__KUBECONFIG_FILEPATH__",
        exclude_namespaces: ["linkerd-cni", "kube-system"],
      },
      linkerd: {
        "incoming-proxy-port": 4143,
        "outgoing-proxy-port": 4140,
        "proxy-uid": 2102,
        "ports-to-redirect": [],
        "inbound-ports-to-ignore": ["4191", "4190"],
        "outbound-ports-to-ignore": [],
        simulate: false,
        "use-wait-flag": false,
        "iptables-mode": "nft",
        ipv6: false,
      },
    });
    const set =
      "portsToRedirect={80,443},ignoreInboundPorts=25,disableIPv6=false,iptablesMode=nftables,proxyGID=5,excludeNamespaces={a,b}";
    expect(await config("--namespace", "b", "--set", set)).toMatchObject({
      kubernetes: { exclude_namespaces: ["b", "a"] },
      linkerd: {
        "ports-to-redirect": [80, 443],
        "inbound-ports-to-ignore": ["4191", "4190", "25"],
        "iptables-mode": "nftables",
        "proxy-gid": 5,
        ipv6: true,
      },
    });
  });

  test("another configuration makes the pods new", async () => {
    const annotations = async (...args: string[]) => (await installer(...args)).template.metadata.annotations;
    expect(await annotations()).toEqual(await annotations("--set", "adminPort=1"));
    expect(await annotations()).not.toEqual(await annotations("--set", "proxyUID=1"));
  });

  test("one folder for both is one volume; the admin port is where it is asked for", async () => {
    const { spec } = (await installer("--set", "destCNIBinDir=/etc/cni/net.d,adminPort=1234")).template;
    expect(spec.volumes).toHaveLength(1);
    expect(spec.containers[0]).toMatchObject({
      image: "sluice:0.0.0-dev-cni",
      args: ["cni", "install", "--admin-port", "1234"],
      ports: [{ name: "admin", containerPort: 1234 }],
      livenessProbe: { httpGet: { path: "/live", port: "admin" } },
      volumeMounts: [{ mountPath: "/host/etc/cni/net.d" }],
    });
  });

  test.each([
    [
      ["--set", "iptableMode=nft"],
      '--set: "iptableMode" is no value that is known; the nearest is iptablesMode',
    ],
    [["--set", "portsToRedirect=1-2"], '--set: portsToRedirect: "1-2" is not a port from 1 to 65535'],
    [
      ["--set", "updateStrategy.rollingUpdate.maxUnavailable=0"],
      '--set: updateStrategy.rollingUpdate.maxUnavailable: "0" is not a number from 1',
    ],
    [["--set", "podLabels.a=b c"], '--set: podLabels.a: "b c" is not the value of a label'],
    [
      ["--set", "tolerations[0].key=x"],
      "--set: tolerations: it is not set here; change the output with kustomize",
    ],
    [
      ["--set", "commonLabels.k8s-app=x"],
      "--set: commonLabels.k8s-app: is the label by which the DaemonSet knows its pods",
    ],
    [["--set", "podLabels.k8s-app=x"], "--set: podLabels.k8s-app: is the label by which"],
    [["--set", "podLabels.a b=x"], '--set: podLabels.a b: "a b" is not the name of a label'],
    [["--set", "podLabels.A\\.b/c=x"], '--set: podLabels.A.b/c: "A.b/c" is not the name of a label'],
    [
      ["--set", "destCNINetDir=/etc/../x"],
      '--set: destCNINetDir: "/etc/../x" is not an absolute path, without ..',
    ],
    [["--namespace", "A"], '--namespace: "A" is not a name'],
  ])("%j: one line, exit 1", async (args, message) => {
    const { code, stdout, stderr } = await run("cni", ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.startsWith(`sluice manifest cni: ${message}`)).toBe(true);
  });
});

describe("sluice manifest", () => {
  test("--help on standard output, anything else on standard error with exit 1", async () => {
    const help = await printed("--help");
    expect(help).toContain("  sluice manifest cni ");
    expect(await run()).toEqual({ code: 1, stdout: "", stderr: help });
    expect(await run("helm")).toEqual({
      code: 1,
      stdout: "",
      stderr: `sluice manifest: "helm": is not one of linkerd, cni\n\n${help}`,
    });
    for (const kind of ["linkerd", "cni"])
      expect(await printed(kind, "--help")).toContain("Values for --set:\n");
  });
});
