// SPDX-License-Identifier: GPL-2.0-or-later

/** The values of Linkerd's chart that its init container is made of, with the chart's defaults (2.19). */
export const CHART = {
  disableIPv6: true,
  uid: 2102,
  gid: -1,
  inbound: 4143,
  outbound: 4140,
  control: 4190,
  admin: 4191,
  iptablesMode: "nft",
  ignoreInboundPorts: "4567,4568",
  ignoreOutboundPorts: "4567,4568",
  skipSubnets: "",
  closeWaitTimeoutSecs: 0,
  logFormat: "",
  logLevel: "",
};

/** The same for `--set`. */
export function settingsOf(chart: typeof CHART): string[] {
  const list = (text: string): string => text.replaceAll(",", "\\,");
  return [
    `disableIPv6=${chart.disableIPv6}`,
    `proxy.uid=${chart.uid},proxy.gid=${chart.gid}`,
    `proxy.ports.inbound=${chart.inbound},proxy.ports.outbound=${chart.outbound}`,
    `proxy.ports.control=${chart.control},proxy.ports.admin=${chart.admin}`,
    `proxyInit.iptablesMode=${chart.iptablesMode}`,
    `proxyInit.ignoreInboundPorts=${list(chart.ignoreInboundPorts)}`,
    `proxyInit.ignoreOutboundPorts=${list(chart.ignoreOutboundPorts)}`,
    `proxyInit.skipSubnets=${list(chart.skipSubnets)}`,
    `proxyInit.closeWaitTimeoutSecs=${chart.closeWaitTimeoutSecs},proxyInit.runAsRoot=${chart.closeWaitTimeoutSecs > 0}`,
    `proxyInit.logFormat=${chart.logFormat},proxyInit.logLevel=${chart.logLevel}`,
  ];
}

/** The arguments of the init container that Linkerd's chart renders, as its users' clusters have it. */
export function renderedArguments(chart: typeof CHART): string[] {
  const nft = ["--firewall-bin-path", "iptables-nft", "--firewall-save-bin-path", "iptables-nft-save"];
  const given = (flag: string, text: string): string[] => (text === "" ? [] : [flag, text]);
  const ignored = [chart.control, chart.admin, ...chart.ignoreInboundPorts.split(",")].filter(
    (port) => port !== "",
  );
  return [
    ...(chart.iptablesMode === "nft" ? nft : []),
    ...(chart.disableIPv6 ? ["--ipv6=false"] : []),
    ...["--incoming-proxy-port", `${chart.inbound}`, "--outgoing-proxy-port", `${chart.outbound}`],
    ...["--proxy-uid", `${chart.uid}`],
    ...(chart.gid >= 0 ? ["--proxy-gid", `${chart.gid}`] : []),
    ...["--inbound-ports-to-ignore", ignored.join(",")],
    ...given("--outbound-ports-to-ignore", chart.ignoreOutboundPorts),
    ...(chart.closeWaitTimeoutSecs > 0 ? ["--timeout-close-wait-secs", `${chart.closeWaitTimeoutSecs}`] : []),
    ...given("--log-format", chart.logFormat),
    ...given("--log-level", chart.logLevel),
    ...given("--subnets-to-ignore", chart.skipSubnets),
  ];
}

/** The container that goes with them, as the injector puts it into a pod: up to 2.19, and since. */
export function renderedContainer(
  release: "2.19" | "2.20",
  chart: typeof CHART = CHART,
): Record<string, unknown> {
  const proxyImage = release === "2.20";
  return {
    args: renderedArguments(chart),
    image: proxyImage ? "example.org/linkerd/proxy:2.20" : "example.org/linkerd/proxy-init:v2.4.3",
    ...(proxyImage ? { command: ["/usr/lib/linkerd/linkerd2-proxy-init"] } : {}),
    imagePullPolicy: "IfNotPresent",
    name: "linkerd-init",
    resources: {},
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"] },
      privileged: false,
      runAsNonRoot: true,
      runAsUser: 65534,
      runAsGroup: 65534,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: "RuntimeDefault" },
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ mountPath: "/run", name: "linkerd-proxy-init-xtables-lock" }],
  };
}
