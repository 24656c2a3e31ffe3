// SPDX-License-Identifier: GPL-2.0-or-later

/** Where distributions keep the certificates that they trust, all in one file of PEM. */
const files = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine, Arch
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL and its kin, from release 7 on
  "/etc/ssl/cert.pem", // Alpine, without its package ca-certificates
];

/**
 * The certificates that this system trusts, in PEM: the first of the known files that there is. Environment variables do not
 * move it.
 *
 * @param readFile throws if a file cannot be read
 * @returns "" if there is none: then no server is trusted
 */
export function systemCertificates(readFile: (path: string) => string): string {
  for (const file of files) {
    try {
      return readFile(file);
    } catch {
      // Another distribution's.
    }
  }
  return "";
}
