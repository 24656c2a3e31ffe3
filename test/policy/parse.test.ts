// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import { policies } from "./arbitrary.ts";

describe("parsePolicy", () => {
  test("gives a copy in one spelling", () => {
    const input = {
      proxy: { uid: 2102, gid: -0 },
      inbound: {
        proxyPort: 4143,
        redirectPorts: ["+80"],
        skipPorts: ["4190", "04567-4568", "22-22", 9],
        skipSubnets: [" 10.1.2.3/8 "],
      },
      outbound: {
        proxyPort: 0,
        redirectPorts: ["0443"],
        redirectSubnets: ["10.0.0.0/8 "],
        skipPorts: [],
        skipSubnets: ["FD00::/8"],
        skipUids: [-0, 1000],
        skipGids: [4294967294],
        skipPortsOfUids: [{ uid: 0, ports: ["053", "80-090"] }],
        skipInterfaces: ["eth+"],
      },
    };
    const before = structuredClone(input);
    expect(parsePolicy(input)).toStrictEqual({
      proxy: { uid: 2102, gid: 0 },
      inbound: {
        proxyPort: 4143,
        redirectPorts: [80],
        skipPorts: [4190, "4567-4568", 22, 9],
        skipSubnets: ["10.1.2.3/8"],
      },
      outbound: {
        proxyPort: 0,
        redirectPorts: [443],
        redirectSubnets: ["10.0.0.0/8"],
        skipPorts: [],
        skipSubnets: ["FD00::/8"],
        skipUids: [0, 1000],
        skipGids: [4294967294],
        skipPortsOfUids: [{ uid: 0, ports: [53, "80-90"] }],
        skipInterfaces: ["eth+"],
      },
    });
    expect(input).toStrictEqual(before);
  });

  test("takes one direction alone, and undefined for absent", () => {
    const inbound = {
      proxyPort: 4143,
      redirectPorts: undefined,
      skipPorts: undefined,
      skipSubnets: undefined,
    };
    expect(parsePolicy({ proxy: undefined, inbound, outbound: undefined })).toStrictEqual({
      inbound: { proxyPort: 4143 },
    });
    expect(parsePolicy({ outbound: { proxyPort: 4140 } })).toStrictEqual({ outbound: { proxyPort: 4140 } });
  });

  test("takes the whole range of each number", () => {
    const policy = {
      proxy: { uid: 4294967294, gid: 0 },
      inbound: { proxyPort: 65535 },
      outbound: { proxyPort: 0 },
    };
    expect(parsePolicy(policy)).toStrictEqual(policy);
  });

  const wrong: [unknown, string, string][] = [
    [null, "", "the policy must be an object, not null"],
    [undefined, "", "the policy must be an object, not undefined"],
    [[], "", "the policy must be an object, not a list"],
    ["{}", "", 'the policy must be an object, not "{}"'],
    [{}, "", "the policy has neither inbound nor outbound: there is nothing to redirect"],
    [{ proxy: { uid: 1 } }, "", "the policy has neither inbound nor outbound: there is nothing to redirect"],
    [{ ports: 1 }, "ports", "unknown key; a policy has proxy, inbound, outbound"],
    [JSON.parse('{"__proto__":{}}'), "__proto__", "unknown key; a policy has proxy, inbound, outbound"],
    [{ inbound: 5 }, "inbound", "must be an object, not 5"],
    [{ inbound: null }, "inbound", "must be an object, not null"],
    [{ inbound: {} }, "inbound.proxyPort", "is missing: a whole number from 0 to 65535"],
    [
      { inbound: { proxyPort: 1, skipPort: [] } },
      "inbound.skipPort",
      "unknown key; inbound has proxyPort, redirectPorts, skipPorts, skipSubnets, skipInterfaces",
    ],
    [
      { outbound: { proxyPort: 1, skipUid: [] } },
      "outbound.skipUid",
      "unknown key; outbound has proxyPort, redirectPorts, redirectSubnets, skipPorts, skipSubnets, " +
        "skipUids, skipGids, skipPortsOfUids, skipInterfaces",
    ],
    [{ proxy: { user: 1 } }, "proxy.user", "unknown key; proxy has uid, gid"],
    [
      { outbound: { proxyPort: "4140" } },
      "outbound.proxyPort",
      'must be a whole number from 0 to 65535, not "4140"',
    ],
    [
      { outbound: { proxyPort: 65536 } },
      "outbound.proxyPort",
      "must be a whole number from 0 to 65535, not 65536",
    ],
    [{ proxy: { uid: -1 } }, "proxy.uid", "must be a whole number from 0 to 4294967294, not -1"],
    [{ proxy: { uid: 1.5 } }, "proxy.uid", "must be a whole number from 0 to 4294967294, not 1.5"],
    [{ proxy: { uid: 1n } }, "proxy.uid", "must be a whole number from 0 to 4294967294, not a bigint"],
    [{ proxy: { uid: null } }, "proxy.uid", "must be a whole number from 0 to 4294967294, not null"],
    [
      { proxy: { gid: 4294967295 } },
      "proxy.gid",
      "must be a whole number from 0 to 4294967294, not 4294967295",
    ],
    [
      { outbound: { proxyPort: 1, skipUids: [1, -1] } },
      "outbound.skipUids[1]",
      "must be a whole number from 0 to 4294967294, not -1",
    ],
    [{ outbound: { proxyPort: 1, skipGids: 1 } }, "outbound.skipGids", "must be a list, not 1"],
    [
      { outbound: { proxyPort: 1, skipPortsOfUids: [{ uid: 1, ports: [] }, { uid: 2 }] } },
      "outbound.skipPortsOfUids[1].ports",
      "is missing: a list",
    ],
    [
      { outbound: { proxyPort: 1, skipPortsOfUids: [{ uid: 1, ports: [1, "2-1"] }] } },
      "outbound.skipPortsOfUids[0].ports[1]",
      '"2-1" is not a valid port range: 2 is greater than 1',
    ],
    [
      { outbound: { proxyPort: 1, skipPortsOfUids: [{ ports: [1] }] } },
      "outbound.skipPortsOfUids[0].uid",
      "is missing: a whole number from 0 to 4294967294",
    ],
    [
      { outbound: { proxyPort: 1, skipPortsOfUids: [7] } },
      "outbound.skipPortsOfUids[0]",
      "must be an object, not 7",
    ],
    [
      { inbound: { proxyPort: 1, skipInterfaces: ["eth0", "eth0/1"] } },
      "inbound.skipInterfaces[1]",
      '"eth0/1" is not the name of an interface: it has a character that none may have',
    ],
    [
      { outbound: { proxyPort: 1, skipInterfaces: ["a-name-that-is-too-long"] } },
      "outbound.skipInterfaces[0]",
      '"a-name-that-is-too-long" is not the name of an interface: it is longer than 15 characters',
    ],
    [
      { outbound: { proxyPort: 1, skipInterfaces: [null] } },
      "outbound.skipInterfaces[0]",
      "must be the name of an interface, not null",
    ],
    [{ inbound: { proxyPort: 1, skipPorts: 80 } }, "inbound.skipPorts", "must be a list, not 80"],
    [{ inbound: { proxyPort: 1, skipPorts: "80" } }, "inbound.skipPorts", 'must be a list, not "80"'],
    [{ inbound: { proxyPort: 1, skipSubnets: {} } }, "inbound.skipSubnets", "must be a list, not an object"],
    [
      { inbound: { proxyPort: 1, skipPorts: [80, 81, "80-"] } },
      "inbound.skipPorts[2]",
      '"80-" is not a valid port range: "" is not a port',
    ],
    [
      { inbound: { proxyPort: 1, redirectPorts: [true] } },
      "inbound.redirectPorts[0]",
      'must be a port or a range such as "80-90", not true',
    ],
    [
      { outbound: { proxyPort: 1, skipPorts: Array(2) } },
      "outbound.skipPorts[0]",
      'must be a port or a range such as "80-90", not undefined',
    ],
    [
      { outbound: { proxyPort: 1, skipSubnets: ["10.0.0.0/8", "10.0.0.0/33"] } },
      "outbound.skipSubnets[1]",
      '"10.0.0.0/33" is not a subnet in CIDR notation: "33" is not a prefix length from 0 to 32',
    ],
    [
      { inbound: { proxyPort: 1, skipSubnets: [8] } },
      "inbound.skipSubnets[0]",
      'must be a subnet such as "10.0.0.0/8", not 8',
    ],
  ];
  test.each(wrong.map(([input, path, problem]) => ({ input, path, problem })))(
    "refuses, at '$path': $problem",
    ({ input, path, problem }) => {
      const attempt = (): unknown => parsePolicy(input);
      expect(attempt).toThrow(PolicyError);
      expect(attempt).toThrow(
        expect.objectContaining({ path, message: path === "" ? problem : `${path}: ${problem}` }),
      );
    },
  );

  test("carries the value that is wrong", () => {
    expect(() => parsePolicy({ outbound: { proxyPort: 1, skipPorts: ["x"] } })).toThrow(
      expect.objectContaining({ value: "x" }),
    );
  });

  test("changes nothing the second time", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const once = parsePolicy(policy);
        expect(parsePolicy(once)).toStrictEqual(once);
        expect(parsePolicy(JSON.parse(JSON.stringify(once)))).toStrictEqual(once);
      }),
    );
  });

  test("gives a policy or a PolicyError of one line for any data", () => {
    const keys = fc.constantFrom(
      "proxy",
      "inbound",
      "outbound",
      "uid",
      "proxyPort",
      "skipPorts",
      "skipSubnets",
    );
    const data = fc.anything({ key: fc.oneof(keys, fc.string()), withBigInt: true, withSparseArray: true });
    const shaped = fc.record({
      inbound: fc.record({ proxyPort: fc.nat(), skipPorts: data, skipSubnets: data }),
    });
    fc.assert(
      fc.property(fc.oneof(data, shaped), (input) => {
        try {
          parsePolicy(input);
        } catch (error) {
          if (!(error instanceof PolicyError)) throw error;
        }
      }),
    );
  });
});
