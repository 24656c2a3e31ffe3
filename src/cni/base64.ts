// SPDX-License-Identifier: GPL-2.0-or-later

// The static executable has neither atob nor btoa.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Reads base64 (RFC 4648), also with the two characters of base64url, without padding, and with line ends in it.
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

/** The UTF-8 bytes of a text in base64 (RFC 4648), with padding. */
export function encodeBase64(text: string): string {
  // One character for each byte of UTF-8.
  const bytes = unescapeBytes(encodeURIComponent(text));
  let encoded = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = -1, c = -1] = [...bytes.slice(at, at + 3)].map((byte) => byte.charCodeAt(0));
    const bits = ((a ?? 0) << 16) | (Math.max(b, 0) << 8) | Math.max(c, 0);
    const digits = [18, 12, 6, 0].map((shift) => DIGITS.charAt((bits >> shift) & 63));
    encoded += digits
      .slice(0, c >= 0 ? 4 : b >= 0 ? 3 : 2)
      .join("")
      .padEnd(4, "=");
  }
  return encoded;
}

function unescapeBytes(escaped: string): string {
  return escaped.replace(/%(..)/g, (_, hexadecimal: string) =>
    String.fromCharCode(parseInt(hexadecimal, 16)),
  );
}
