// SPDX-License-Identifier: GPL-2.0-or-later

// A small transparent proxy: it asks the kernel where each redirected connection wanted to go, connects there as a user
// whose packets the rules let through, and copies bytes both ways. One JSON line on standard output a connection.
//
//   node proxy.mjs '{"inbound":4143,"outbound":4140,"uid":2102,"gid":2102,"services":{"203.0.113.10:80":"198.51.100.2:8080"}}'
//
// IPv6 addresses are written "[2001:db8::10]:80".

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  createTransparentServer,
  type OriginalDestination,
  originalDestination,
} from "../../src/proxy/index.ts";
import { endpoint, type ProxyOptions, type ProxyRecord, parseEndpoint } from "./endpoint.ts";

type Direction = ProxyRecord["direction"];

function report(record: ProxyRecord): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function forward(client: Socket, destination: OriginalDestination, direction: Direction): void {
  const original = endpoint(destination);
  const target = parseEndpoint(options.services[original] ?? original);
  report({ direction, clientPort: client.remotePort ?? 0, original, forwardedTo: endpoint(target) });
  const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true });
  for (const [side, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // What breaks one side breaks the other: with a reset, so that nobody takes it for the end of the data.
    side.on("error", () => other.resetAndDestroy());
    side.on("close", () => other.destroySoon());
    // pipe() waits for the slower side, and hands on the end of each direction by itself.
    side.pipe(other);
  }
}

async function listen(direction: Direction, port: number): Promise<void> {
  const server = createTransparentServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      onRefused: ({ socket }) =>
        report({ direction, clientPort: socket.remotePort ?? 0, original: null, forwardedTo: null }),
    },
    (client, destination) => forward(client, destination, direction),
  );
  // Node's default is 511: a thousand connections at once would overflow it, and some be reset.
  server.listen({ port, host: "::", backlog: 4096 });
  await once(server, "listening");
}

const options: ProxyOptions = JSON.parse(process.argv[2] ?? "{}");
await listen("inbound", options.inbound);
await listen("outbound", options.outbound);
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
