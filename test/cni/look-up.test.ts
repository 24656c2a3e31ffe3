// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/ruleset/ruleset.ts";
import {
  type Answer,
  type CallOptions,
  CONFIG,
  call,
  NAMESPACE_PATH,
  namespace,
  POD_PATH,
  pod,
  SERVICE_PATH,
} from "./fake-world.ts";
import { LINKERD } from "./linkerd-config.ts";

const PREFIX = "config.linkerd.io/";

const annotations = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value]));

interface Redirection {
  /** Ports that are skipped, and those that are redirected one by one. */
  inbound: string;
  outbound: string;
  subnets: string[];
  uid: number | undefined;
  gid: number | undefined;
}

/** What the rules come to that were sent. */
async function redirection(options: CallOptions): Promise<Redirection> {
  const { code, stdout, host } = await call(options);
  expect(code, stdout).toBe(0);
  const chains = host.commits[0]?.ruleset?.chains ?? [];
  const rulesOf = (name: string): Rule[] => chains.find((chain) => chain.name === name)?.rules ?? [];
  const skipped = (rules: Rule[]) =>
    rules
      .filter(({ verdict }) => verdict.type === "return")
      .flatMap(({ matches }) => matches)
      .flatMap((match) => (match.type === "multiport" ? match.ports : []))
      .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
      .join(",");
  const all = [...rulesOf("PROXY_INIT_REDIRECT"), ...rulesOf("PROXY_INIT_OUTPUT")].flatMap(
    ({ matches }) => matches,
  );
  const owners = all.flatMap((match) => (match.type === "owner" ? [match] : []));
  return {
    inbound: skipped(rulesOf("PROXY_INIT_REDIRECT")),
    outbound: skipped(rulesOf("PROXY_INIT_OUTPUT")),
    subnets: all.flatMap((match) =>
      match.type === "source" ? [`${match.subnet.address}/${match.subnet.prefixLength}`] : [],
    ),
    uid: owners.find(({ uid }) => uid !== undefined)?.uid,
    gid: owners.find(({ gid }) => gid !== undefined)?.gid,
  };
}

const answers = (ofPod: object, ofNamespace: object = {}, more: Record<string, Answer> = {}) => ({
  answers: { [POD_PATH]: ofPod, [NAMESPACE_PATH]: namespace(ofNamespace), ...more },
});

const USUAL: Redirection = {
  inbound: "4191,4190",
  outbound: "4567-4568",
  subnets: [],
  uid: 2102,
  gid: undefined,
};

describe("annotations", () => {
  test("none: what is configured for all", async () => {
    expect(await redirection(answers(pod()))).toEqual(USUAL);
  });

  test.each([
    ["skip-inbound-ports", "80, 8000-8010", { inbound: "4191,4190,80,8000-8010" }],
    ["skip-outbound-ports", "5432,6379", { outbound: "5432,6379" }],
    ["skip-subnets", "10.0.0.0/8,fd00::/8", { subnets: ["10.0.0.0/8", "fd00::/8"] }],
    ["proxy-uid", "5000", { uid: 5000 }],
    ["proxy-gid", "5001", { gid: 5001 }],
    ["proxy-uid", "-1", { uid: undefined }],
    ["skip-outbound-ports", "", {}],
  ])("%s: %j, on the pod and on its namespace", async (name, text, change) => {
    const own = annotations({ [name]: text });
    expect(await redirection(answers(pod(own)))).toEqual({ ...USUAL, ...change });
    expect(await redirection(answers(pod(), own))).toEqual({ ...USUAL, ...change });
  });

  test("skip-subnets takes the place of those that are configured", async () => {
    const config = { ...CONFIG, linkerd: { ...LINKERD, "subnets-to-ignore": ["192.168.0.0/16"] } };
    expect((await redirection({ config, ...answers(pod()) })).subnets).toEqual(["192.168.0.0/16"]);
    const own = annotations({ "skip-subnets": "10.0.0.0/8" });
    expect((await redirection({ config, ...answers(pod(own)) })).subnets).toEqual(["10.0.0.0/8"]);
  });

  test("a pod's go before those of its namespace, one by one", async () => {
    const own = annotations({ "skip-outbound-ports": "5432", "proxy-uid": "" });
    const others = annotations({ "skip-outbound-ports": "6379", "proxy-uid": "5000" });
    expect(await redirection(answers(pod(own), others))).toEqual({ ...USUAL, outbound: "5432", uid: 5000 });
  });

  test("a pod that says everything leaves its namespace alone: one request", async () => {
    const own = annotations({
      "skip-inbound-ports": "1",
      "skip-outbound-ports": "2",
      "skip-subnets": "10.0.0.0/8",
      "proxy-uid": "3",
      "proxy-gid": "4",
    });
    expect((await call({ answers: { [POD_PATH]: pod(own) } })).asked).toEqual([POD_PATH]);
  });

  test("a wrong port among right ones is passed over, with a line in the log that names the annotation", async () => {
    const own = annotations({ "skip-outbound-ports": "5432,http" });
    expect((await redirection(answers(pod(own)))).outbound).toBe("5432");
    const { log } = await call(answers(pod(own)));
    expect(log).toContain("pod web/frontend-1: annotation config.linkerd.io/skip-outbound-ports: ");
    expect(log).toContain("passed over");
  });

  test.each([
    ["skip-inbound-ports", "http"],
    ["skip-outbound-ports", "70000,x"],
    ["skip-subnets", "10.0.0.0/8,10.0.0.0"],
    ["proxy-uid", "root"],
    ["proxy-gid", "4294967295"],
  ])("%s: %j makes no sense, and is named with whose it is", async (name, text) => {
    const own = annotations({ [name]: text });
    const onPod = await call(answers(pod(own)));
    expect(onPod.result).toMatchObject({ code: 101 });
    expect(onPod.result.msg).toMatch(new RegExp(`^pod web/frontend-1: annotation ${PREFIX}${name}: `));
    const onNamespace = await call(answers(pod(), own));
    expect(onNamespace.result.msg).toMatch(new RegExp(`^namespace web: annotation ${PREFIX}${name}: `));
    expect([...onPod.host.commits, ...onNamespace.host.commits]).toEqual([]);
  });
});

describe("a pod of the control plane", () => {
  const destination = pod({}, { "linkerd.io/control-plane-component": "destination" });
  const service = (ports: object[]) => ({ kind: "Service", apiVersion: "v1", spec: { ports } });

  test("reaches the API server past the proxy: its ports are those of the service", async () => {
    const ports = [
      { name: "https", port: 443, targetPort: 8443 },
      { port: 444, targetPort: "https" },
    ];
    const options = answers(destination, {}, { [SERVICE_PATH]: service(ports) });
    expect((await redirection(options)).outbound).toBe("4567-4568,443,8443,444");
    expect((await call(options)).asked).toEqual([POD_PATH, NAMESPACE_PATH, SERVICE_PATH]);
  });

  test.each<[string, Answer | undefined]>([
    ["may not be read", [403, '{"kind":"Status","message":"services is forbidden"}']],
    ["is not there", undefined],
    ["has no ports", service([])],
    ["is no service", { kind: "Pod" }],
  ])("a service that %s is taken for 443 and 6443, with a warning", async (_, answer) => {
    const options = answers(destination, {}, answer === undefined ? {} : { [SERVICE_PATH]: answer });
    expect((await redirection(options)).outbound).toBe("4567-4568,443,6443");
    expect((await call(options)).log).toMatch(/level=warning .*443 and 6443/);
  });

  test.each<Answer>(["timed-out", "unreachable", [500, ""]])(
    "no answer about it is one to wait for: %j",
    async (answer) => {
      const { result, host } = await call(answers(destination, {}, { [SERVICE_PATH]: answer }));
      expect(result.code).toBe(11);
      expect(host.commits).toEqual([]);
    },
  );
});

describe("what goes wrong with the API server", () => {
  test.each<[Answer, number, RegExp]>([
    ["timed-out", 11, /has not answered within 10 s/],
    ["unreachable", 11, /unreachable/],
    ["untrusted", 100, /CA of today/],
    ["credentials", 100, /credentials/],
    ["malformed", 100, /malformed/],
    ["too-long", 100, /too-long/],
    [
      [401, '{"kind":"Status","message":"Unauthorized"}'],
      11,
      /401: "Unauthorized"; the token of the kubeconfig/,
    ],
    [
      [403, '{"kind":"Status","message":"pods is forbidden"}'],
      100,
      /403: "pods is forbidden"; .*ClusterRole/,
    ],
    [[404, '{"kind":"Status","message":"pods not found"}'], 100, /404: .*deleted meanwhile/],
    [[409, ""], 100, /409/],
    [[429, '{"kind":"Status","message":"slow down"}'], 11, /429: "slow down"/],
    [[500, "panic"], 11, /500/],
    [[503, ""], 11, /503/],
    [[200, "<html>"], 100, /no Pod/],
    [[200, ""], 100, /no Pod/],
    [[200, "null"], 100, /no Pod/],
    [[200, '{"kind":"PodList","items":[]}'], 100, /no Pod/],
    [[200, '{"kind":"Pod"}'], 100, /no containers/],
    [[301, ""], 100, /301/],
  ])("%j is code %d, and the kernel is not touched", async (answer, code, message) => {
    const { result, host, code: exitCode } = await call({ answers: { [POD_PATH]: answer } });
    expect(exitCode).toBe(1);
    expect(result.code).toBe(code);
    expect(result.msg).toMatch(message);
    expect(result.msg).toContain(POD_PATH);
    expect(host.commits).toEqual([]);
  });

  test("the same about the namespace", async () => {
    const { result, host } = await call({ answers: { [POD_PATH]: pod(), [NAMESPACE_PATH]: "timed-out" } });
    expect(result.code).toBe(11);
    expect(result.msg).toContain(NAMESPACE_PATH);
    expect(host.commits).toEqual([]);
  });

  test("all questions share ten seconds", async () => {
    const { requests } = await call();
    const [first, second] = requests.map(({ timeoutMs }) => timeoutMs);
    expect(first).toBeLessThanOrEqual(10_000);
    expect(first).toBeGreaterThan(9000);
    expect(second).toBeLessThanOrEqual(first ?? 0);
  });
});
