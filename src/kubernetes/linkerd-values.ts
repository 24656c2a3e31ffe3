// SPDX-License-Identifier: GPL-2.0-or-later

import { imageOf, modeOf } from "./init-container.ts";
import { IMAGE, INIT_PULL_POLICY, INIT_VALUES, MODE, RESOURCES, VERSION } from "./init-values.ts";
import { BOOLEAN, IMAGE_NAME, IMAGE_VERSION } from "./value-kinds.ts";
import { type Value, ValueError, type Values, value } from "./values.ts";

/** How sluice gets into a Linkerd install. */
export type Way =
  /** Up to 2.19: the chart has a value for the init container's image. */
  | "init-image"
  /** Since 2.20: the init container runs from the proxy's image, so that an image made from it has to have ours in it. */
  | "proxy-image"
  /** The pods have no init container: sluice-cni writes the rules. */
  | "cni";

const CNI_ENABLED = value(
  "cniEnabled",
  BOOLEAN,
  "false",
  "Whether a CNI plugin writes the rules (sluice manifest cni)",
);
const PROXY_IMAGE = value(
  "proxy.image.name",
  IMAGE_NAME,
  "linkerd-proxy-with-sluice",
  "From 2.20 on: the image made from Linkerd's proxy image",
);
const PROXY_IMAGE_VERSION = value(
  "proxy.image.version",
  IMAGE_VERSION,
  "",
  "Its tag; empty: Linkerd's own version",
);

/** All that `sluice manifest linkerd` knows. */
export const LINKERD_VALUES: readonly Value<unknown>[] = [
  ...INIT_VALUES,
  CNI_ENABLED,
  PROXY_IMAGE,
  PROXY_IMAGE_VERSION,
];

/**
 * Which way it is for a version of Linkerd: `2.19`, `stable-2.14.10`. CNI mode is the same in all of them.
 *
 * @returns undefined for what is no version of Linkerd 2, such as an edge release, whose date says nothing of its chart.
 */
export function wayInto(linkerd: string, values: Values): Way | undefined {
  if (values.value(CNI_ENABLED)) return "cni";
  const [, minor] = /^(?:stable-|v)?2\.([0-9]{1,3})(?:\.[0-9]+)?$/.exec(linkerd) ?? [];
  if (minor === undefined) return undefined;
  return Number(minor) < 20 ? "init-image" : "proxy-image";
}

/**
 * What a values file for Linkerd's chart has to say: the image, and every value that was set.
 *
 * @throws {ValueError} for a value that this chart has not.
 */
export function linkerdValues(way: Way, values: Values, version: string): object {
  const said = LINKERD_VALUES.filter((each) => values.given(each) && each !== MODE && each !== CNI_ENABLED);
  for (const each of said) checkKnown(each, way);
  const members = new Map(said.map((each) => [each.key, chartValue(values.value(each))]));
  const mode = values.value(MODE);
  if (mode === "nftables") {
    throw new ValueError(
      `${MODE.key}: Linkerd's chart can say nft or legacy; sluice inject and the CNI plugin know nftables`,
    );
  }
  if (mode !== "") members.set("proxyInit.iptablesMode", modeOf(values));
  if (way === "cni") members.set(CNI_ENABLED.key, true);
  if (way !== "cni") {
    const { name, tag } = chartImage(way, values, version);
    const [image, itsVersion] = WITH_IMAGE[way];
    members.set(image.key, name);
    if (tag !== "") members.set(itsVersion.key, tag);
  }
  return nested(members);
}

/** The values that name the image. */
const WITH_IMAGE = {
  "init-image": [IMAGE, VERSION],
  "proxy-image": [PROXY_IMAGE, PROXY_IMAGE_VERSION],
} as const;

/** The two parts between which Linkerd's templates put a colon; so of a digest, `sha256` belongs to the name. */
function chartImage(
  way: Exclude<Way, "cni">,
  values: Values,
  version: string,
): { name: string; tag: string } {
  const [image, itsVersion] = WITH_IMAGE[way];
  const name = values.value(image);
  const tag = values.value(itsVersion) || (way === "init-image" ? version : "");
  const [, digest] = /^sha256:(.*)$/.exec(tag) ?? [];
  return digest === undefined ? { name, tag } : { name: `${name}@sha256`, tag: digest };
}

/**
 * Annotations for a namespace, or the pods of one workload, that try it there and nowhere else.
 *
 * @throws {ValueError} for a value that was set and is not of the image.
 */
export function linkerdAnnotations(way: Exclude<Way, "cni">, values: Values, version: string): object {
  refuseOthers(values, WITH_IMAGE[way], "the annotations say the image alone");
  const { name, tag } = chartImage(way, values, version);
  const [ofName, ofTag] =
    way === "init-image" ? ["init-image", "init-image-version"] : ["proxy-image", "proxy-version"];
  return {
    metadata: {
      annotations: {
        [`config.linkerd.io/${ofName}`]: name,
        ...(tag === "" ? {} : { [`config.linkerd.io/${ofTag}`]: tag }),
      },
    },
  };
}

/**
 * What makes an image for 2.20 from Linkerd's: COPY keeps the file capabilities.
 *
 * @throws {ValueError} for a value that was set and is of no image.
 */
export function linkerdDockerfile(values: Values, version: string): string {
  const images = Object.values(WITH_IMAGE).flat();
  refuseOthers(values, images, "the Dockerfile says the images alone");
  const ours = imageOf(values.value(IMAGE), values.value(VERSION) || version);
  const folder = "/usr/lib/linkerd";
  const files = ["linkerd2-proxy-init", "linkerd2-network-validator"].map((file) => `${folder}/${file}`);
  return `# The proxy image of the Linkerd that is installed, with its tag.
ARG LINKERD_PROXY
FROM ${ours} AS sluice
FROM \${LINKERD_PROXY}
COPY --from=sluice ${files.join(" ")} ${folder}/
`;
}

/** What is set counts, or is an error. */
function refuseOthers(values: Values, known: readonly Value<unknown>[], why: string): void {
  const other = LINKERD_VALUES.find((each) => values.given(each) && !known.includes(each));
  if (other !== undefined) throw new ValueError(`${other.key}: changes nothing here, ${why}`);
}

/** The charts differ in which images they have, and since 2.16 the init container has the proxy's resources. */
function checkKnown(said: Value<unknown>, way: Way): void {
  const ofInitImage: Value<unknown>[] = [
    IMAGE,
    VERSION,
    INIT_PULL_POLICY,
    ...RESOURCES.map(({ ofInit }) => ofInit),
  ];
  const ofProxyImage: Value<unknown>[] = [PROXY_IMAGE, PROXY_IMAGE_VERSION];
  if (way !== "init-image" && ofInitImage.includes(said)) {
    throw new ValueError(`${said.key}: is no value of this chart, whose init container is the proxy's image`);
  }
  if (way === "init-image" && ofProxyImage.includes(said)) {
    throw new ValueError(`${said.key}: is for 2.20 and later; up to 2.19 it is ${IMAGE.key}`);
  }
}

/** Lists are text with commas in the chart, and a group that does not matter is -1. */
function chartValue(read: unknown): unknown {
  return Array.isArray(read) ? read.join(",") : (read ?? -1);
}

/** `a.b` becomes a member b of a map a. */
function nested(members: ReadonlyMap<string, unknown>): object {
  const heads = new Set([...members.keys()].map((key) => key.split(".")[0] ?? ""));
  return Object.fromEntries(
    [...heads].map((head) => {
      if (members.has(head)) return [head, members.get(head)];
      const inside = [...members].filter(([key]) => key.startsWith(`${head}.`));
      return [head, nested(new Map(inside.map(([key, member]) => [key.slice(head.length + 1), member])))];
    }),
  );
}
