// SPDX-License-Identifier: GPL-2.0-or-later

// The CNI plugin: command, CNI_ARGS, CNI_IFNAME, CNI_CONTAINERID, the network configuration, the kubeconfig, the pod and its
// namespace as the API server gives them, between NULs; an empty one is what it is in the tests. Standard output is one JSON document
// or nothing, and every failure an error object of a declared code.

import { CODES } from "../../../src/cni/error.ts";
import {
  type CallOptions,
  call,
  KUBECONFIG,
  NAMESPACE_PATH,
  namespace,
  POD_PATH,
  pod,
} from "../../cni/fake-world.ts";
import { check, checkLine, checkOutput, parts, timely } from "./check.ts";

const DECLARED: readonly number[] = Object.values(CODES).filter((code) => code !== CODES.internal);

export const fuzz = (text: string): Promise<void> =>
  timely(async () => {
    const { code, stdout, log, appended } = await call(optionsOf(parts(text)));
    checkOutput(log);
    for (const { text } of appended) checkOutput(text);
    checkOutput(stdout);
    check(stdout === "" || stdout.indexOf("\n") === stdout.length - 1, "standard output is one line", stdout);
    if (code === 0) return;
    check(code === 1, "the exit code is 0 or 1", code);
    const error: { code: number; msg: string } = JSON.parse(stdout);
    check(DECLARED.includes(error.code), "an error has a declared code", error);
    checkLine(error.msg);
  });

function optionsOf([
  command,
  args,
  interfaceName,
  id,
  config,
  kubeconfig,
  ofPod,
  ofNamespace,
]: string[]): CallOptions {
  const env = {
    ...(args ? { CNI_ARGS: args } : {}),
    ...(interfaceName ? { CNI_IFNAME: interfaceName } : {}),
    ...(id ? { CNI_CONTAINERID: id } : {}),
  };
  return {
    command: command || "ADD",
    env,
    ...(config ? { config } : {}),
    ...(kubeconfig ? { files: { [KUBECONFIG]: kubeconfig } } : {}),
    answers: {
      [POD_PATH]: ofPod ? [200, ofPod] : pod(),
      [NAMESPACE_PATH]: ofNamespace ? [200, ofNamespace] : namespace(),
    },
  };
}
