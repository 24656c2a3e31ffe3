// SPDX-License-Identifier: GPL-2.0-or-later

export interface ProxyOptions {
  /** The ports to listen on, of every address. */
  inbound: number;
  outbound: number;
  /** Whom to run as once the ports are open. */
  uid: number;
  gid: number;
  /** What a mesh's control plane knows: which endpoint answers for a cluster IP. */
  services: Record<string, string>;
}

/** One connection, as the proxy reports it: a JSON line. */
export interface ProxyRecord {
  direction: "inbound" | "outbound";
  clientPort: number;
  /** Null: nobody redirected the connection. */
  original: string | null;
  forwardedTo: string | null;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** "198.51.100.2:8080", "[2001:db8::1]:8080". */
export function endpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export function parseEndpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}
