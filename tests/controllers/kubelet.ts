// A kubelet for tests: pods get a node, run and are ready after a while, and go when they are deleted. What a pod is to do
// otherwise is scripted by its annotations `test/…`.

import type { Node, Pod } from "../../js/api/core.ts";
import { timeOf } from "../../js/api/time.ts";
import type { Component, Later, World } from "../../js/ports.ts";

export interface KubeletOptions {
	/** From the pod's creation on; default 2000. */
	readyMs?: number;
	/** From the deletion on; default 1000. */
	goneMs?: number;
}

/** `test/never-ready`: it runs and stays unready. `test/exit-code`: it ends at the time when it would be ready. */
export function kubelet({ readyMs = 2000, goneMs = 1000 }: KubeletOptions = {}): Component {
	return {
		name: "kubelet",
		watches: { pods: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`] },
		reconcile(key, world): Later | undefined {
			const [namespace = "", name = ""] = key.split("/");
			const pod = world.store.get<Pod>("pods", namespace, name);
			if (pod === undefined) return undefined;
			if (pod.metadata.deletionTimestamp !== undefined) return end(world, pod, goneMs);
			if (!pod.spec?.nodeName) {
				const node = freeNode(world, pod);
				if (node !== undefined) world.store.bind(pod, node);
				return undefined;
			}
			return run(world, pod, readyMs);
		},
	};
}

function end({ store, clock }: World, pod: Pod, goneMs: number): Later | undefined {
	const grace = pod.metadata.deletionGracePeriodSeconds ?? 0;
	const asked = Date.parse(pod.metadata.deletionTimestamp ?? "") - grace * 1000;
	const left = asked + goneMs - Number(clock.now() / 1_000_000n);
	if (left > 0) return { progressMs: left };
	if (grace > 0) store.delete("pods", pod, { gracePeriodSeconds: 0 });
	return undefined;
}

function run({ store, clock }: World, pod: Pod, readyMs: number): Later | undefined {
	const { annotations = {}, creationTimestamp } = pod.metadata;
	const phase = pod.status?.phase;
	if (phase === "Succeeded" || phase === "Failed") return undefined;
	const now = timeOf(clock.now());
	const restartPolicy = pod.spec?.restartPolicy ?? "Always";
	const left = Date.parse(creationTimestamp ?? "") + readyMs - Number(clock.now() / 1_000_000n);
	const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== "Ready");
	const was = pod.status?.conditions?.find(({ type }) => type === "Ready");
	const write = (status: Pod["status"]) => {
		store.updateStatus("pods", { ...pod, status: { ...pod.status, ...status } });
	};
	if (left > 0) {
		if (phase !== "Running")
			write({
				phase: "Running",
				startTime: now,
				conditions: [...conditions, { type: "Ready", status: "False", lastTransitionTime: now }],
			});
		return { progressMs: left };
	}
	const code = annotations["test/exit-code"];
	if (code !== undefined && restartPolicy === "Never") {
		const terminated = { exitCode: Number(code), finishedAt: now };
		write({
			phase: code === "0" ? "Succeeded" : "Failed",
			conditions: [...conditions, { type: "Ready", status: "False", lastTransitionTime: now }],
			containerStatuses: (pod.spec?.containers ?? []).map((one) => ({ name: one.name, state: { terminated } })),
		});
		return undefined;
	}
	if (annotations["test/never-ready"] === undefined && was?.status !== "True")
		write({
			phase: "Running",
			conditions: [...conditions, { type: "Ready", status: "True", lastTransitionTime: now }],
		});
	return undefined;
}

/** The node that a pod is pinned to, or the one with the fewest pods; `node-0` where there is none. */
function freeNode({ store }: World, pod: Pod): string | undefined {
	const terms =
		pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
	const pinned = terms.flatMap(({ matchFields = [] }) => matchFields.flatMap(({ values = [] }) => values))[0];
	if (pinned !== undefined) return store.get("nodes", "", pinned) && pinned;
	const nodes = store.list<Node>("nodes").map(({ metadata }) => metadata.name ?? "");
	if (nodes.length === 0) return "node-0";
	const load = new Map(nodes.map((name) => [name, 0]));
	for (const { spec } of store.list<Pod>("pods")) {
		const name = spec?.nodeName ?? "";
		if (load.has(name)) load.set(name, (load.get(name) ?? 0) + 1);
	}
	return [...load].reduce((best, entry) => (entry[1] < best[1] ? entry : best))[0];
}
