// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from "vitest";
import { readKubeconfig } from "../../../src/cni/api/kubeconfig.ts";
import { encodeBase64 } from "../../../src/cni/base64.ts";
import { EntryError, parseEntry } from "../../../src/cni/installer/entry.ts";
import { kubeconfigText, serverUrl } from "../../../src/cni/installer/kubeconfig.ts";
import { metricsText } from "../../../src/cni/installer/metrics.ts";
import { FakeHost } from "../../cli/fake-host.ts";

const PLACEHOLDERS = { kubeconfig: "/net/kubeconfig", host: "fd00::1", port: "6443" };

describe("the entry", () => {
  it("has what the installer knows in the place of placeholders, and no token", () => {
    const text = JSON.stringify({
      type: "linkerd-cni",
      policy: { root: "https://__KUBERNETES_SERVICE_HOST__:__KUBERNETES_SERVICE_PORT__" },
      kubernetes: { kubeconfig: "__KUBECONFIG_FILEPATH__", others: ["__SERVICEACCOUNT_TOKEN__"] },
    });
    expect(parseEntry(text, PLACEHOLDERS)).toEqual({
      type: "linkerd-cni",
      value: {
        type: "linkerd-cni",
        policy: { root: "https://fd00::1:6443" },
        kubernetes: { kubeconfig: "/net/kubeconfig", others: ["__SERVICEACCOUNT_TOKEN__"] },
      },
    });
  });

  it.each([
    ["{", "is not JSON"],
    ["[]", "is not an object in JSON"],
    ["{}", "has no type, which names the plugin's executable"],
    ['{"type":"a/b"}', 'type: "a/b" is no name of an executable'],
    ['{"type":".."}', 'type: ".." is no name of an executable'],
    ['{"type":1}', "type: 1 is no name of an executable"],
  ])("%s %s", (text, message) => {
    expect(() => parseEntry(text, PLACEHOLDERS)).toThrow(new EntryError(message));
  });
});

it("a URL has an IPv6 address in brackets", () => {
  expect(serverUrl("fd00::1", "443")).toBe("https://[fd00::1]:443");
  expect(serverUrl("10.96.0.1", "443")).toBe("https://10.96.0.1:443");
});

it("base64 is that of the text's UTF-8", () => {
  for (const text of ["", "a", "ab", "abc", "-----BEGIN\n", "äöü€😀"]) {
    expect(encodeBase64(text)).toBe(Buffer.from(text, "utf8").toString("base64"));
  }
});

it("the kubeconfig is one that the plugin reads", async () => {
  const server = "https://[fd00::1]:443";
  const text = kubeconfigText({ server, token: 'a"b\\c', certificateAuthority: "PEM\n" });
  const read = await readKubeconfig(new FakeHost([], undefined, {}, { "/k": text }), "/k");
  expect(read).toMatchObject({ server, token: 'a"b\\c', ca: "PEM\n", insecure: false });
});

it("metrics are in Prometheus's text format, and leave out what is not known", () => {
  const reconciliations = { changed: 1, unchanged: 2, waiting: 3, failed: 4 };
  const figures = { version: "1.0", ready: true, reconciliations, rewrites: 5 };
  const text = metricsText({ ...figures, tokenExpiry: undefined, lastSuccess: 1700000000 });
  expect(text).toMatchInlineSnapshot(`
    "# HELP sluice_cni_installer_build_info The version of the installer.
    # TYPE sluice_cni_installer_build_info gauge
    sluice_cni_installer_build_info{version="1.0"} 1
    # HELP sluice_cni_installer_ready Whether the executable, the kubeconfig and the entry in the active configuration are in place.
    # TYPE sluice_cni_installer_ready gauge
    sluice_cni_installer_ready 1
    # HELP sluice_cni_installer_reconciliations_total How often the node was looked at, by what came of it.
    # TYPE sluice_cni_installer_reconciliations_total counter
    sluice_cni_installer_reconciliations_total{result="changed"} 1
    sluice_cni_installer_reconciliations_total{result="unchanged"} 2
    sluice_cni_installer_reconciliations_total{result="waiting"} 3
    sluice_cni_installer_reconciliations_total{result="failed"} 4
    # HELP sluice_cni_installer_configuration_rewrites_total How often a CNI configuration was written, also because another program had written it.
    # TYPE sluice_cni_installer_configuration_rewrites_total counter
    sluice_cni_installer_configuration_rewrites_total 5
    # HELP sluice_cni_installer_last_success_timestamp_seconds When everything was last found, or put, in place.
    # TYPE sluice_cni_installer_last_success_timestamp_seconds gauge
    sluice_cni_installer_last_success_timestamp_seconds 1700000000
    "
  `);
});
