// SPDX-License-Identifier: GPL-2.0-or-later

import type { ExchangeResult, Failure } from "../kernel/exchange.ts";
import { formatDuration } from "./duration.ts";
import { formatEndpoint } from "./endpoint.ts";
import type { Check } from "./validate-checks.ts";

/** What a check has come to, and why. */
export interface Verdict {
  /** `absent`: the pod has not what would have been checked. `unchecked`: this process cannot check it. */
  readonly state: "passed" | "failed" | "absent" | "unchecked";
  readonly text: string;
}

/** Says what became of a connection. */
export function judge(check: Check, result: ExchangeResult, timeoutMs: number): Verdict {
  switch (result.outcome) {
    case "returned":
      return judgeReturned(check, result);
    case "not-listening":
      return judgeNotListening(check, result.failure);
    case "not-sent":
      return judgeNotSent(check, result.failure);
    case "no-device":
      return judgeNoDevice(result.failure);
    default: {
      const problem = describeLoss(check, result, timeoutMs);
      return failed(check.direction === "outbound" ? problem + ownerHint(result.uid) : problem);
    }
  }
}

function failed(text: string): Verdict {
  return { state: "failed", text };
}

function judgeReturned(
  check: Check,
  { originalDestination }: ExchangeResult & { outcome: "returned" },
): Verdict {
  const { connect, listen } = check.connection;
  const port = `redirected to port ${listen.port}`;
  if (!check.byOriginalDestination) return { state: "passed", text: port };
  if (originalDestination === undefined) {
    return failed(`${port}, but the kernel does not tell the original destination`);
  }
  const found = formatEndpoint(originalDestination);
  if (found === formatEndpoint(connect))
    return { state: "passed", text: `${port}, the original destination is known` };
  return failed(
    `${port}, but with ${found} for its original destination, instead of ${formatEndpoint(connect)}`,
  );
}

function judgeNotListening({ connection }: Check, failure: Failure): Verdict {
  const { listen } = connection;
  if (failure.name === "EADDRINUSE") return failed(`port ${listen.port} is held by another program`);
  if (failure.name === "EAFNOSUPPORT") return { state: "absent", text: "the kernel does not have it" };
  return failed(`cannot listen on ${formatEndpoint(listen)}: ${reasonOf(failure)}`);
}

/** What connect(2) says when there is no way out, or no address to go out with. */
const NO_ROUTE = ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EACCES", "EINVAL"];

function judgeNotSent({ connection }: Check, failure: Failure): Verdict {
  const connect = formatEndpoint(connection.connect);
  if (failure.name === "EAFNOSUPPORT") return { state: "absent", text: "the kernel does not have it" };
  if (NO_ROUTE.includes(failure.name)) {
    return {
      state: "absent",
      text: `the pod has no route to ${connection.connect.address}: ${reasonOf(failure)}`,
    };
  }
  return failed(`cannot connect to ${connect}: ${reasonOf(failure)}`);
}

function judgeNoDevice(failure: Failure): Verdict {
  const { name } = failure;
  const missing = name === "EPERM" ? "the capability NET_ADMIN" : "the device /dev/net/tun";
  if (["EPERM", "ENOENT", "ENODEV", "ENXIO", "EACCES"].includes(name)) {
    return { state: "unchecked", text: `this needs ${missing}` };
  }
  return { state: "unchecked", text: `no device can be made: ${reasonOf(failure)}` };
}

type Lost = Extract<ExchangeResult, { outcome: "taken" | "timed-out" | "rejected" }>;

function describeLoss({ direction, connection }: Check, result: Lost, timeoutMs: number): string {
  const { connect, listen } = connection;
  const outbound = direction === "outbound";
  const what = outbound ? `the connection to ${formatEndpoint(connect)}` : "a connection from outside";
  if (result.outcome === "rejected") return describeRejection(what, listen.port, result);
  if (result.outcome === "taken") {
    const said = result.received === "" ? "" : `, and said ${JSON.stringify(result.received)}`;
    return `no redirect to port ${listen.port}: another program took ${what}${said}`;
  }
  const fate = outbound ? "it left the pod, or was dropped" : "it was dropped";
  return `no redirect: nobody answered ${what} within ${formatDuration(timeoutMs)}: ${fate}`;
}

function describeRejection(
  what: string,
  port: number,
  { failure, rejecter }: Lost & { outcome: "rejected" },
): string {
  if (rejecter !== undefined) {
    return `no redirect: ${what} was on its way out of the pod when ${rejecter} rejected it (${failure.name})`;
  }
  if (failure.name !== "ECONNREFUSED") return `no redirect: ${what} came back: ${reasonOf(failure)}`;
  return `no redirect to port ${port}: ${what} was refused, as is one that is redirected to a port where nobody listens`;
}

/** Root is no proxy's user, for rules cannot tell it from none, and 65534 is the validator's own. */
function ownerHint(uid: number): string {
  if (uid === 0 || uid === 65534) return "";
  return `; it was of uid ${uid}: should that be the proxy's, its connections are not redirected`;
}

function reasonOf({ name, reason }: Failure): string {
  return name === "" ? reason : `${reason} (${name})`;
}
