// SPDX-License-Identifier: GPL-2.0-or-later

// libcurl for the static executables that ask over HTTPS. Debian's own static library of it needs libraries of which there
// are none, and glibc's resolver, which loads others when it runs. So it is compiled from Debian's source package: HTTPS
// alone, on OpenSSL and c-ares.

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { keepTree, removeTrees, unpackKept } from "../debian/cache.mjs";
import { fetchSource, runFor } from "../debian/source.mjs";
import { runStep } from "./compile.mjs";

const repository = join(import.meta.dirname, "../..");

/**
 * Where the sources are, relative to the repository: sources/, with Debian's changes in sources/debian, if the mirror has them;
 * in VERSION the package's version, or without those changes the upstream's.
 */
export const curl = "build/curl";
/** What it is linked with. */
export const librariesOfCurl = ["-lcares", "-lssl", "-lcrypto"];

const optionsOff = [
  // Other protocols.
  ...[
    "dict",
    "file",
    "ftp",
    "gopher",
    "imap",
    "ipfs",
    "ldap",
    "ldaps",
    "mqtt",
    "pop3",
    "rtsp",
    "smb",
    "smtp",
  ],
  ...["telnet", "tftp", "websockets"],
  // What would act on what is not in a request: a proxy, ~/.netrc, openssl.cnf.
  ...["proxy", "netrc", "openssl-auto-load-config"],
  // What a GET does not need.
  ...[
    "alt-svc",
    "aws",
    "basic-auth",
    "bearer-auth",
    "bindlocal",
    "cookies",
    "dateparse",
    "digest-auth",
    "dnsshuffle",
  ],
  ...[
    "doh",
    "ech",
    "form-api",
    "get-easy-options",
    "headers-api",
    "hsts",
    "http-auth",
    "httpsrr",
    "kerberos-auth",
  ],
  ...["mime", "negotiate-auth", "ntlm", "progress-meter", "sha512-256", "socketpair", "ssls-export"],
  ...["threaded-resolver", "tls-srp", "unix-sockets", "verbose"],
  ...["dependency-tracking", "docs", "libcurl-option", "manual", "shared"],
];
const without = [
  ...["brotli", "ca-bundle", "ca-fallback", "ca-path", "libgsasl", "libidn2", "libpsl", "librtmp", "libssh"],
  ...["libssh2", "nghttp2", "nghttp3", "zlib", "zstd"],
];
const configuration = [
  "--quiet",
  ...["--enable-ares", "--enable-static", "--with-openssl"],
  ...optionsOff.map((name) => `--disable-${name}`),
  ...without.map((name) => `--without-${name}`),
];

/** Makes $1, with libcurl.a and include/, of the sources in $1.sources. $4 makes it run anew for another version. */
const script = `
folder=$PWD/$1 triplet=$2 flags=$3
shift 4
cd "$folder.sources"
if [ -f debian/patches/series ]; then
  sed 's/[[:space:]]*#.*//; /^$/d' debian/patches/series >series
  while read -r name; do patch -s -p1 -i "debian/patches/$name" >&2; done <series
fi
mkdir objects
cd objects
../configure --host="$triplet" CC="$triplet-gcc" CFLAGS="$flags" "$@" >log 2>&1 || { cat log >&2; exit 1; }
make -s -C lib libcurl.la >log 2>&1 || { cat log >&2; exit 1; }
mkdir "$folder"
mv lib/.libs/libcurl.a "$folder"
mv ../include "$folder"
`;

/**
 * Gets the sources, unless they are there.
 *
 * @param {string} suite Debian's release
 */
export function ensureCurl(suite) {
  const destination = join(repository, curl);
  if (existsSync(join(destination, "VERSION"))) return;
  const partial = `${destination}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const archives = join(partial, "archives");
  if (!unpackKept("curl-sources.tar", archives)) {
    console.log(`standalone: sources of libcurl: Debian ${suite}`);
    const folder = join(partial, "apt");
    const found = Object.values(fetchSource("curl", { suite, folder, changes: true }));
    mkdirSync(archives);
    for (const name of found) renameSync(join(folder, name), join(archives, name));
    keepTree("curl-sources.tar", archives);
    rmSync(folder, { recursive: true });
  }
  const names = readdirSync(archives).sort(); // curl_8.14.1-2.debian.tar.xz before curl_8.14.1.orig.tar.gz
  const sources = join(partial, "sources");
  mkdirSync(sources);
  for (const name of names) {
    const whole = name.includes(".orig.") ? ["--strip-components=1"] : [];
    const args = ["-xf", join(archives, name), "-C", sources, "--no-same-owner", ...whole];
    runFor("curl", "tar", args, partial);
  }
  const version = /^curl_(.*)\.(?:debian|orig)\.tar/.exec(names[0])?.[1];
  writeFileSync(join(partial, "VERSION"), `${version}\n`);
  rmSync(archives, { recursive: true });
  rmSync(destination, { recursive: true, force: true });
  renameSync(partial, destination);
}

/** The version of the sources. */
export const curlVersion = () => readFileSync(join(repository, curl, "VERSION"), "utf8").trim();

/**
 * Compiles libcurl, unless that is done, here or in another clone.
 *
 * @param {import("./toolchain.mjs").Toolchain} toolchain of this machine
 * @param {{ triplet: string, work: string, flags: string[] }} target where to, relative to the repository
 * @returns {Promise<string>} the archive, relative to the repository; beside it is the folder include
 */
export async function buildLibcurl(toolchain, { triplet, work, flags }) {
  const folder = `${work}/curl`;
  const absolute = join(toolchain.directory, folder);
  const sources = `${absolute}.sources`;
  const archive = `${folder}/libcurl.a`;
  const parameters = [folder, triplet, flags.join(" "), curlVersion(), ...configuration];
  const args = ["-ec", script, "sh", ...parameters];
  const digest = createHash("sha256").update(JSON.stringify([toolchain.identity, args]));
  const identity = digest.digest("hex");
  const kept = `libcurl-${triplet}.tar`;

  const build = async (command, words) => {
    removeTrees(absolute, sources);
    if (unpackKept(kept, absolute)) {
      if (readFileSync(join(absolute, "IDENTITY"), "utf8") === identity) return "";
      removeTrees(absolute);
    }
    console.log(`standalone: compiles libcurl ${curlVersion()} for ${triplet} (once, about a minute)`);
    cpSync(join(repository, curl, "sources"), sources, { recursive: true });
    await toolchain.run(command, words);
    removeTrees(sources);
    writeFileSync(join(absolute, "IDENTITY"), identity);
    keepTree(kept, absolute);
    return "";
  };
  const step = { output: archive, inputs: [], command: "sh", args };
  await runStep({ ...toolchain, run: build }, step);
  return archive;
}
