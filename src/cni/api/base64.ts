// SPDX-License-Identifier: GPL-2.0-or-later

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Reads base64 (RFC 4648), also with the two characters of base64url, without padding, and with line ends in it. The static
 * executable has no atob.
 *
 * @returns A character from U+0000 to U+00FF for each byte; undefined: it is no base64.
 * @example
 * decodeBase64("aGk="); // "hi"
 */
export function decodeBase64(text: string): string | undefined {
  const digits = text
    .replace(/\s+/g, "")
    .replace(/-/g, "+")
    .replace(/_/g, "/")
    .replace(/={1,2}$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) return undefined;
  let bytes = "";
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    held = ((held << 6) | DIGITS.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += String.fromCharCode((held >> bits) & 0xff);
  }
  return bytes;
}
