// SPDX-License-Identifier: GPL-2.0-or-later

// A small transparent proxy: it asks the kernel where each redirected connection wanted to go, connects there as a user
// whose packets the rules let through, and copies bytes both ways. One JSON line on standard output a connection.
//
//   node proxy.mjs '{"inbound":4143,"outbound":4140,"uid":2102,"gid":2102,"services":{"203.0.113.10:80":"198.51.100.2:8080"}}'
//
// IPv6 addresses are written "[2001:db8::10]:80".

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type OriginalDestination, originalDestination } from "../../src/proxy/original-destination.ts";
import { endpoint, type ProxyOptions, type ProxyRecord, parseEndpoint } from "./endpoint.ts";

function report(record: ProxyRecord): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function forward(
  client: Socket,
  direction: ProxyRecord["direction"],
  services: ProxyOptions["services"],
): void {
  client.on("error", () => client.destroy());
  const clientPort = client.remotePort ?? 0;
  const original: OriginalDestination | null = originalDestination(client);
  if (original === null) {
    // Connecting to where this connection came would be connecting to ourselves.
    report({ direction, clientPort, original: null, forwardedTo: null });
    client.destroy();
    return;
  }
  const wanted = endpoint(original);
  const target = parseEndpoint(services[wanted] ?? wanted);
  report({ direction, clientPort, original: wanted, forwardedTo: endpoint(target) });
  const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true });
  upstream.on("error", () => client.destroy());
  upstream.on("close", () => client.destroy());
  client.on("close", () => upstream.destroy());
  // pipe() waits for the slower side, and hands on the end of each direction by itself.
  client.pipe(upstream).pipe(client);
}

async function listen(port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  server.listen(port, "::");
  await once(server, "listening");
  return server;
}

const options: ProxyOptions = JSON.parse(process.argv[2] ?? "{}");
await listen(options.inbound, (socket) => forward(socket, "inbound", options.services));
await listen(options.outbound, (socket) => forward(socket, "outbound", options.services));
// The addon is loaded by the first question, and the user to be may not read its file.
try {
  originalDestination(-1);
} catch {
  // There is no such socket.
}
process.setgroups?.([]);
process.setgid?.(options.gid);
process.setuid?.(options.uid);
process.stdout.write(`{"ready":true}\n`);
// Whoever started the proxy holds its standard input, and ends it with that.
process.stdin.on("end", () => process.exit(0)).resume();
