// Ten minutes of a cluster in which much happens: rollouts, an application that fails, an autoscaler, a Job, a node that is lost, an API
// that is late and refuses. Everything that can be read off it, as text. A program as well: prints that text.

import { pathToFileURL } from "node:url";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Running } from "../../js/cluster/running.ts";
import { type AtWork, atWork, patchIn } from "./running.ts";

const PORTS = [{ name: "http", containerPort: 80 }];
const CPU = { requests: { cpu: "100m" } };

function template(app: string, image: string, annotations: Record<string, string> = {}): object {
	const containers = [{ name: "c", image, ports: PORTS, resources: CPU }];
	return { metadata: { labels: { app }, annotations }, spec: { containers } };
}

function deployment(name: string, replicas: number, annotations: Record<string, string> = {}): KubernetesObject {
	const spec = {
		...{ replicas, selector: { matchLabels: { app: name } }, minReadySeconds: 2 },
		template: template(name, "i:1", annotations),
	};
	return { apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace: "d", name }, spec } as KubernetesObject;
}

const DAEMON = {
	...{ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { namespace: "d", name: "log" } },
	spec: { selector: { matchLabels: { app: "log" } }, template: template("log", "i:1") },
};
const JOB = {
	...{ apiVersion: "batch/v1", kind: "Job", metadata: { namespace: "d", name: "sum" } },
	spec: {
		...{ completions: 3, parallelism: 2 },
		template: {
			metadata: { annotations: { "podwire.dev/exits-after": "20s" } },
			spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] },
		},
	},
};
const AUTOSCALER = {
	...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" },
	metadata: { namespace: "d", name: "web", annotations: { "podwire.dev/utilization.cpu": "160" } },
	spec: {
		scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
		...{ minReplicas: 2, maxReplicas: 8 },
		metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
	},
};
const SERVICE = {
	...{ apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name: "web" } },
	spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
};

const WEB = "/apis/apps/v1/namespaces/d/deployments/web";
const HPA = "/apis/autoscaling/v2/namespaces/d/horizontalpodautoscalers/web";

/** The cluster after the first five minutes. */
export function firstHalf(): AtWork {
	const world = atWork({ nodes: 4 });
	const { store, simulation } = world;
	const create = (resource: string, object: object) => store.create(resource, object as KubernetesObject);
	create("services", SERVICE);
	create("deployments.apps", deployment("web", 3));
	create("deployments.apps", deployment("bad", 2, { "podwire.dev/exits-after": "5s", "podwire.dev/exit-code": "1" }));
	create("daemonsets.apps", DAEMON);
	create("jobs.batch", JOB);
	create("horizontalpodautoscalers.autoscaling", AUTOSCALER);
	simulation.inject({ fault: "lag", component: "endpoint-slice", lagMs: 700, forMs: 120_000 });
	simulation.inject({ fault: "timeout", share: 0.1, afterMs: 30_000, forMs: 20_000 });
	simulation.advance(60_000);
	world.patch(WEB, {
		spec: { template: { spec: { containers: [{ name: "c", image: "i:2", ports: PORTS, resources: CPU }] } } },
	});
	simulation.advance(90_000);
	simulation.inject({ fault: "node", node: "node-2", forMs: 400_000 });
	simulation.advance(150_000);
	return world;
}

export function secondHalf(world: Running): void {
	patchIn(world, HPA, { metadata: { annotations: { "podwire.dev/utilization.cpu": "10" } } });
	world.simulation.inject({ fault: "watch", component: "kubelet", forMs: 15_000 });
	patchIn(world, WEB, { spec: { template: { metadata: { annotations: { turn: "3" } } } } });
	world.simulation.advance(300_000);
}

/** Objects, events and what is still to be done. */
export function told(world: Running, heard: readonly string[]): string {
	const pending = world.simulation.pending().map((one) => ({ ...one, at: String(one.at) }));
	const objects = [...world.store.everything()].map(({ object }) => object);
	return JSON.stringify({ now: String(world.clock.now()), heard, objects, pending }, null, 1);
}

export function tenMinutes(): string {
	const world = firstHalf();
	secondHalf(world);
	return told(world, world.heard);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(tenMinutes());
