// SPDX-License-Identifier: GPL-2.0-or-later

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The UTF-8 bytes of a text in base64. */
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

/** The ASCII text that stands in base64url, as in the parts of a JSON web token; other bytes become other characters. */
export function decodeBase64Url(encoded: string): string {
  let decoded = "";
  let bits = 0;
  let count = 0;
  for (const digit of encoded.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "")) {
    bits = ((bits << 6) | DIGITS.indexOf(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += String.fromCharCode((bits >> count) & 0xff);
  }
  return decoded;
}
