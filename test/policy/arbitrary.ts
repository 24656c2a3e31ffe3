// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import type { PortSpec, RedirectPolicy } from "../../src/policy/policy.ts";

const port = fc.nat(65535);

/** Ports in every spelling that a policy may have. */
export const portSpecs: fc.Arbitrary<PortSpec> = fc.oneof(
  port,
  port.map((value) => `0${value}`),
  fc.tuple(port, port).map(([a, b]) => (a < b ? `${a}-${b}` : `+${b}-${a}`)),
);

/** Subnets of both families, with host bits. */
export const subnetTexts: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, prefix]) => ` ${address}/${prefix}`),
);

const id = fc.oneof(fc.constant(0), fc.nat(4294967294));
const ports = fc.array(portSpecs, { maxLength: 60 });
const subnets = fc.array(subnetTexts, { maxLength: 8 });
const ids = fc.array(fc.nat(4294967294), { maxLength: 4 });
const interfaceNames = fc.array(
  fc
    .oneof(fc.stringMatching(/^[#-)+-.0-9;-[\]-~]{1,14}\+?$/), fc.constantFrom("eth0", "eth+", "+"))
    .filter((name) => !/^\.{1,2}$/.test(name)),
  { maxLength: 3 },
);
const inbound = fc.record(
  {
    proxyPort: port,
    redirectPorts: ports,
    skipPorts: ports,
    skipSubnets: subnets,
    skipInterfaces: interfaceNames,
  },
  { requiredKeys: ["proxyPort"] },
);
const outbound = fc.record(
  {
    proxyPort: port,
    redirectPorts: ports,
    redirectSubnets: subnets,
    skipPorts: ports,
    skipSubnets: subnets,
    skipUids: ids,
    skipGids: ids,
    skipPortsOfUids: fc.array(fc.record({ uid: fc.nat(4294967294), ports }), { maxLength: 2 }),
    skipInterfaces: interfaceNames,
  },
  { requiredKeys: ["proxyPort"] },
);
const proxy = fc.record({ uid: id, gid: id }, { requiredKeys: [] });

/** Valid policies of every shape. */
export const policies: fc.Arbitrary<RedirectPolicy> = fc.oneof(
  fc.record({ proxy, inbound, outbound }, { requiredKeys: ["inbound", "outbound"] }),
  fc.record({ proxy, inbound }, { requiredKeys: ["inbound"] }),
  fc.record({ proxy, outbound }, { requiredKeys: ["outbound"] }),
);
