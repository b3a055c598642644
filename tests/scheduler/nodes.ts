// A cluster at work whose nodes have resources, and the pods that ask for them.

import type { Container, Node, Pod, PodSpec } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { type AtWork, atWork } from "../cluster/running.ts";

/** Nodes `node-1` … in the zones a, b, c, each with these. */
export function withResources(allocatable: Record<string, string>, nodes = 3): AtWork {
	const world = atWork({ nodes });
	for (const node of world.store.list<Node>("nodes"))
		world.store.updateStatus<Node>("nodes", { ...node, status: { ...node.status, allocatable } });
	world.simulation.settle();
	return world;
}

export function container(requests?: Record<string, string>, rest: Partial<Container> = {}): Container {
	return { name: "c", image: "web:1", ...(requests === undefined ? {} : { resources: { requests } }), ...rest };
}

export function pod(name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = { app: name }): Pod {
	return {
		...{ apiVersion: "v1", kind: "Pod", metadata: { namespace: "d", name, labels } },
		spec: { containers: [container()], ...spec },
	};
}

/** A PriorityClass. */
export function priority(world: AtWork, name: string, value: number, preemptionPolicy?: string): void {
	const policy = preemptionPolicy === undefined ? {} : { preemptionPolicy };
	world.store.create("priorityclasses.scheduling.k8s.io", {
		...{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value, ...policy },
	} as KubernetesObject);
}

/** Made one after the other; settled. */
export function make(world: AtWork, ...pods: Pod[]): void {
	for (const one of pods) {
		world.store.create("pods", one);
		world.simulation.settle();
	}
}

/** `NAME@NODE`, in order of name. */
export const places = (world: AtWork) =>
	world.pods().map(({ metadata, spec }) => `${metadata.name}@${spec?.nodeName ?? "-"}`);

export const scheduled = (of: Pod | undefined) => of?.status?.conditions?.find(({ type }) => type === "PodScheduled");
