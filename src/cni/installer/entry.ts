// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../../policy/error.ts";
import { CniError } from "../error.ts";
import { Fields } from "../fields.ts";
import { readConfig } from "../network-config.ts";
import { NEWEST } from "../version.ts";

/** The plugin's entry in a node's configuration. */
export interface Entry {
  /** The name of its executable, by which the entry is known again. */
  readonly type: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What stands for what only the installer knows. */
export interface Placeholders {
  /** Where the runtime finds the kubeconfig. */
  readonly kubeconfig: string;
  /** Of the API server, as the pod's environment has them. */
  readonly host: string;
  readonly port: string;
}

/** An entry that cannot be used; the message says what is wrong with it. */
export class EntryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EntryError";
  }
}

/**
 * Reads the entry. Placeholders in its texts are filled in; that of the service account's token stays, because nothing reads it, and
 * the file is everybody's to read.
 *
 * @throws {EntryError}
 */
export function parseEntry(text: string, placeholders: Placeholders): Entry {
  const value = parseObject(text);
  const { type } = value;
  if (type === undefined) throw new EntryError("has no type, which names the plugin's executable");
  if (typeof type !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(type)) {
    throw new EntryError(`type: ${show(type)} is no name of an executable`);
  }
  return { type, value: Object.fromEntries(fillMembers(value, placeholders)) };
}

/**
 * Makes sure that the plugin takes the entry: with one that it refuses, no pod of the node would start any more, nor end.
 *
 * @throws {EntryError}
 */
export function checkEntry({ value }: Entry): void {
  try {
    // The runtime gives it the name and the version of the list.
    readConfig(Fields.of({ ...value, cniVersion: NEWEST, name: "any" }));
  } catch (error) {
    throw error instanceof CniError ? new EntryError(error.message) : error;
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EntryError("is not JSON");
  }
  if (!isObject(value)) throw new EntryError("is not an object in JSON");
  return value;
}

/** Whether a value out of JSON is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fill(value: unknown, placeholders: Placeholders): unknown {
  if (typeof value === "string") {
    return value
      .replaceAll("__KUBECONFIG_FILEPATH__", placeholders.kubeconfig)
      .replaceAll("__KUBERNETES_SERVICE_HOST__", placeholders.host)
      .replaceAll("__KUBERNETES_SERVICE_PORT__", placeholders.port);
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, placeholders));
  return isObject(value) ? Object.fromEntries(fillMembers(value, placeholders)) : value;
}

function fillMembers(value: object, placeholders: Placeholders): [string, unknown][] {
  return Object.entries(value).map(([key, member]) => [key, fill(member, placeholders)]);
}
