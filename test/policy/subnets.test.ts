// SPDX-License-Identifier: GPL-2.0-or-later

import { BlockList, isIP, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../src/policy/error.ts";
import { parseSubnet } from "../../src/policy/subnets.ts";

const ipv4 = fc.ipV4();
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((group) => group.toString(16)).join(":"));

function write(text: string): string {
  const { address, prefixLength } = parseSubnet(text);
  return `${address}/${prefixLength}`;
}

describe("parseSubnet", () => {
  // The right column: what iptables-save 1.8.9 prints for a rule with this -s.
  test.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["10.0.255.1/17", "10.0.128.0/17"],
    ["1.2.3.4/32", "1.2.3.4/32"],
    ["255.255.255.255/1", "128.0.0.0/1"],
    ["1.2.3.4/0", "0.0.0.0/0"],
    [" \t192.168.0.0/16\n", "192.168.0.0/16"],
    ["::/0", "::/0"],
    ["::1/128", "::1/128"],
    ["FD00:0:0:1::AB/64", "fd00:0:0:1::/64"],
    ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/127", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:fffe/127"],
    ["::ffff:1.2.3.4/120", "::ffff:1.2.3.0/120"],
    ["::ffff:0:0/96", "::ffff:0.0.0.0/96"],
    ["::1.2.3.4/128", "::1.2.3.4/128"],
    ["::1:0/128", "::0.1.0.0/128"],
    ["1:0:0:2::/64", "1:0:0:2::/64"],
    ["0:0:1::/48", "0:0:1::/48"],
    ["1:0:0:2:0:0:3:4/128", "1::2:0:0:3:4/128"],
    ["1:2:3:4:5:6:7::/128", "1:2:3:4:5:6:7:0/128"],
    ["1:2:3:4:5:6:1.2.3.4/128", "1:2:3:4:5:6:102:304/128"],
  ])("reads %j as %j", (text, normal) => {
    expect(write(text)).toBe(normal);
    expect(parseSubnet(text).family).toBe(normal.includes(":") ? "ipv6" : "ipv4");
  });

  test.each([
    ["10.0.0.0", "it has no prefix length"],
    ["", "it has no prefix length"],
    ["10.0.0.0/", '"" is not a prefix length from 0 to 32'],
    ["10.0.0.0/33", '"33" is not a prefix length from 0 to 32'],
    ["10.0.0.0/-1", '"-1" is not a prefix length from 0 to 32'],
    ["10.0.0.0/+8", '"+8" is not a prefix length from 0 to 32'],
    ["10.0.0.0/08", '"08" is not a prefix length from 0 to 32'],
    ["10.0.0.0/8/8", '"8/8" is not a prefix length from 0 to 32'],
    ["10.0.0.0/255.0.0.0", '"255.0.0.0" is not a prefix length from 0 to 32'],
    ["::/129", '"129" is not a prefix length from 0 to 128'],
    ["::/1000", '"1000" is not a prefix length from 0 to 128'],
    ["010.0.0.1/8", '"010.0.0.1" is not an address'],
    ["256.0.0.0/8", '"256.0.0.0" is not an address'],
    ["10.0.0/8", '"10.0.0" is not an address'],
    ["10.0.0.0.0/8", '"10.0.0.0.0" is not an address'],
    ["10.0.0. 1/8", '"10.0.0. 1" is not an address'],
    // What Number() takes.
    ["10.0.0./8", '"10.0.0." is not an address'],
    ["10.0.0.-0/8", '"10.0.0.-0" is not an address'],
    ["10.0.0.-1/8", '"10.0.0.-1" is not an address'],
    ["10.0.0.0x1/8", '"10.0.0.0x1" is not an address'],
    ["10.0.0.1e1/8", '"10.0.0.1e1" is not an address'],
    ["10.0.0.NaN/8", '"10.0.0.NaN" is not an address'],
    ["10.0.0.0/8.5", '"8.5" is not a prefix length from 0 to 32'],
    ["10.0.0.0/NaN", '"NaN" is not a prefix length from 0 to 32'],
    ["fe80::1%eth0/64", "it has a zone index"],
    ["fe80::1%/64", "it has a zone index"],
    [":::/0", '":::" is not an address'],
    [":/0", '":" is not an address'],
    ["1::2::3/64", '"1::2::3" is not an address'],
    ["1:2:3:4:5:6:7/64", '"1:2:3:4:5:6:7" is not an address'],
    ["1:2:3:4:5:6:7:8:9/64", '"1:2:3:4:5:6:7:8:9" is not an address'],
    ["1:2:3:4:5:6:7::8/64", '"1:2:3:4:5:6:7::8" is not an address'],
    ["1:2:/64", '"1:2:" is not an address'],
    ["00001::/64", '"00001::" is not an address'],
    ["g::/64", '"g::" is not an address'],
    ["1.2.3.4::/64", '"1.2.3.4::" is not an address'],
    ["::1.2.3.4:1/64", '"::1.2.3.4:1" is not an address'],
    ["::ffff:01.2.3.4/64", '"::ffff:01.2.3.4" is not an address'],
    ["localhost/8", '"localhost" is not an address'],
  ])("refuses %j", (text, reason) => {
    const attempt = (): unknown => parseSubnet(text);
    expect(attempt).toThrow(PolicyError);
    expect(attempt).toThrow(`${JSON.stringify(text)} is not a subnet in CIDR notation: ${reason}`);
  });

  test("keeps an address of a full prefix as libuv's inet_ntop writes it", () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        expect(write(`${address}/32`)).toBe(`${address}/32`);
      }),
    );
    fc.assert(
      fc.property(ipv6, (address) => {
        const expected = new SocketAddress({ address, family: "ipv6" }).address;
        expect(parseSubnet(`${address}/128`).address).toBe(expected);
      }),
    );
  });

  test("takes an IPv6 address exactly when inet_pton does", () => {
    const part = fc.constantFrom("0", "1", "ffff", "00001", "AB", "g", ":", "::", ":", "1.2.3.4", "01.2.3.4");
    const text = fc.array(part, { minLength: 1, maxLength: 16 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(text, ipv6), (address) => {
        const accepted = (() => {
          try {
            return parseSubnet(`${address}/0`).family === "ipv6" ? 6 : 4;
          } catch {
            return 0;
          }
        })();
        expect(accepted).toBe(isIP(address));
      }),
      { numRuns: 2000 },
    );
  });

  test("clears just the host bits", () => {
    const cases = fc.oneof(
      fc.tuple(ipv4, fc.nat(32), fc.constant("ipv4" as const)),
      fc.tuple(ipv6, fc.nat(128), fc.constant("ipv6" as const)),
    );
    fc.assert(
      fc.property(cases, ([address, prefix, family]) => {
        const subnet = parseSubnet(`${address}/${prefix}`);
        expect(subnet).toMatchObject({ family, prefixLength: prefix });
        expect(parseSubnet(`${subnet.address}/${prefix}`)).toStrictEqual(subnet);
        const network = new BlockList();
        network.addSubnet(subnet.address, prefix, family);
        expect(network.check(address, family)).toBe(true);
      }),
    );
  });
});
