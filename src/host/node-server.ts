// SPDX-License-Identifier: GPL-2.0-or-later

import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Pages } from "./daemon.ts";

/** Clients at a time; one more makes the one go that has been there longest. */
const MOST_CLIENTS = 16;
/** How long a client may take for all of it. */
const LONGEST_MS = 5000;
const LONGEST_HEAD = 4096;

/**
 * Answers with the pages of the time. node:http, which takes ten milliseconds to load, is loaded here.
 *
 * @throws {Error} that names the port if it cannot be listened on.
 */
export async function serveOnNode(port: number, pages: () => Pages): Promise<void> {
  const http = await import("node:http");
  const options = { maxHeaderSize: LONGEST_HEAD, requestTimeout: LONGEST_MS, headersTimeout: LONGEST_MS };
  const server = http.createServer({ ...options, keepAlive: false }, (request, response) => {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const page = Object.hasOwn(pages(), path) ? pages()[path] : undefined;
    const headers = { Connection: "close", "Cache-Control": "no-store" };
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { ...headers, Allow: "GET, HEAD" }).end();
    } else if (page === undefined) {
      response.writeHead(404, { ...headers, "Content-Type": "text/plain; charset=utf-8" }).end("not found\n");
    } else {
      const body = Buffer.from(page.body, "utf8");
      response.writeHead(page.status, {
        ...headers,
        "Content-Type": page.type,
        "Content-Length": body.length,
      });
      response.end(request.method === "HEAD" ? undefined : body);
    }
  });
  boundClients(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", ({ message }) => reject(new Error(`cannot listen on port ${port}: ${message}`)));
    server.listen(port, resolve);
  });
  // What keeps the process running is its work, not that somebody may ask about it.
  server.unref();
}

function boundClients(server: Server): void {
  const clients = new Set<Socket>();
  server.on("connection", (socket) => {
    clients.add(socket);
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), LONGEST_MS);
    timer.unref();
    socket.on("close", () => {
      clearTimeout(timer);
      clients.delete(socket);
    });
    const [longest] = clients;
    if (clients.size > MOST_CLIENTS) longest?.destroy();
  });
}
