// Scene of the large cluster as people write it: nodes, and two Deployments a node, each of 15 replicas behind a Service of its own.
// 5,000 nodes are 10,000 Deployments and Services and, once controllers have acted, 150,000 pods. All in one namespace, which is
// harder than many.

import type { Deployment } from "../../js/api/apps.ts";
import type { Node, Service } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { POD_CIDR, SERVICE_CIDR } from "./large.ts";

const REPLICAS = 15;
const ZONES = 3;

/** What a cluster of this size is made with. */
export const INTENT_OPTIONS = { podCIDR: POD_CIDR, serviceCIDR: SERVICE_CIDR };

const app = (i: number) => `app-${i}`;

function node(i: number): Node {
	const name = `node-${i}`;
	return {
		apiVersion: "v1",
		kind: "Node",
		metadata: {
			name,
			labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": `zone-${i % ZONES}` },
		},
		status: { allocatable: { cpu: "8", memory: "32Gi", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] },
	};
}

function deployment(i: number): Deployment {
	const labels = { app: app(i) };
	return {
		apiVersion: "apps/v1",
		kind: "Deployment",
		metadata: { name: app(i), namespace: "default", labels },
		spec: {
			replicas: REPLICAS,
			selector: { matchLabels: labels },
			template: {
				metadata: { labels },
				spec: {
					containers: [
						{
							name: "web",
							image: "web",
							ports: [{ containerPort: 8080 }],
							resources: { requests: { cpu: "100m", memory: "128Mi" } },
						},
					],
				},
			},
		},
	};
}

function service(i: number): Service {
	return {
		apiVersion: "v1",
		kind: "Service",
		metadata: { name: app(i), namespace: "default" },
		spec: { selector: { app: app(i) }, ports: [{ name: "web", port: 80, targetPort: 8080, protocol: "TCP" }] },
	};
}

const of = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

/** `nodes` nodes, twice as many Deployments and Services. */
export function intent(nodes: number): KubernetesObject[] {
	return [...of(nodes, node), ...of(nodes * 2, deployment), ...of(nodes * 2, service)];
}
