// SPDX-License-Identifier: GPL-2.0-or-later

import { nodeHost } from "../../dist/host/node.js";
import { install } from "../../dist/kernel/install.js";

const node = nodeHost();
const replies = [];
/** Node's host, of which the core's replies are kept. */
const host = {
  ...node,
  async call(backend, request) {
    const reply = await node.call(backend, request);
    replies.push(reply);
    return reply;
  },
};

/** One install(): what it sent, and the milliseconds of the kernel's part and of the whole call. */
export async function timedInstall(policy, target) {
  replies.length = 0;
  const start = performance.now();
  await install(host, policy, target);
  const whole = performance.now() - start;
  const { changed, bytes, messages, kernelMicroseconds } = JSON.parse(replies[0]).ok;
  if (!changed) throw new Error("nothing was installed");
  return { bytes, messages, kernel: kernelMicroseconds / 1000, whole };
}
