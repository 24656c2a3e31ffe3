// SPDX-License-Identifier: GPL-2.0-or-later

/** What the installer counts. */
export interface Figures {
  readonly version: string;
  readonly ready: boolean;
  /** How often it has looked, by what came of it. */
  readonly reconciliations: Readonly<Record<"changed" | "unchanged" | "waiting" | "failed", number>>;
  readonly rewrites: number;
  /** Seconds since 1970. */
  readonly tokenExpiry: number | undefined;
  /** Seconds since 1970. */
  readonly lastSuccess: number | undefined;
}

interface Metric {
  /** Without what all have in front. */
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly help: string;
  /** With the labels of each. */
  readonly samples: readonly (readonly [labels: string, value: number])[];
}

/** The figures in Prometheus's text format 0.0.4. What is not known yet is left out. */
export function metricsText(figures: Figures): string {
  return metricsOf(figures)
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, kind, help, samples }) => {
      const full = `sluice_cni_installer_${name}`;
      const lines = samples.map(([labels, value]) => `${full}${labels} ${value}\n`);
      return `# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n${lines.join("")}`;
    })
    .join("");
}

function metricsOf(figures: Figures): readonly Metric[] {
  return [
    {
      name: "build_info",
      kind: "gauge",
      help: "The version of the installer.",
      samples: [[`{version=${JSON.stringify(figures.version)}}`, 1]],
    },
    {
      name: "ready",
      kind: "gauge",
      help: "Whether the executable, the kubeconfig and the entry in the active configuration are in place.",
      samples: [["", figures.ready ? 1 : 0]],
    },
    {
      name: "reconciliations_total",
      kind: "counter",
      help: "How often the node was looked at, by what came of it.",
      samples: Object.entries(figures.reconciliations).map(([result, count]) => [
        `{result="${result}"}`,
        count,
      ]),
    },
    {
      name: "configuration_rewrites_total",
      kind: "counter",
      help: "How often a CNI configuration was written, also because another program had written it.",
      samples: [["", figures.rewrites]],
    },
    gauge("token_expiry_timestamp_seconds", "When the token in the kubeconfig expires.", figures.tokenExpiry),
    gauge(
      "last_success_timestamp_seconds",
      "When everything was last found, or put, in place.",
      figures.lastSuccess,
    ),
  ];
}

function gauge(name: string, help: string, value: number | undefined): Metric {
  return { name, kind: "gauge", help, samples: value === undefined ? [] : [["", value]] };
}
