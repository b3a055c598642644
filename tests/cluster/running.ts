// A cluster at work without a data plane: an API with nodes, all components, a clock. What tests of what happens in time stand on.

import type { Pod } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { inventNodes } from "../../js/cloud/instance.ts";
import { Running } from "../../js/cluster/running.ts";
import { VirtualClock } from "../../js/sim/simulation.ts";
import { emptyRegistry } from "../apiserver/registry.ts";
import { START } from "../controllers/running.ts";

export interface AtWork extends Running {
	/** `TYPE REASON KIND NS/NAME: MESSAGE`, in order. */
	heard: string[];
	/** ms since the beginning, of each of these. */
	heardAt: number[];
	/** ms since the beginning. */
	now(): number;
	/** Pods of the namespace `d`, in order of name. */
	pods(): readonly Pod[];
	pod(name: string): Pod | undefined;
	/** Merges into an object as a client's patch does. */
	patch(path: string, patch: object): void;
}

/** Merges into an object as a client's patch does. */
export function patchIn({ store }: Running, path: string, patch: object): void {
	const { code, body } = respond(store.registry, {
		method: "PATCH",
		url: path,
		headers: { "content-type": "application/merge-patch+json" },
		body: new TextEncoder().encode(JSON.stringify(patch)),
	});
	if (code >= 300) throw new Error(new TextDecoder().decode(body as Uint8Array));
}

/** Nodes `node-1` … with a /24 each of 10.244.0.0/16; settled. */
export function atWork({ nodes = 3, nodeMask = 24 } = {}): AtWork {
	const clock = new VirtualClock(START);
	const registry = emptyRegistry("d", () => clock.now());
	const heard: string[] = [];
	const heardAt: number[] = [];
	const running = Running.over(registry, clock, {
		podCIDRs: [{ family: "ipv4", address: "10.244.0.0", length: 16 }],
		nodeMask: { ipv4: nodeMask, ipv6: 64 },
		loadBalancerPool: { family: "ipv4", address: "203.0.113.0", length: 24 },
		heard: ({ kind, metadata }: KubernetesObject, type, reason, message) => {
			heardAt.push(Number((clock.now() - START) / 1_000_000n));
			heard.push(`${type} ${reason} ${kind} ${metadata.namespace ?? ""}/${metadata.name}: ${message}`);
		},
	});
	const { store, simulation } = running;
	for (const node of inventNodes(nodes)) {
		const { status } = node;
		const made = store.create("nodes", node);
		store.updateStatus("nodes", { ...made, status });
	}
	simulation.settle();
	return Object.assign(running, {
		heard,
		heardAt,
		now: () => Number((clock.now() - START) / 1_000_000n),
		pods: () => store.list<Pod>("pods", "d"),
		pod: (name: string) => store.get<Pod>("pods", "d", name),
		patch: (path: string, patch: object) => patchIn(running, path, patch),
	});
}
