// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { withAnnotations } from "../../src/kubernetes/annotations.ts";
import { CNI_VALUES, refuseElsewhere } from "../../src/kubernetes/cni-values.ts";
import {
  CLOSE_WAIT_TIMEOUT_SECS,
  IGNORE_INBOUND_PORTS,
  IMAGE,
  INIT_VALUES,
  LOG_LEVEL_VALUE,
  PROXY_GID,
  PROXY_UID,
  RESOURCES,
} from "../../src/kubernetes/init-values.ts";
import { nearest } from "../../src/kubernetes/nearest.ts";
import { parseSetExpression } from "../../src/kubernetes/set-expression.ts";
import { Values } from "../../src/kubernetes/values.ts";

const read = (...expressions: string[]): Values =>
  Values.read(INIT_VALUES, expressions.flatMap(parseSetExpression));

describe("--set", () => {
  test.each([
    ["a.b=c", [[["a", "b"], "c"]]],
    [
      "a=1,b.c=2",
      [
        [["a"], "1"],
        [["b", "c"], "2"],
      ],
    ],
    [
      "a=x\\,y,b=z",
      [
        [["a"], "x,y"],
        [["b"], "z"],
      ],
    ],
    ["a={25, 587}", [[["a"], "25,587"]]],
    ["a=b=c", [[["a"], "b=c"]]],
    ["a=", [[["a"], ""]]],
    ["podLabels.example\\.org/x=1", [[["podLabels", "example.org/x"], "1"]]],
    ["a=\\\\", [[["a"], "\\"]]],
  ] as const)("%s", (expression, settings) => {
    expect(parseSetExpression(expression)).toEqual(settings.map(([path, text]) => ({ path, text })));
  });

  test.each([
    ["a", '"a" is no key=value'],
    ["a=25,587", '"587" is no key=value; a comma inside a value is written \\,'],
    ["=x", '"=x" is no key=value: its key has an empty part'],
    ["a..b=x", '"a..b=x" is no key=value: its key has an empty part'],
  ])("%s is refused", (expression, message) => {
    expect(() => parseSetExpression(expression)).toThrow(message);
  });

  test.each([
    ["proxyInit.iptableMode=nft", "proxyInit.iptablesMode"],
    ["iptablesMode=nft", "proxyInit.iptablesMode"],
    ["proxyinit.skipsubnets=10.0.0.0/8", "proxyInit.skipSubnets"],
    ["proxy.port.inbound=1", "proxy.ports.inbound"],
    ["__proto__=1", "proxy.uid"],
    ["proxyInit.image=x", "proxyInit.image.name"],
  ])("%s is unknown, and the nearest is named", (expression, name) => {
    const [key] = expression.split("=");
    expect(() => read(expression)).toThrow(`"${key}" is no value that is known; the nearest is ${name}`);
  });

  test("of two for one value the last counts, and defaults are Linkerd's", () => {
    expect(read("proxy.uid=1", "proxy.uid=2").value(PROXY_UID)).toBe(2);
    expect(read().value(PROXY_UID)).toBe(2102);
    expect(read().value(PROXY_GID)).toBeUndefined();
    expect(read().value(IGNORE_INBOUND_PORTS)).toEqual(["4567", "4568"]);
    for (const value of [...INIT_VALUES, ...CNI_VALUES])
      expect(() => value.kind.read(value.default)).not.toThrow();
  });

  test.each([
    ["proxy.uid=x", '"x" is not a number from 0 to 4294967294'],
    ["proxy.uid=-1", '"-1" is not a number'],
    ["proxy.ports.inbound=0", '"0" is not a port from 1 to 65535'],
    ["proxy.ports.inbound=65536", '"65536" is not a port'],
    ["disableIPv6=yes", '"yes" is not one of true, false'],
    ["proxyInit.mode=plain", '"plain" is not one of nft, legacy, nftables'],
    ["proxyInit.iptablesMode=nftables", '"nftables" is not one of nft, legacy'],
    ["proxyInit.ignoreInboundPorts={25,x}", '"x" is not a port from 0 to 65535'],
    ["proxyInit.ignoreInboundPorts=9-8", '"9-8" is not a valid port range'],
    ["proxyInit.skipSubnets=10.0.0.0", "it has no prefix length"],
    ["proxyInit.logLevel=loud", '"loud" is not one of panic'],
    ["proxyInit.logFormat=xml", '"xml" is not one of plain, json'],
    ["proxyInit.closeWaitTimeoutSecs=-1", '"-1" is not a number of seconds'],
    ["proxyInit.runAsRoot=1", '"1" is not one of true, false'],
    ["proxyInit.xtMountPath.mountPath=run", '"run" is not an absolute path'],
    ["proxyInit.xtMountPath.name=A_b", '"A_b" is not a name'],
    ["proxyInit.image.name=a b", '"a b" is not the name of an image'],
    ["proxyInit.image.name=registry.example:5000/a:1", "is not the name of an image, without its tag"],
    ["proxyInit.image.name=example.org/Mesh/sluice", "is not the name of an image"],
    ["proxyInit.image.name=example.org//sluice", "is not the name of an image"],
    ["proxyInit.image.name=example.org/sluice/", "is not the name of an image"],
    [`proxyInit.xtMountPath.name=${"a".repeat(64)}`, "is not a name of up to 63 lower-case letters"],
    ["proxyInit.image.version=a:b", '"a:b" is not a tag'],
    ["proxyInit.image.pullPolicy=always", '"always" is not one of Always, IfNotPresent, Never'],
    ["proxyInit.resources.cpu.limit=100mm", '"100mm" is not an amount such as 100m or 20Mi'],
  ])("%s is refused", (expression, message) => {
    const [key] = expression.split("=");
    expect(() => read(expression)).toThrow(message);
    expect(() => read(expression)).toThrow(`${key}: `);
  });

  test.each([
    ["tolerations[0].operator=Exists", "tolerations: it is not set here; change the output with kustomize"],
    ["imagePullSecrets={a}", "imagePullSecrets: it is not set here"],
    ["repairController.enabled=true", "repairController: it is a program of Linkerd's own"],
    ["enablePSP=true", "enablePSP: Kubernetes has no PodSecurityPolicy"],
  ])("%s of the CNI chart is refused, and what to do instead is said", (expression, message) => {
    expect(() => refuseElsewhere(parseSetExpression(expression))).toThrow(message);
  });
});

test.each([
  "sluice",
  "mesh/a__b.c-d",
  "localhost:5000/sluice",
  "example.org/mesh/sluice",
  "10.0.0.1:5000/a/b/c",
  "example.org/sluice@sha256",
])("%s is the name of an image", (name) => {
  expect(read(`proxyInit.image.name=${name}`).value(IMAGE)).toBe(name);
});

test("nearest: the last part counts more than the number of letters", () => {
  expect(nearest("a.uid", ["proxy.uid", "a.ui"])).toBe("proxy.uid");
  expect(nearest("proxy.uidd", ["proxy.gid", "proxy.uid"])).toBe("proxy.uid");
});

describe("annotations", () => {
  const annotated = (annotations: Record<string, string>, ...expressions: string[]): Values =>
    withAnnotations(
      read(...expressions),
      new Map(Object.entries(annotations).map(([name, text]) => [`config.linkerd.io/${name}`, text])),
    );

  test("go before what was set", () => {
    const values = annotated(
      { "skip-inbound-ports": "8080,9000-9001", "proxy-uid": "5", "proxy-cpu-limit": "1" },
      "proxyInit.ignoreInboundPorts=1",
    );
    expect(values.value(IGNORE_INBOUND_PORTS)).toEqual(["8080", "9000-9001"]);
    expect(values.value(PROXY_UID)).toBe(5);
    const cpu = RESOURCES.find(({ resource, bound }) => resource === "cpu" && bound === "limit");
    expect(cpu && values.value(cpu.ofProxy)).toBe("1");
  });

  test.each([
    ["1h30m", 5400],
    ["90s", 90],
    ["1500ms", 1],
    ["0.5h", 1800],
    ["0", 0],
  ])("close-wait-timeout %s is %i seconds", (text, seconds) => {
    expect(annotated({ "close-wait-timeout": text }).value(CLOSE_WAIT_TIMEOUT_SECS)).toBe(seconds);
  });

  test.each([
    ["skip-inbound-ports", "http", '"http" is not a port'],
    ["skip-subnets", "10.0.0.0/33", "not a prefix length"],
    ["proxy-uid", "root", '"root" is not a number'],
    ["close-wait-timeout", "3600", '"3600" is not a duration such as 1h30m'],
    ["image-pull-policy", "Sometimes", "is not one of Always"],
  ])("%s: %s is an error that names it", (name, text, message) => {
    expect(() => annotated({ [name]: text })).toThrow(`annotation config.linkerd.io/${name}: `);
    expect(() => annotated({ [name]: text })).toThrow(message);
  });
});

test("every log level of the values is one of proxy-init's", async () => {
  const { parseLogLevel } = await import("../../src/log/log.ts");
  for (const level of ["panic", "fatal", "error", "warn", "info", "debug", "trace"]) {
    expect(LOG_LEVEL_VALUE.kind.read(level)).toBe(level);
    expect(parseLogLevel(level)).toBeDefined();
  }
});
