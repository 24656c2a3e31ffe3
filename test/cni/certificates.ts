// SPDX-License-Identifier: GPL-2.0-or-later

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Whom a certificate is for, and for how long. */
export interface Subject {
  /** Kubernetes takes a client's user from it. */
  readonly commonName: string;
  /** Kubernetes takes a client's groups from it. */
  readonly organization?: string;
  /** As OpenSSL writes them: "DNS:kubernetes", "IP:127.0.0.1". */
  readonly alternativeNames?: readonly string[];
  /** Days from today on; negative, down to -9: it has run out. Default: 1. */
  readonly days?: number;
}

/** A certificate authority, made by the program openssl. */
export class CertificateAuthority {
  private constructor(private readonly own: KeyPair) {}

  static create(commonName: string): CertificateAuthority {
    return new CertificateAuthority(
      inFolder((path) => {
        const subject = ["-subj", `/CN=${commonName}`, "-days", "1"];
        const usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        const extensions = ["-addext", "basicConstraints=critical,CA:TRUE", ...usage];
        openssl("req", "-x509", ...newKey(path), ...subject, ...extensions, "-out", path("certificate"));
        return read(path);
      }),
    );
  }

  /** What is to be trusted, in PEM. */
  get certificate(): string {
    return this.own.certificate;
  }

  /** @param purpose what the certificate may be used for */
  issue(subject: Subject, purpose: "serverAuth" | "clientAuth"): KeyPair {
    const { commonName, organization, alternativeNames = [], days = 1 } = subject;
    return inFolder((path) => {
      const names = organization === undefined ? "" : `/O=${organization}`;
      openssl("req", ...newKey(path), "-subj", `${names}/CN=${commonName}`, "-out", path("request"));
      const lines = ["basicConstraints=CA:FALSE", `extendedKeyUsage=${purpose}`];
      if (alternativeNames.length > 0) lines.push(`subjectAltName=${alternativeNames.join(",")}`);
      writeFileSync(path("extensions"), lines.join("\n"));
      writeFileSync(path("ca"), this.own.certificate);
      writeFileSync(path("ca-key"), this.own.key);
      writeFileSync(path("index"), "");
      writeFileSync(path("settings"), settings(path));
      const authority = ["-cert", path("ca"), "-keyfile", path("ca-key")];
      // `openssl x509` of 3.4 and later refuses an end before today.
      const now = Date.now();
      const validity = ["-startdate", date(now - 10 * DAY_MS), "-enddate", date(now + days * DAY_MS)];
      const files = ["-in", path("request"), "-extfile", path("extensions"), "-out", path("certificate")];
      openssl("ca", "-batch", "-notext", "-config", path("settings"), ...authority, ...validity, ...files);
      return read(path);
    });
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** As `openssl ca` takes it: 20261129103000Z. */
const date = (time: number): string => new Date(time).toISOString().replace(/\.\d+|[-:T]/g, "");

/** `openssl ca` has no options for these. */
const settings = (path: Path): string =>
  [
    ...["[ca]", "default_ca = own", "[own]", "default_md = sha256", "policy = any", "rand_serial = yes"],
    ...[`database = ${path("index")}`, `new_certs_dir = ${path("")}`],
    ...["[any]", "organizationName = optional", "commonName = supplied", ""],
  ].join("\n");

type Path = (name: string) => string;

/** What kubeadm makes, but for the size of the key: RSA takes its time. */
const newKey = (path: Path): string[] => {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  return [...curve, "-noenc", "-keyout", path("key")];
};

const read = (path: Path): KeyPair => ({
  certificate: readFileSync(path("certificate"), "utf8"),
  key: readFileSync(path("key"), "utf8"),
});

function openssl(...args: string[]): void {
  // Without the system's openssl.cnf: `req` adds what that says, and it differs.
  const env = { ...process.env, OPENSSL_CONF: "/dev/null" };
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", env });
}

function inFolder<T>(make: (path: Path) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "sluice-certificates-"));
  try {
    return make((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
