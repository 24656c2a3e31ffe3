// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The text that goes with the executables: their licence, what they are linked with, and how to get the source, as
 * section 3 of the GPL, version 2, asks of who passes on executables without it.
 *
 * @typedef {import("./components.mjs").Component} Component
 * @param {{ version: string, revision?: string, contact: string, components: Component[], programs?: Component[] }} image
 *   `programs`: what is in it as Debian has compiled it
 */
export function sourceOffer({ version, revision, contact, components, programs = [] }) {
  const listed = (all) => all.map((each) => `  ${each.name} ${each.version} (${each.licence})`).join("\n");
  const list = listed(components);
  const others =
    programs.length === 0
      ? ""
      : `
Beside them there are programs as Debian 13 has compiled them, of these source packages, whose terms are there, too:

${listed(programs)}
`;
  const apache = components.some(({ name }) => name === "openssl")
    ? `
Those that are linked with OpenSSL can be passed on as a whole under version 3 of the GPL, or any later version, alone:
version 2 does not go together with the Apache License 2.0. These texts are in /usr/share/common-licenses, too.
`
    : "";
  const built = revision ? `, built from commit ${revision}` : "";
  return `sluice ${version}${built}

The executables in this image are free software: you can redistribute them and/or modify them under the terms of the
GNU General Public License as published by the Free Software Foundation, either version 2 of the License, or (at your
option) any later version. They come without any warranty. The text of the license is in
/usr/share/common-licenses/GPL-2.
${apache}
They are linked with parts of these source packages of Debian 13, whose terms are in /usr/share/doc:

${list}

iptables is the upstream archive, of which libiptc is used: libip4tc.c, libip6tc.c and libiptc.c, copyright 1999 by Paul
"Rusty" Russell and 2000 to 2004 by the Netfilter Core Team.
${others}
The source

For three years from when you got this image, ${contact} will
give anyone a complete machine-readable copy of the source of these executables, for no more than what it costs to
send it: sluice, with the scripts that build it and this image, and the source packages above. The latter are also at
https://snapshot.debian.org, under the names and versions above.
`;
}
