// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { initContainer } from "../../src/kubernetes/init-container.ts";
import { INIT_VALUES } from "../../src/kubernetes/init-values.ts";
import { type Injection, injectPod } from "../../src/kubernetes/inject.ts";
import { type PodPlace, podsIn } from "../../src/kubernetes/pods.ts";
import { parseSetExpression } from "../../src/kubernetes/set-expression.ts";
import { Values } from "../../src/kubernetes/values.ts";
import { editData } from "../../src/yaml/edit.ts";
import { editInPlace } from "../../src/yaml/in-place.ts";
import { FakeHost, kernel, type Request } from "../cli/fake-host.ts";
import { written } from "./arbitrary.ts";
import { CHART, renderedArguments, renderedContainer, settingsOf } from "./chart.ts";
import { problemsOf, problemsOfContainer } from "./schemas.ts";

const valuesOf = (...expressions: string[]): Values =>
  Values.read(INIT_VALUES, expressions.flatMap(parseSetExpression));
const options = (...expressions: string[]) => ({
  values: valuesOf(...expressions),
  version: "1.2.3",
  proxyContainer: "linkerd-proxy",
  withoutProxy: false,
});

function injected(pod: object, ...expressions: string[]): Injection {
  return injectPod({ title: "Pod p", path: [], pod }, options(...expressions));
}

function result(pod: object, ...expressions: string[]): unknown {
  const injection = injected(pod, ...expressions);
  if (injection.what === "left") throw new Error(`left as it is: ${injection.because}`);
  return injection.edits.reduce(editData, pod as unknown);
}

const PROXY = { name: "linkerd-proxy", image: "proxy:1" };
const pod = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", ...metadata },
  spec: { containers: [{ name: "app", image: "app:1" }, PROXY], ...spec },
});
const annotated = (annotations: Record<string, string>): object => pod({}, { annotations });
const OURS = initContainer(valuesOf(), "1.2.3");

describe("the container", () => {
  test("by the defaults", () => {
    expect(OURS).toMatchObject({
      name: "linkerd-init",
      image: "sluice:1.2.3",
      imagePullPolicy: "IfNotPresent",
      command: ["/usr/local/bin/proxy-init"],
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsGroup: 65534,
        runAsNonRoot: true,
        runAsUser: 65534,
        seccompProfile: { type: "RuntimeDefault" },
      },
      terminationMessagePolicy: "FallbackToLogsOnError",
      volumeMounts: [{ mountPath: "/run", name: "linkerd-proxy-init-xtables-lock" }],
    });
    expect(OURS).not.toHaveProperty("resources");
  });

  test.each([
    [
      ["proxyInit.runAsRoot=true"],
      { securityContext: { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, privileged: false } },
    ],
    [
      ["proxyInit.privileged=true"],
      { securityContext: { privileged: true, allowPrivilegeEscalation: true } },
    ],
    [
      ["proxyInit.runAsUser=5,proxyInit.runAsGroup=0"],
      { securityContext: { runAsUser: 5, runAsGroup: 65534 } },
    ],
    [
      ["proxyInit.closeWaitTimeoutSecs=60,proxyInit.runAsRoot=true"],
      { securityContext: { privileged: true, allowPrivilegeEscalation: true, runAsUser: 0 } },
    ],
    [["proxyInit.image.name=example.org/s,proxyInit.image.version=9"], { image: "example.org/s:9" }],
    [[`proxyInit.image.version=sha256:${"0".repeat(64)}`], { image: `sluice@sha256:${"0".repeat(64)}` }],
    [["imagePullPolicy=Always"], { imagePullPolicy: "Always" }],
    [["imagePullPolicy=Always,proxyInit.image.pullPolicy=Never"], { imagePullPolicy: "Never" }],
    [
      ["proxyInit.xtMountPath.mountPath=/lock,proxyInit.xtMountPath.name=l"],
      { volumeMounts: [{ mountPath: "/lock", name: "l" }] },
    ],
    [
      ["proxy.resources.cpu.limit=1,proxy.resources.memory.request=1Gi,proxyInit.resources.cpu.limit=10m"],
      { resources: { limits: { cpu: "10m" }, requests: { memory: "1Gi" } } },
    ],
  ])("%j", (expressions, expected) => {
    expect(initContainer(valuesOf(...expressions), "1.2.3")).toMatchObject(expected);
  });

  test.each([
    [["proxyInit.closeWaitTimeoutSecs=60"], "proxyInit.closeWaitTimeoutSecs: needs proxyInit.runAsRoot=true"],
    [
      ["proxyInit.mode=nftables,proxyInit.iptablesMode=legacy"],
      "nftables and proxyInit.iptablesMode=legacy exclude one another",
    ],
  ])("%j exclude one another", (expressions, message) => {
    expect(() => initContainer(valuesOf(...expressions), "1")).toThrow(message);
  });

  test.each(["nft", "legacy", "nftables"])("mode %s is one of proxy-init's", (mode) => {
    const container = initContainer(valuesOf(`proxyInit.mode=${mode}`), "1");
    expect(container).toMatchObject({ args: expect.arrayContaining(["--iptables-mode", mode]) });
  });

  const port = fc.integer({ min: 1, max: 65535 });
  const ports = fc
    .array(
      fc.oneof(
        port.map(String),
        fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      ),
      { maxLength: 4 },
    )
    .map((list) => list.join(","));
  const chart = fc.record({
    disableIPv6: fc.boolean(),
    uid: fc.nat(4294967294),
    gid: fc.integer({ min: -1, max: 4294967294 }),
    inbound: port,
    outbound: port,
    control: port,
    admin: port,
    iptablesMode: fc.constantFrom("nft", "legacy"),
    ignoreInboundPorts: ports,
    ignoreOutboundPorts: ports,
    skipSubnets: fc.subarray(["10.0.0.0/8", "fd00::/8", "192.168.1.1/32"]).map((list) => list.join(",")),
    closeWaitTimeoutSecs: fc.constantFrom(0, 60),
    logFormat: fc.constantFrom("", "plain", "json"),
    logLevel: fc.constantFrom("", "debug", "warn"),
  });

  test("does what the one does that Linkerd's chart renders for the same values, and proxy-init runs that, too", async () => {
    const requests = async (args: readonly string[]): Promise<{ code: number; requests: Request[] }> => {
      const host = new FakeHost(args, kernel());
      const code = await proxyInit(host);
      // What is left of the deadline.
      return { code, requests: host.requests.map((request) => ({ ...request, timeoutMs: 0 })) };
    };
    await fc.assert(
      fc.asyncProperty(chart, async (values) => {
        const container = initContainer(valuesOf(...settingsOf(values)), "1");
        const { args } = container as { args: string[] };
        const ours = await requests(args);
        expect(ours.code).toBe(0);
        expect(ours).toEqual(await requests(renderedArguments(values)));
        expect(problemsOfContainer(container)).toEqual([]);
      }),
    );
  });
});

describe("a pod", () => {
  test("gets it first, before other init containers and native sidecars, and the volume", () => {
    const spec = {
      initContainers: [
        { name: "migrate", image: "m:1" },
        { ...PROXY, restartPolicy: "Always" },
      ],
      volumes: [{ name: "v" }],
    };
    expect(result(pod(spec))).toMatchObject({
      spec: {
        initContainers: [OURS, ...spec.initContainers],
        volumes: [{ name: "linkerd-proxy-init-xtables-lock", emptyDir: {} }, { name: "v" }],
      },
    });
  });

  test("with the annotations of Linkerd's injector", () => {
    const annotations = {
      "skip-inbound-ports": "25",
      "skip-outbound-ports": "3306",
      "skip-subnets": "10.0.0.0/8",
      "inbound-port": "1",
      "outbound-port": "2",
      "control-port": "3",
      "admin-port": "4",
      "proxy-uid": "5",
      "proxy-gid": "6",
      "init-image": "example.org/i",
      "init-image-version": "7",
      "image-pull-policy": "Always",
      "proxy-memory-limit": "20Mi",
    };
    const prefixed = Object.entries(annotations).map(([name, value]) => [`config.linkerd.io/${name}`, value]);
    expect(result(annotated(Object.fromEntries(prefixed)))).toMatchObject({
      spec: {
        initContainers: [
          {
            image: "example.org/i:7",
            imagePullPolicy: "Always",
            args: [
              ...[
                "--iptables-mode",
                "nft",
                "--ipv6=false",
                "--incoming-proxy-port",
                "1",
                "--outgoing-proxy-port",
                "2",
              ],
              ...["--proxy-uid", "5", "--proxy-gid", "6", "--inbound-ports-to-ignore", "3,4,25"],
              ...["--outbound-ports-to-ignore", "3306", "--subnets-to-ignore", "10.0.0.0/8"],
            ],
            resources: { limits: { memory: "20Mi" } },
          },
        ],
      },
    });
  });

  test("with the annotations of sluice manifest linkerd for a digest", () => {
    const digest = "0".repeat(64);
    const annotations = {
      "config.linkerd.io/init-image": "example.org/i@sha256",
      "config.linkerd.io/init-image-version": digest,
    };
    expect(result(annotated(annotations))).toMatchObject({
      spec: { initContainers: [{ image: `example.org/i@sha256:${digest}` }] },
    });
  });

  test("of Linkerd's control plane lets the API server's ports through instead", () => {
    const labels = { "linkerd.io/control-plane-component": "identity" };
    const args = (metadata: object) =>
      Object(result(pod({}, metadata))).spec.initContainers[0].args.join(" ");
    expect(args({ labels })).toContain("--outbound-ports-to-ignore 443,6443");
    const annotations = { "config.linkerd.io/skip-outbound-ports": "1" };
    expect(args({ labels, annotations })).toContain("--outbound-ports-to-ignore 1");
  });

  test.each([
    [pod({ hostNetwork: true }), /^its network is the node's/],
    [pod({ hostNetwork: "yes" }), /^its network is the node's/],
    [pod({ os: { name: "windows" } }), /^it is for nodes with Windows$/],
    [pod({ nodeSelector: { "kubernetes.io/os": "windows" } }), /^it is for nodes with Windows$/],
    [annotated({ "linkerd.io/inject": "disabled" }), /^linkerd.io\/inject is disabled$/],
    [
      pod({ containers: [{ name: "app", image: "a:1" }] }),
      /^no container is its proxy: none is named linkerd-proxy/,
    ],
    [pod({ initContainers: [PROXY], containers: [{ name: "app" }] }), /^no container is its proxy/],
    [pod({ initContainers: [{ name: "istio-init" }] }), /^istio-init writes rules of its own$/],
    [
      pod({ initContainers: [{ name: "linkerd-init", image: "x", command: ["sh"] }] }),
      /^its linkerd-init runs sh/,
    ],
    [{ kind: "Pod", metadata: {} }, /^it has no containers$/],
  ])("is left as it is: %#", (data, because) => {
    const injection = injected(data);
    expect(injection).toMatchObject({ what: "left", because: expect.stringMatching(because) });
  });

  test.each([
    ["runs as the proxy's user", { containers: [{ name: "p", securityContext: { runAsUser: 2102 } }] }],
    [
      "is a native sidecar",
      { containers: [{ name: "a" }], initContainers: [{ ...PROXY, restartPolicy: "Always" }] },
    ],
  ])("has a proxy when a container %s", (_, spec) => {
    expect(injected(pod(spec))).toMatchObject({ what: "injected" });
  });

  test.each([
    [
      { containers: [{ ...PROXY, securityContext: { runAsUser: 1000 } }] },
      "container linkerd-proxy runs as user 1000, and proxy.uid is 2102: its own connections would be redirected back to it",
    ],
    [
      { securityContext: { runAsUser: 2102 } },
      "container app runs as user 2102, as the proxy does: its connections pass the proxy by",
    ],
    [
      { initContainers: [{ name: "migrate" }, { name: "fetch", securityContext: { runAsUser: 2102 } }] },
      expect.stringMatching(/^init containers run before the proxy and will connect to nobody: migrate; /),
    ],
    [
      {
        initContainers: [{ name: "migrate" }, { ...PROXY, restartPolicy: "Always" }, { name: "late" }],
        containers: [{ name: "app" }],
      },
      expect.stringMatching(/^init containers run before the proxy and will connect to nobody: migrate; /),
    ],
  ])("warns of what will go wrong: %#", (spec, warning) => {
    expect(injected(pod(spec))).toMatchObject({ what: "injected", warnings: [warning] });
  });
});

describe("a pod that has linkerd-init already", () => {
  test("ours is brought up to date, where it is", () => {
    const once = result(pod());
    expect(injected(once as object)).toMatchObject({ what: "unchanged", edits: [] });
    const twice = result(once as object, "proxyInit.mode=legacy");
    expect(twice).toEqual(result(pod(), "proxyInit.mode=legacy"));
  });

  test.each(["2.19", "2.20"] as const)("Linkerd's, of %s, keeps everything but its image", (release) => {
    const rendered = renderedContainer(release);
    const spec = { initContainers: [{ name: "migrate" }, rendered] };
    expect(injected(pod(spec))).toMatchObject({ what: "swapped", warnings: [] });
    expect(result(pod(spec))).toEqual(
      pod({ initContainers: [{ name: "migrate" }, { ...rendered, image: "sluice:1.2.3" }] }),
    );
    expect(injected(result(pod(spec)) as object)).toMatchObject({ what: "unchanged" });
    expect(injected(pod(spec), "proxyInit.mode=nftables,imagePullPolicy=Always")).toMatchObject({
      warnings: ["linkerd-init is Linkerd's and keeps its arguments: proxyInit.mode changed nothing in it"],
    });
  });

  test("Linkerd's arguments are what proxy-init takes", async () => {
    const host = new FakeHost(renderedArguments(CHART), kernel());
    expect(await proxyInit(host)).toBe(0);
    expect(host.commits[0]?.ruleset).toMatchObject({ mode: "nft" });
    expect(host.stderr).toBe("");
  });
});

describe("podsIn", () => {
  const template = { spec: { containers: [] } };
  test.each([
    [{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }, [["Pod a", []]]],
    [{ apiVersion: "v1", kind: "Pod", metadata: { generateName: "a-" } }, [["Pod a-", []]]],
    [
      { apiVersion: "apps/v1", kind: "Deployment", spec: { template } },
      [["Deployment without a name", ["spec", "template"]]],
    ],
    [
      { apiVersion: "extensions/v1beta1", kind: "DaemonSet" },
      [["DaemonSet without a name", ["spec", "template"]]],
    ],
    [
      { apiVersion: "v1", kind: "ReplicationController" },
      [["ReplicationController without a name", ["spec", "template"]]],
    ],
    [
      { apiVersion: "batch/v1", kind: "CronJob" },
      [["CronJob without a name", ["spec", "jobTemplate", "spec", "template"]]],
    ],
    [{ apiVersion: "v1", kind: "PodTemplate" }, [["PodTemplate without a name", ["template"]]]],
    [
      {
        apiVersion: "v1",
        kind: "List",
        items: [
          { apiVersion: "batch/v1", kind: "Job" },
          { apiVersion: "v1", kind: "Service" },
        ],
      },
      [["Job without a name", ["items", 0, "spec", "template"]]],
    ],
    [{ apiVersion: "v1", kind: "PodList", items: [{ metadata: { name: "a" } }] }, [["Pod a", ["items", 0]]]],
    [{ apiVersion: "batch.volcano.sh/v1alpha1", kind: "Job" }, []],
    [{ apiVersion: "apps/v1", kind: "Pod" }, []],
    [{ kind: "Service" }, []],
    [null, []],
    ["text", []],
  ] as const)("%j", (data, places) => {
    expect(podsIn(data).map(({ title, path }) => [title, path])).toEqual(places);
  });
});

describe("manifests as people write them", () => {
  const inject = async (text: string, log: Injection[] = []): Promise<string> =>
    await editInPlace(text, (data) =>
      podsIn(data).flatMap((place: PodPlace) => {
        const injection = injectPod(place, options());
        log.push(injection);
        return injection.what === "left" ? [] : injection.edits;
      }),
    );

  test("comments and lines stay, in order; what is added is right; injecting again changes nothing", async () => {
    let added = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 3 }), async (documents) => {
        const text = documents.join("---\n");
        const log: Injection[] = [];
        const once = await inject(text, log);
        added += log.filter(({ what }) => what === "injected").length;
        expect(await inject(once)).toBe(once);
        expect(isSubsequence(text, once)).toBe(true);
        const [before, after] = [text, once].map((each) =>
          parseAllDocuments(each).map((document) => document.toJS()),
        );
        expect(after).toEqual(
          before?.map((data: unknown) =>
            podsIn(data)
              .flatMap((place) => {
                const injection = injectPod(place, options());
                return injection.what === "left" ? [] : injection.edits;
              })
              .reduce(editData, data),
          ),
        );
      }),
      { numRuns: 300 },
    );
    expect(added).toBeGreaterThan(100);
  });

  /** Whether a text is what is left of another when pieces of it are taken out. Null and [] give way to what is added. */
  function isSubsequence(text: string, longer: string): boolean {
    const characters = [...text.replaceAll(/(initContainers"?|volumes"?): ?(?:null|\[\])/g, "$1:")];
    let place = 0;
    for (const character of longer) if (character === characters[place]) place++;
    return place === characters.length;
  }

  test("the pod that comes out is one that the API server takes", () => {
    const values = [
      "proxyInit.resources.cpu.limit=100m",
      "proxyInit.closeWaitTimeoutSecs=1,proxyInit.runAsRoot=true",
    ];
    expect(problemsOf(result(pod(), ...values))).toEqual([]);
  });
});
