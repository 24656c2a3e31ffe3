// SPDX-License-Identifier: GPL-2.0-or-later

// What Kubernetes' API takes of what sluice prints, so strictly that a member too many, or of another type, is an error: as
// the API server's field validation "Strict" has it.

import { Ajv, type ValidateFunction } from "ajv";

type Schema = Record<string, unknown>;

const string: Schema = { type: "string", minLength: 1 };
const text: Schema = { type: "string" };
const boolean: Schema = { type: "boolean" };
const integer: Schema = { type: "integer", minimum: 0 };
const name: Schema = { type: "string", pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", maxLength: 63 };
const port: Schema = { type: "integer", minimum: 1, maximum: 65535 };
const list = (items: Schema): Schema => ({ type: "array", items });
const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
const object = (properties: Record<string, Schema>, ...required: string[]): Schema => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

const quantities = object({ cpu: text, memory: text, "ephemeral-storage": text });
const probe = object(
  {
    httpGet: object({ path: string, port: { anyOf: [name, port] } }, "path", "port"),
    failureThreshold: integer,
  },
  "httpGet",
);
const securityContext: Schema = {
  ...object({
    allowPrivilegeEscalation: boolean,
    capabilities: object({ add: list(string), drop: list(string) }),
    privileged: boolean,
    readOnlyRootFilesystem: boolean,
    runAsGroup: integer,
    runAsNonRoot: boolean,
    runAsUser: integer,
    seccompProfile: object({ type: { enum: ["RuntimeDefault", "Unconfined"] } }, "type"),
  }),
  // The API server refuses these.
  not: {
    anyOf: [
      {
        properties: { allowPrivilegeEscalation: { const: false }, privileged: { const: true } },
        required: ["privileged"],
      },
      {
        properties: { runAsNonRoot: { const: true }, runAsUser: { const: 0 } },
        required: ["runAsNonRoot", "runAsUser"],
      },
    ],
  },
};
const container = object(
  {
    name,
    image: { type: "string", pattern: "^\\S+[:@]\\S+$" },
    imagePullPolicy: { enum: ["Always", "IfNotPresent", "Never"] },
    command: list(text),
    args: list(text),
    env: list(
      object(
        {
          name: string,
          valueFrom: object(
            { configMapKeyRef: object({ name, key: string }, "name", "key") },
            "configMapKeyRef",
          ),
        },
        "name",
      ),
    ),
    ports: list(object({ name: { type: "string", maxLength: 15 }, containerPort: port }, "containerPort")),
    livenessProbe: probe,
    readinessProbe: probe,
    resources: object({ limits: quantities, requests: quantities }),
    securityContext,
    terminationMessagePolicy: { enum: ["File", "FallbackToLogsOnError"] },
    volumeMounts: list(
      object({ name, mountPath: { type: "string", pattern: "^/[^:]*$" } }, "name", "mountPath"),
    ),
  },
  "name",
  "image",
);
const volume = object(
  {
    name,
    emptyDir: object({}),
    hostPath: object({ path: string, type: { const: "DirectoryOrCreate" } }, "path"),
  },
  "name",
);
const podSpec = object(
  {
    tolerations: list(object({ operator: { const: "Exists" } }, "operator")),
    nodeSelector: map(text),
    securityContext: object({ seccompProfile: object({ type: string }, "type") }),
    serviceAccountName: name,
    priorityClassName: name,
    restartPolicy: { enum: ["Always", "OnFailure", "Never"] },
    automountServiceAccountToken: boolean,
    initContainers: list(container),
    containers: { ...list(container), minItems: 1 },
    volumes: list(volume),
  },
  "containers",
);
const metadata = object({ name, namespace: name, labels: map(text), annotations: map(text) });
const rbac = "rbac.authorization.k8s.io";
const rule = object(
  { apiGroups: list(text), resources: list(string), resourceNames: list(string), verbs: list(string) },
  "apiGroups",
  "resources",
  "verbs",
);
const roleRef = object({ apiGroup: { const: rbac }, kind: string, name }, "apiGroup", "kind", "name");
const subjects = list(
  object({ kind: { const: "ServiceAccount" }, name, namespace: name }, "kind", "name", "namespace"),
);
const daemonSetSpec = object(
  {
    revisionHistoryLimit: integer,
    selector: object({ matchLabels: map(text) }, "matchLabels"),
    updateStrategy: object({
      type: { enum: ["RollingUpdate", "OnDelete"] },
      rollingUpdate: object({
        maxUnavailable: { anyOf: [integer, { type: "string", pattern: "^[0-9]+%$" }] },
      }),
    }),
    template: object({ metadata, spec: podSpec }, "metadata", "spec"),
  },
  "selector",
  "template",
);

function resource(apiVersion: string, kind: string, members: Record<string, Schema>): [string, Schema] {
  const properties = { apiVersion: { const: apiVersion }, kind: { const: kind }, metadata, ...members };
  return [kind, object(properties, "apiVersion", "kind", "metadata", ...Object.keys(members))];
}

const ajv = new Ajv({ allErrors: true });
const validators = new Map<string, ValidateFunction>(
  [
    resource("v1", "Namespace", {}),
    resource("v1", "ServiceAccount", {}),
    resource("v1", "ConfigMap", { data: map(text) }),
    resource("v1", "Pod", { spec: podSpec }),
    resource("apps/v1", "DaemonSet", { spec: daemonSetSpec }),
    resource(`${rbac}/v1`, "Role", { rules: list(rule) }),
    resource(`${rbac}/v1`, "ClusterRole", { rules: list(rule) }),
    resource(`${rbac}/v1`, "RoleBinding", { roleRef, subjects }),
    resource(`${rbac}/v1`, "ClusterRoleBinding", { roleRef, subjects }),
  ].map(([kind, schema]) => [kind, ajv.compile(schema)]),
);
const validateContainer = ajv.compile(container);

/** What is wrong with a resource: for each problem its place and what it is. */
export function problemsOf(data: unknown): string[] {
  const kind = String(Object(data).kind);
  const validate = validators.get(kind);
  return validate === undefined ? [`no schema for ${kind}`] : problems(validate, data);
}

/** The same for one container. */
export function problemsOfContainer(data: unknown): string[] {
  return problems(validateContainer, data);
}

function problems(validate: ValidateFunction, data: unknown): string[] {
  validate(data);
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath}: ${message} ${JSON.stringify(params)}`;
  });
}
