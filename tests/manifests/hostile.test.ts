// Damaged manifests end in errors with a place, or in a cluster; never in an exception.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configure } from "../../js/manifests/configuration.ts";
import { loadManifests, loadObjects } from "../../js/manifests/load.ts";
import { touches } from "../../js/manifests/notevaluated.ts";
import { realise } from "../../js/realise.ts";
import { seededRandom } from "../../js/sim/random.ts";
import { runs } from "../runs.ts";

const BASE = `apiVersion: v1
kind: Service
metadata: {name: a, labels: {x: "1"}}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {app: a}
  ports: [{name: http, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  replicas: 2
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      tolerations: [{key: k, operator: Exists}]
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]}]}}}
      containers: [{name: c, ports: [{name: http, containerPort: 8080, hostPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: p, uid: u}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {phase: Running, podIP: 10.244.0.9, podIPs: [{ip: 10.244.0.9}], hostIP: 192.0.2.11}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.9], conditions: {ready: true}}]
ports: [{name: http, port: 80, protocol: TCP}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: policy}
spec: {endpointSelector: {matchLabels: {app: a}, matchExpressions: [{key: a, operator: In, values: [b]}]}}
`;

const WORDS = [
	"null",
	"[]",
	"{}",
	"-1",
	"70000",
	"yes",
	'""',
	"10.0.0.0/8",
	"a: b",
	"*x",
	"&x y",
	"!!int z",
	"__proto__",
	"\t",
	"- ",
	"'",
	"|",
	"999999999999999999999",
	"None",
];

function survives(load: () => ReturnType<typeof loadManifests>): void {
	const loaded = load();
	if (loaded.errors.length > 0) {
		for (const error of loaded.errors) expect(error.message).toMatch(/\S/);
		return;
	}
	for (const policy of loaded.notEvaluated) touches(policy, { namespace: "default", labels: { app: "a" } });
	const { configuration } = configure(loaded.objects);
	realise(loaded.objects, configuration, seededRandom(1));
}

describe("hostile manifests", () => {
	it("with words of the text replaced", () => {
		const words = [...BASE.matchAll(/[^\s,{}[\]:]+/g)];
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.nat(words.length - 1), fc.constantFrom(...WORDS)), { minLength: 1, maxLength: 3 }),
				(edits) => {
					let text = BASE;
					for (const [index, word] of edits.sort((a, b) => b[0] - a[0])) {
						const match = words[index];
						if (match !== undefined)
							text = text.slice(0, match.index) + word + text.slice(match.index + match[0].length);
					}
					survives(() => loadManifests([{ name: "x", text }]));
				},
			),
			runs(200),
		);
	});

	it("with values of the objects replaced", () => {
		const objects = loadManifests([{ name: "x", text: BASE }]).objects.map((manifest) => manifest.object);
		const paths: (string | number)[][] = [];
		const walk = (value: unknown, path: (string | number)[]): void => {
			if (path.length > 0) paths.push(path);
			if (typeof value !== "object" || value === null) return;
			for (const [key, entry] of Object.entries(value))
				walk(entry, [...path, Array.isArray(value) ? Number(key) : key]);
		};
		walk(objects, []);
		fc.assert(
			fc.property(
				fc.nat(paths.length - 1),
				fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, "", 0, -1, "None", [], {})),
				(index, value) => {
					const copy = JSON.parse(JSON.stringify(objects)) as unknown;
					const path = paths[index] ?? [];
					let at = copy as Record<string | number, unknown>;
					for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
					at[path[path.length - 1] ?? 0] = value;
					survives(() => loadObjects(copy as unknown[]));
				},
			),
			runs(500),
		);
	});
});
