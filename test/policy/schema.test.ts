// SPDX-License-Identifier: GPL-2.0-or-later

// The published JSON Schema says what parsePolicy takes.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import { policies } from "./arbitrary.ts";

const schema: object = JSON.parse(
  readFileSync(new URL("../../schema/policy.schema.json", import.meta.url), "utf8"),
);
const validate = new Ajv2020({ allErrors: true, strict: true, strictRequired: false }).compile(schema);

/** What parsePolicy complains of; undefined: nothing. */
function complaint(input: unknown): PolicyError | undefined {
  try {
    parsePolicy(input);
    return undefined;
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}

/** The only thing that the schema cannot say. */
const upsideDown = (error: PolicyError) =>
  /is not a valid port range: \d+ is greater than/.test(error.message);

/** `inbound.skipPorts[1]`, of ajv's `/inbound/skipPorts/1`. */
const pathOf = (pointer: string) =>
  pointer
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".");

test("takes every valid policy", () => {
  fc.assert(
    fc.property(policies, (policy) => {
      expect(validate(policy)).toBe(true);
      expect(validate(parsePolicy(policy))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

const words = fc.oneof(
  fc.constantFrom(...["80", "+80", "080", "65536", "90-80", "80-90-1", "80-", "-", "", " 80", "0x50", "1_0"]),
  fc.constantFrom(...["10.0.0.0/8", " 10.1.2.3/8\n", "10.0.0.0/33", "010.0.0.0/8", "10.0.0/8", "10.0.0.0"]),
  fc.constantFrom(
    ...["::/0", "::1/128", "::1/129", "1::2::3/64", ":::/0", "1:2:3:4:5:6:7:8/64", "fe80::1%lo/64"],
  ),
  fc.constantFrom(
    ...["1:2:3:4:5:6:7::/64", "::2:3:4:5:6:7:8/64", "1:2:3:4:5:6:7:8::/1", "::ffff:1.2.3.4/104"],
  ),
  fc.constantFrom(
    ...["1:2:3:4:5:6:1.2.3.4/99", "1:2:3:4:5:6:7:1.2.3.4/9", "12345::/16", "1.2.3.4::/8", "::/064"],
  ),
  fc.constantFrom(
    ...["eth0", "eth+", "+", ".", "..", "...", "a/b", "a b", "a:b", '"', "!", "abcdefghijklmnop", "é"],
  ),
  fc.ipV6().map((address) => `${address}/64`),
  fc.ipV4().map((address) => `${address}/24`),
  fc.string({ maxLength: 6, unit: fc.constantFrom(..."0123456789-+:./ f") }),
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  words,
  fc.constantFrom(0, -0, -1, 1.5, 65535, 65536, 4294967294, 4294967295, 1e21, Number.NaN),
  fc.constantFrom(
    null,
    true,
    [],
    {},
    [[]],
    [null],
    [{ uid: 1 }],
    [{ uid: 1, ports: [1] }],
    [{ uid: 1, ports: 1 }],
  ),
  fc.array(words, { maxLength: 3 }),
  fc.record(
    { uid: fc.nat(), ports: fc.array(words, { maxLength: 2 }), gid: fc.nat() },
    { requiredKeys: ["uid"] },
  ),
);
const keys = fc.constantFrom(
  ...["proxyPort", "redirectPorts", "redirectSubnets", "skipPorts", "skipSubnets", "skipInterfaces"],
  ...["skipUids", "skipGids", "skipPortsOfUids", "uid", "gid", "bogus", "__proto__", "toString"],
);

/** A policy with one field of one section made anything. */
const spoiled = fc
  .record({
    policy: policies,
    section: fc.constantFrom("proxy", "inbound", "outbound"),
    key: keys,
    value: values,
  })
  .map(({ policy, section, key, value }) => {
    const copy: Record<string, unknown> = JSON.parse(JSON.stringify(policy));
    const fields = Object.entries(copy[section] ?? { proxyPort: 1 });
    const others = fields.filter(([name]) => name !== key);
    return { ...copy, [section]: Object.fromEntries([...others, [key, value]]) };
  });

test("refuses what parsePolicy refuses, at the same place", () => {
  let refused = 0;
  fc.assert(
    fc.property(spoiled, (input) => {
      const error = complaint(input);
      const valid = validate(input);
      if (error === undefined) expect(valid).toBe(true);
      else if (!upsideDown(error)) {
        refused++;
        expect(valid).toBe(false);
        const places = (validate.errors ?? []).map(({ instancePath, params }) =>
          pathOf(`${instancePath}${"additionalProperty" in params ? `/${params.additionalProperty}` : ""}`),
        );
        // parsePolicy names the first thing that is wrong; the schema all of them.
        expect(places.some((place) => error.path === place || error.path.startsWith(`${place}.`))).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(500);
});

describe("the whole", () => {
  const rows: [unknown, boolean][] = [
    [{ inbound: { proxyPort: 1 } }, true],
    [{ outbound: { proxyPort: 1 } }, true],
    [{ $schema: "./policy.schema.json", outbound: { proxyPort: 1 } }, true],
    [{ $schema: 1, outbound: { proxyPort: 1 } }, false],
    [{ inbound: { proxyPort: 1, $schema: "x" } }, false],
    [{ proxy: { uid: 1 } }, false],
    [{ inbound: {} }, false],
    [{}, false],
    [[], false],
    [null, false],
    ["inbound", false],
    [{ inbound: { proxyPort: 1 }, Outbound: { proxyPort: 2 } }, false],
  ];
  test.each(rows)("%j: %s", (input, valid) => {
    expect(validate(input)).toBe(valid);
    expect(complaint(input) === undefined).toBe(valid);
  });
});

test("every field is described", () => {
  const undescribed: string[] = [];
  const walk = (value: unknown, place: string): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (place.endsWith("/properties") && !/skipPortsOfUids/.test(place) && !("description" in child)) {
        undescribed.push(`${place}/${key}`);
      }
      walk(child, `${place}/${key}`);
    }
  };
  walk(schema, "");
  expect(undescribed).toEqual([]);
});
