// What the invariants notice: a cluster at rest in which one thing is not as it should be.

import { beforeAll, describe, expect, it } from "vitest";
import type { ReplicaSet } from "../../js/api/apps.ts";
import type { Endpoints, Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { StoreChange } from "../../js/ports.ts";
import { type AtRest, broken } from "./invariants.ts";
import { type AtWork, atWork } from "./running.ts";

let world: AtWork;

beforeAll(() => {
	world = atWork({ nodes: 2 });
	const template = {
		metadata: { labels: { app: "web" } },
		spec: { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80 }] }] },
	};
	const spec = { replicas: 3, selector: { matchLabels: { app: "web" } }, template };
	const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace: "d", name: "web" }, spec };
	world.store.create("deployments.apps", deployment as KubernetesObject);
	for (const name of ["web", "other"]) {
		const ports = [{ port: 80 }];
		const own = { type: "LoadBalancer", externalTrafficPolicy: "Local", selector: { app: "web" }, ports };
		const service = { apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name }, spec: own };
		world.store.create("services", service as KubernetesObject);
	}
	world.simulation.settle();
});

/** The store in which objects are others; null: there is none. */
function damaged(damage: (object: KubernetesObject) => KubernetesObject | null): AtRest {
	const known = new Map<KubernetesObject, KubernetesObject | null>();
	const of = <T extends KubernetesObject>(object: T): T[] => {
		if (!known.has(object)) known.set(object, damage(object));
		const now = known.get(object) as T | null;
		return now === null ? [] : [now];
	};
	const { store } = world;
	return {
		list: <T extends KubernetesObject>(resource: string, namespace?: string) =>
			store.list<T>(resource, namespace).flatMap(of),
		get: <T extends KubernetesObject>(resource: string, namespace: string, name: string) =>
			[store.get<T>(resource, namespace, name)].flatMap((object) => (object === undefined ? [] : of(object)))[0],
		*everything(): Iterable<StoreChange> {
			for (const change of store.everything()) for (const object of of(change.object)) yield { ...change, object };
		},
	};
}

/** Changes a copy of the first object of a kind, by name. */
function first<T extends KubernetesObject>(kind: T["kind"], change: (object: T, second: T) => void, at = 0): AtRest {
	const all = [...world.store.everything()].flatMap(({ object }) =>
		object.kind === kind && object.metadata.namespace === "d" ? [object as T] : [],
	);
	return damaged((object) => {
		if (object !== all[at]) return object;
		const copy = structuredClone(object) as T;
		change(copy, all[at + 1] as T);
		return copy;
	});
}

const endpoints = (slice: EndpointSlice) => slice.endpoints as NonNullable<EndpointSlice["endpoints"]>;
const gone = (kind: string, name: string) =>
	damaged((object) => (object.kind === kind && object.metadata.name === name ? null : object));

describe("a cluster at rest", () => {
	it("is as it should be", () => {
		expect(broken(world.store)).toEqual([]);
		expect(broken(damaged((object) => structuredClone(object)))).toEqual([]);
	});

	it.each<[string, () => AtRest, RegExp]>([
		[
			"an endpoint is missing",
			() => first<EndpointSlice>("EndpointSlice", (slice) => endpoints(slice).pop()),
			/slices/,
		],
		[
			"an endpoint is there twice",
			() => first<EndpointSlice>("EndpointSlice", (slice) => endpoints(slice).push(endpoints(slice)[0] as never)),
			/slices/,
		],
		[
			"a ready endpoint is not said to be",
			() =>
				first<EndpointSlice>("EndpointSlice", (slice) =>
					Object.assign(endpoints(slice)[0] as object, { conditions: {} }),
				),
			/slices/,
		],
		[
			"an endpoint is said to be on another node",
			() =>
				first<EndpointSlice>("EndpointSlice", (slice) =>
					Object.assign(endpoints(slice)[0] as object, { nodeName: "x" }),
				),
			/is not pod/,
		],
		[
			"an address of Endpoints is missing",
			() => first<Endpoints>("Endpoints", ({ subsets }) => subsets?.[0]?.addresses?.pop()),
			/Endpoints/,
		],
		[
			"a Service has gone, and left its slices",
			() => gone("Service", "web"),
			/EndpointSlice d\/web-\w+ is of no Service/,
		],
		["a Service has gone, and left its Endpoints", () => gone("Service", "web"), /Endpoints d\/web is of no Service/],
		[
			"two pods have one address",
			() =>
				first<Pod>("Pod", ({ status }, second) => {
					Object.assign(status as object, { podIP: second.status?.podIP, podIPs: second.status?.podIPs });
				}),
			/pod IP .* twice/,
		],
		[
			"two Services have one address",
			() =>
				first<Service>("Service", ({ spec }, second) => {
					Object.assign(spec as object, { clusterIP: second.spec?.clusterIP, clusterIPs: second.spec?.clusterIPs });
				}),
			/ClusterIP .* twice/,
		],
		[
			"two Services have one node port",
			() =>
				first<Service>("Service", ({ spec }, second) => {
					Object.assign(spec?.ports?.[0] as object, { nodePort: second.spec?.ports?.[0]?.nodePort });
				}),
			/node port .* twice/,
		],
		[
			"a health check has the node port of another Service",
			() =>
				first<Service>("Service", ({ spec }, second) => {
					Object.assign(spec as object, { healthCheckNodePort: second.spec?.ports?.[0]?.nodePort });
				}),
			/node port .* twice/,
		],
		[
			"two load balancers have one address",
			() => first<Service>("Service", (service, second) => Object.assign(service, { status: second.status })),
			/load balancer .* twice/,
		],
		[
			"a pod of a ReplicaSet is missing",
			() => first<Pod>("Pod", (pod) => (pod.metadata.ownerReferences = [])),
			/ReplicaSet/,
		],
		[
			"a ReplicaSet says another count",
			() => first<ReplicaSet>("ReplicaSet", ({ status }) => Object.assign(status as object, { replicas: 2 })),
			/ReplicaSet/,
		],
		[
			"a Deployment is not through",
			() =>
				first<KubernetesObject & { status: object }>("Deployment", ({ status }) =>
					Object.assign(status, { updatedReplicas: 2 }),
				),
			/Deployment/,
		],
	])("is not where %s", (_, make, complaint) => {
		expect(broken(make()).join("\n")).toMatch(complaint);
	});
});
