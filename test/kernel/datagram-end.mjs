// SPDX-License-Identifier: GPL-2.0-or-later

// One end of datagrams.ts, as a program of its own: an owner other than this process's takes a process that may change its ids.
// Takes datagrams on the ports that its arguments name, and writes what each holds and where it came: "TOKEN PORT". Sends one for
// each line that it reads.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createInterface } from "node:readline";

for (const port of process.argv.slice(2).map(Number)) {
  const socket = createSocket("udp6").bind(port);
  socket.on("message", (token) => process.stdout.write(`${token} ${port}\n`));
  await once(socket, "listening");
}
process.stdout.write("ready 0\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { token, address, port, fromPort, uid, gid } = JSON.parse(line);
  // A socket is of the ids that its maker has when it is bound.
  process.setegid(gid);
  process.seteuid(uid);
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4").bind(fromPort);
  await once(socket, "listening");
  process.seteuid(0);
  process.setegid(0);
  await new Promise((resolve) => socket.send(token, port, address, resolve));
  socket.close();
}
