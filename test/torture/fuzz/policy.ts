// SPDX-License-Identifier: GPL-2.0-or-later

// The values of a policy, and a policy as JSON: read, compiled for every mode, written as text. What is read and written again is
// read to the same.

import { formatAddress, parseAddress } from "../../../src/policy/address.ts";
import { PolicyError } from "../../../src/policy/error.ts";
import { parsePolicy } from "../../../src/policy/parse.ts";
import type { RedirectPolicy } from "../../../src/policy/policy.ts";
import { parsePortSpec } from "../../../src/policy/ports.ts";
import { parseSubnet } from "../../../src/policy/subnets.ts";
import { compile } from "../../../src/ruleset/compile.ts";
import { formatsOf, render } from "../../../src/ruleset/render.ts";
import { check, checkError, checkOutput, timely } from "./check.ts";

export const fuzz = (text: string): Promise<void> =>
  timely(() => {
    readValues(text);
    readPolicy(text);
  });

function readValues(text: string): void {
  attempt(() => {
    const { first, last } = parsePortSpec(text);
    check(first >= 0 && first <= last && last <= 65535, "ports are a range", { first, last });
    const again = parsePortSpec(first === last ? first : `${first}-${last}`);
    check(again.first === first && again.last === last, "ports, written, are the same", again);
  });
  attempt(() => {
    const subnet = parseSubnet(text);
    const again = parseSubnet(`${subnet.address}/${subnet.prefixLength}`);
    check(JSON.stringify(again) === JSON.stringify(subnet), "a subnet, written, is the same", {
      subnet,
      again,
    });
  });
  const bytes = parseAddress(text);
  if (bytes === undefined) return;
  const again = parseAddress(formatAddress(bytes));
  check(JSON.stringify(again) === JSON.stringify(bytes), "an address, written, is the same", {
    bytes,
    again,
  });
}

function readPolicy(text: string): void {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return;
  }
  attempt(() => {
    const policy = parsePolicy(data);
    const again = parsePolicy(JSON.parse(JSON.stringify(policy)));
    check(JSON.stringify(again) === JSON.stringify(policy), "a policy, written, is the same", {
      policy,
      again,
    });
    for (const mode of ["nft", "legacy", "nftables"] as const) compileAndRender(policy, mode);
  });
}

function compileAndRender(policy: RedirectPolicy, mode: "nft" | "legacy" | "nftables"): void {
  attempt(() => {
    const ruleset = compile(policy, mode);
    for (const format of formatsOf(mode)) checkOutput(render(ruleset, format));
  });
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    checkError(error, PolicyError);
  }
}
