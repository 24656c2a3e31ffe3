// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { formatEndpoint, isIPv6, parseEndpoint } from "../../src/cli/endpoint.ts";

test.each([
  ["0.0.0.0:4140", { address: "0.0.0.0", port: 4140 }, false],
  ["192.0.2.2:1", { address: "192.0.2.2", port: 1 }, false],
  ["[::]:65535", { address: "::", port: 65535 }, true],
  ["[2001:db8::2]:1404", { address: "2001:db8::2", port: 1404 }, true],
])("%s", (text, endpoint, ipv6) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
  expect(isIPv6(endpoint)).toBe(ipv6);
  expect(formatEndpoint(endpoint)).toBe(text);
});

test("the address comes out as inet_ntop writes it", () => {
  expect(parseEndpoint("[2001:DB8:0:0::A]:80")).toEqual({ address: "2001:db8::a", port: 80 });
});

test.each([
  [""],
  ["4140"],
  [":4140"],
  ["0.0.0.0"],
  ["0.0.0.0:"],
  ["0.0.0.0:0"],
  ["0.0.0.0:65536"],
  ["0.0.0.0:100000"],
  ["0.0.0.0:-1"],
  ["0.0.0.0:0x50"],
  ["0.0.0.0: 80"],
  ["256.0.0.1:80"],
  ["1.2.3:80"],
  ["::1:80"],
  ["[::1]"],
  ["[::1:80"],
  ["[::1]80"],
  ["[127.0.0.1]:80"],
  ["[fe80::1%eth0]:80"],
  ["localhost:80"],
  ["[]:80"],
])("%j is none", (text) => {
  expect(parseEndpoint(text)).toBeUndefined();
});
