// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { createServer as createHttpServer, get } from "node:http";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ConnectOptions,
  createNamespace,
  createVethPair,
  type NetworkNamespace,
  type Owner,
} from "../../src/testing/index.ts";
import { eventually, isRoot, namespacesOfThreads, openDescriptors } from "./own-namespace.ts";

/** The garbage collector, without the option --expose-gc at the start. */
function setFlags(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("no gc");
  return () => collect();
}

describe.skipIf(!isRoot)("NetworkNamespace (needs root)", () => {
  const home = readlinkSync("/proc/self/ns/net");

  afterAll(() => {
    expect(readlinkSync("/proc/self/ns/net")).toBe(home);
    expect(namespacesOfThreads()).toEqual(new Set([home]));
  });

  it("is another namespace, which its path names", async () => {
    await using namespace = await createNamespace();
    expect(readlinkSync(namespace.path)).toMatch(/^net:\[\d+\]$/);
    expect(readlinkSync(namespace.path)).not.toBe(home);
  });

  it("is empty but for a loopback that is up", async () => {
    await using namespace = await createNamespace();
    const { stdout } = await namespace.exec("cat", ["/proc/net/dev"]);
    expect(stdout.split("\n").slice(2).join("")).toMatch(/^\s*lo:[^:]*$/);
    const server = await namespace.listen(
      createServer((socket) => socket.end("here")),
      { port: 80 },
    );
    for (const address of ["127.0.0.1", "::1"]) {
      expect(await text(await namespace.connect({ address, port: 80 }))).toBe("here");
    }
    expect(server.address()).toMatchObject({ port: 80 });
  });

  it("has ports of its own", async () => {
    await using a = await createNamespace();
    await using b = await createNamespace();
    await a.listen(
      createServer((socket) => socket.end("a")),
      { port: 80 },
    );
    await expect(b.connect({ address: "127.0.0.1", port: 80 })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    await b.listen(
      createServer((socket) => socket.end("b")),
      { port: 80 },
    );
    expect(await text(await a.connect({ address: "127.0.0.1", port: 80 }))).toBe("a");
    expect(await text(await b.connect({ address: "127.0.0.1", port: 80 }))).toBe("b");
  });

  it("keeps as many connections waiting as the backlog says", async () => {
    await using namespace = await createNamespace();
    const server = await namespace.listen({ port: 80, backlog: 3 });
    const { stdout } = await namespace.exec("ss", ["-Hltn"]);
    // Of a listener, ss shows the backlog in the place of what is to be sent.
    expect(stdout).toMatch(/^LISTEN\s+0\s+3\s/);
    server.close();
  });

  it("lets a server listen in one namespace, and then in another", async () => {
    const server = createServer((socket) => socket.end("hello"));
    const first = await createNamespace();
    await first.listen(server, { port: 80 });
    await first.close();
    const listeners = server.listenerCount("connection");
    await using second = await createNamespace();
    await second.listen(server, { port: 80 });
    expect(server.listenerCount("connection")).toBe(listeners + 1);
    expect(await text(await second.connect({ address: "::1", port: 80 }))).toBe("hello");
  });

  it("lets go of a namespace that nobody holds any more", async () => {
    const collect = (globalThis as { gc?: () => void }).gc ?? setFlags();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) await createNamespace();
    expect(openDescriptors()).toBeGreaterThan(before);
    const gone = () => {
      collect();
      return openDescriptors() <= before;
    };
    expect(await eventually(gone)).toBe(true);
  });

  it("carries servers of other protocols", async () => {
    await using namespace = await createNamespace();
    await namespace.listen(
      createHttpServer((_request, response) => response.end("over HTTP")),
      { port: 80 },
    );
    const socket = await namespace.connect({ address: "127.0.0.1", port: 80 });
    const [response] = await once(get({ createConnection: () => socket }), "response");
    expect(await text(response)).toBe("over HTTP");
  });

  it("connects from the local address and port it is told to", async () => {
    await using namespace = await createNamespace();
    const server = await namespace.listen({ port: 80 });
    const accepted = once(server, "connection");
    await namespace.connect({ address: "127.0.0.1", port: 80, localAddress: "127.0.0.9", localPort: 999 });
    const [socket] = await accepted;
    expect([socket.remoteAddress, socket.remotePort]).toEqual(["::ffff:127.0.0.9", 999]);
  });

  it("keeps IPv4 away from a listener that is for IPv6 only", async () => {
    await using namespace = await createNamespace();
    await namespace.listen({ port: 80, ipv6Only: true });
    await namespace.connect({ address: "::1", port: 80 });
    await expect(namespace.connect({ address: "127.0.0.1", port: 80 })).rejects.toMatchObject({
      code: "ECONNREFUSED",
      syscall: "connect",
      message: "cannot connect to 127.0.0.1:80: Connection refused (ECONNREFUSED)",
    });
  });

  it("writes its own settings, and gives the previous value", async () => {
    await using namespace = await createNamespace();
    await using other = await createNamespace();
    expect(await namespace.writeSysctl("net.ipv4.ip_default_ttl", "7")).toBe("64");
    expect(await namespace.writeSysctl("net.ipv4.ip_default_ttl", "8")).toBe("7");
    expect(await other.writeSysctl("net.ipv4.ip_default_ttl", "64")).toBe("64");
  });

  it("vanishes when it is closed", async () => {
    await using witness = await createNamespace();
    const namespace = await createNamespace();
    await createVethPair({ namespace, interface: "v0" }, { namespace: witness, interface: "v1" });
    const interfaces = async () => (await witness.exec("cat", ["/proc/net/dev"])).stdout;
    expect(await interfaces()).toContain("v1");
    await namespace.listen({ port: 80 });
    await namespace.connect({ address: "127.0.0.1", port: 80 });
    namespace.spawn("sleep", ["100"]);
    await namespace.close();
    // A veth goes with its other end, and that one with its namespace.
    expect(await eventually(async () => !(await interfaces()).includes("v1"))).toBe(true);
  });

  it("refuses to work once closed, and can be closed twice", async () => {
    const namespace = await createNamespace();
    await namespace.close();
    await namespace.close();
    expect(() => namespace.path).toThrow("closed");
    await expect(namespace.listen()).rejects.toThrow("closed");
    await expect(namespace.exec("true")).rejects.toThrow("closed");
  });

  it("does not adopt a socket that arrives after its end", async () => {
    const namespace = await createNamespace();
    const before = openDescriptors();
    const outcome = expect(namespace.listen({ port: 80 })).rejects.toThrow("closed meanwhile");
    await namespace.close();
    await outcome;
    expect(openDescriptors()).toBeLessThan(before);
  });

  it("leaves no descriptor open", async () => {
    const round = async () => {
      await using namespace = await createNamespace();
      await namespace.listen({ port: 80 });
      await namespace.connect({ address: "::1", port: 80 });
      await namespace.connect({ address: "::1", port: 81 }).catch(() => {});
      await namespace.listen({ port: 80 }).catch(() => {});
      await namespace.setLinkUp("nope").catch(() => {});
      await namespace.exec("true");
    };
    await round();
    const before = openDescriptors();
    for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 8 }, round));
    expect(await eventually(() => openDescriptors() <= before)).toBe(true);
  });
});

describe.skipIf(!isRoot)("errors of a NetworkNamespace (needs root)", () => {
  let namespace: NetworkNamespace;
  beforeAll(async () => {
    namespace = await createNamespace();
    await namespace.addAddress("lo", "192.0.2.1/24");
    await namespace.addAddress("lo", "2001:db8::1");
  });
  afterAll(() => namespace.close());

  const cases: [string, () => Promise<unknown>, object][] = [
    [
      "cannot add the address 192.0.2.1/24 to the interface lo: ipv4: Address already assigned: File exists (EEXIST)",
      () => namespace.addAddress("lo", "192.0.2.1/24"),
      { code: "system-call-failed", errno: 17, syscall: "sendto" },
    ],
    [
      "cannot add the address 2001:db8::1/128 to the interface lo: ipv6: address already assigned: File exists (EEXIST)",
      () => namespace.addAddress("lo", "2001:db8::1/128"),
      { code: "system-call-failed", errno: 17 },
    ],
    [
      'cannot add the address 192.0.2.2/32 to the interface eth7: there is no interface "eth7": No such device (ENODEV)',
      () => namespace.addAddress("eth7", "192.0.2.2"),
      { code: "system-call-failed", errno: 19 },
    ],
    [
      'cannot set the interface eth7 up: there is no interface "eth7": No such device (ENODEV)',
      () => namespace.setLinkUp("eth7"),
      { code: "system-call-failed", errno: 19 },
    ],
    [
      "cannot add the route to 10.0.0.0/8 via 10.0.0.1: Nexthop has invalid gateway: Network is unreachable (ENETUNREACH)",
      () => namespace.addRoute("10.0.0.0/8", { via: "10.0.0.1" }),
      { code: "system-call-failed", errno: 101 },
    ],
    [
      "cannot add the route to 10.0.0.0/8: it has neither a gateway nor an interface",
      () => namespace.addRoute("10.0.0.0/8", {}),
      { code: "invalid-request", errno: undefined },
    ],
    [
      "cannot add the route to 10.0.0.0/8 via ::1: the gateway is of the other IP family",
      () => namespace.addRoute("10.0.0.0/8", { via: "::1" }),
      { code: "invalid-request" },
    ],
    [
      "the prefix length 33 is not in 0 to 32",
      () => namespace.addAddress("lo", "192.0.2.2/33"),
      { code: "invalid-request" },
    ],
    [
      '"192.0.2/24" is not an IP address with a prefix length, such as 192.0.2.1/24',
      () => namespace.addAddress("lo", "192.0.2/24"),
      { name: "TypeError" },
    ],
    [
      "cannot create the veth pair lo and v1: File exists (EEXIST)",
      () => createVethPair({ namespace, interface: "lo" }, { namespace, interface: "v1" }),
      { code: "system-call-failed", errno: 17 },
    ],
    [
      "cannot write net.ipv4.nonsense: No such file or directory (ENOENT)",
      () => namespace.writeSysctl("net.ipv4.nonsense", "1"),
      { code: "sysctl", errno: 2, syscall: "open" },
    ],
    [
      '"kernel.hostname" is not a setting below net.',
      () => namespace.writeSysctl("kernel.hostname", "1"),
      { code: "invalid-request" },
    ],
    [
      '"net...kernel.hostname" is not a setting below net.',
      () => namespace.writeSysctl("net...kernel.hostname", "1"),
      { code: "invalid-request" },
    ],
    [
      "cannot connect to 203.0.113.1:80: Network is unreachable (ENETUNREACH)",
      () => namespace.connect({ address: "203.0.113.1", port: 80 }),
      { code: "ENETUNREACH", syscall: "connect" },
    ],
    [
      "cannot listen on 203.0.113.1:80: Cannot assign requested address (EADDRNOTAVAIL)",
      () => namespace.listen({ address: "203.0.113.1", port: 80 }),
      { code: "EADDRNOTAVAIL", syscall: "bind" },
    ],
    [
      "address must be an IP address, not 'localhost'",
      () => namespace.connect({ address: "localhost", port: 80 }),
      { name: "TypeError" },
    ],
    [
      "localAddress must be an IP address, not ''",
      () => namespace.connect({ address: "::1", port: 80, localAddress: "" }),
      { name: "TypeError" },
    ],
    [
      "port must be a whole number from 0 to 65535, not 65536",
      () => namespace.listen({ port: 65536 }),
      { name: "RangeError" },
    ],
    [
      "port must be a number, not undefined",
      () => namespace.connect({ address: "::1" } as ConnectOptions),
      { name: "TypeError" },
    ],
    [
      "timeoutMs must be a whole number from 0 to 2147483647, not Infinity",
      () => namespace.connect({ address: "::1", port: 80, timeoutMs: Number.POSITIVE_INFINITY }),
      { name: "RangeError" },
    ],
    [
      "uid must be a whole number from 0 to 4294967294, not 4294967295",
      () => namespace.connect({ address: "::1", port: 80, uid: 4294967295 }),
      { name: "RangeError" },
    ],
    // setpriv would take both for "unchanged", and run it as root.
    [
      "uid must be a whole number from 0 to 4294967294, not -1",
      () => namespace.exec("id", ["-u"], { uid: -1 }),
      { name: "RangeError" },
    ],
    [
      "gid must be a whole number from 0 to 4294967294, not 4294967295",
      () => namespace.exec("id", ["-g"], { gid: 4294967295 }),
      { name: "RangeError" },
    ],
    [
      "uid must be a number, not 'root'",
      () => createNamespace({ uid: "root" } as unknown as Owner),
      { name: "TypeError" },
    ],
    [
      "name must be the name of an interface, of 1 to 15 bytes, not ''",
      () => namespace.createBridge(""),
      { name: "TypeError" },
    ],
    [
      "interface must be the name of an interface, of 1 to 15 bytes, not 'longer-than-most'",
      () => createVethPair({ namespace, interface: "longer-than-most" }, { namespace, interface: "v1" }),
      { name: "TypeError" },
    ],
  ];
  it.each(cases)("%s", async (message, provoke, details) => {
    await expect(provoke()).rejects.toMatchObject({ message, ...details });
  });

  it("cannot listen on [::]:80: Address already in use (EADDRINUSE)", async () => {
    await namespace.listen({ port: 80 });
    await expect(namespace.listen({ port: 80 })).rejects.toMatchObject({
      message: "cannot listen on [::]:80: Address already in use (EADDRINUSE)",
      code: "EADDRINUSE",
    });
  });
});
