// Nodes whose kubelet says nothing any more (pkg/controller/nodelifecycle): after a while their conditions are unknown, they are
// tainted, and their pods are not ready. No kubelet falls silent here by itself: annotations have it stop, or its node reboot.
// And pods that do not tolerate a NoExecute taint, which go (pkg/controller/tainteviction).

import type { Node, Pod, Taint, Toleration } from "../api/core.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import type { Condition } from "../api/meta.ts";
import { tolerates } from "../api/placement.ts";
import { isStopped, rebootOf } from "../api/script.ts";
import { nanosOf, timeOf } from "../api/time.ts";
import type { Component, Later, World } from "../ports.ts";

/** nodeMonitorGracePeriod. Kubernetes 1.32 made it 50 s; clusters that name none have the controller's 40 s. */
const GRACE_MS = 40_000;
const MS = 1_000_000n;
const UNREACHABLE = "node.kubernetes.io/unreachable";
const NOT_READY = "node.kubernetes.io/not-ready";
const SILENT: Pick<Condition, "reason" | "message"> = {
	reason: "NodeStatusUnknown",
	message: "Kubelet stopped posting node status.",
};

interface NodeLifecycleState {
	silent: Map<string, bigint>;
	falling: Map<string, number>;
	down: Map<string, bigint>;
}

/** Keys are nodes. */
export class NodeLifecycle implements Component {
	readonly name = "node";
	readonly watches: Component["watches"] = {
		nodes: ({ object, previous }) => {
			const { name = "" } = object.metadata;
			const takes = rebootOf(object as Node, previous as Node | undefined);
			if (takes !== null) this.#falling.set(name, takes);
			return [name];
		},
	};
	/** By name: ns since when a kubelet is silent. */
	#silent = new Map<string, bigint>();
	/** Nodes that begin to reboot, and for how many ms; and ns until when they do. */
	#falling = new Map<string, number>();
	#down = new Map<string, bigint>();

	get state(): NodeLifecycleState {
		return { silent: new Map(this.#silent), falling: new Map(this.#falling), down: new Map(this.#down) };
	}

	of({ silent, falling, down }: NodeLifecycleState): NodeLifecycle {
		const copy = new NodeLifecycle();
		copy.#silent = silent;
		copy.#falling = falling;
		copy.#down = down;
		return copy;
	}

	reconcile(name: string, world: World): Later | undefined {
		const { store, clock } = world;
		const node = store.get<Node>("nodes", "", name);
		const falling = this.#falling.get(name);
		this.#falling.delete(name);
		if (falling !== undefined) this.#down.set(name, clock.now() + BigInt(Math.round(falling)) * MS);
		const downMs = Math.max(0, Number(((this.#down.get(name) ?? 0n) - clock.now()) / MS));
		if (node === undefined || (downMs === 0 && !isStopped(node))) {
			this.#silent.delete(name);
			this.#down.delete(name);
			if (node !== undefined) settle(node, world, true);
			return undefined;
		}
		const until = (ms: number) => (downMs === 0 ? ms : Math.min(ms, downMs));
		const since = this.#silent.get(name) ?? clock.now();
		this.#silent.set(name, since);
		const left = GRACE_MS - Number((clock.now() - since) / MS);
		if (left > 0) return { progressMs: until(left) };
		const conditions = node.status?.conditions ?? [];
		const isKnown = conditions.some(({ type, status }) => type === "Ready" && status === "Unknown");
		settle(isKnown ? node : withReady(node, "Unknown", SILENT, world), world, false);
		return downMs === 0 ? undefined : { progressMs: downMs };
	}
}

/** Conditions to taints, and to the readiness of pods. `speaks`: whether its kubelet does. */
function settle(node: Node, world: World, speaks: boolean): void {
	const { store, recorder, clock } = world;
	const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
	const isBack = ready?.reason === SILENT.reason && speaks;
	const current = isBack
		? withReady(node, "True", { reason: "KubeletReady", message: "kubelet is posting ready status" }, world)
		: node;
	const status = isBack ? "True" : ready?.status;
	const wanted = status === "Unknown" ? UNREACHABLE : status === "False" ? NOT_READY : null;
	const taints = current.spec?.taints ?? [];
	const isOurs = ({ key }: Taint) => key === UNREACHABLE || key === NOT_READY;
	const has = (effect: Taint["effect"]) => taints.some((taint) => taint.key === wanted && taint.effect === effect);
	const others = taints.filter((taint) => !isOurs(taint));
	const isRight = wanted === null ? others.length === taints.length : has("NoSchedule") && has("NoExecute");
	if (!isRight) {
		const timeAdded = timeOf(clock.now());
		const added: Taint[] =
			wanted === null
				? []
				: [
						{ key: wanted, effect: "NoSchedule", timeAdded },
						{ key: wanted, effect: "NoExecute", timeAdded },
					];
		const { taints: _, ...spec } = current.spec ?? {};
		const all = [...others, ...added];
		store.update<Node>("nodes", { ...current, spec: all.length === 0 ? spec : { ...spec, taints: all } });
	}
	if (status === undefined || status === "True") return;
	for (const pod of store.indexed(PODS_BY_NODE, node.metadata.name ?? "")) {
		const conditions = pod.status?.conditions ?? [];
		if (!conditions.some((one) => one.type === "Ready" && one.status === "True")) continue;
		const unready = conditions.map((one): Condition => {
			return one.type === "Ready" ? { ...one, status: "False", lastTransitionTime: timeOf(clock.now()) } : one;
		});
		recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
		store.updateStatus("pods", { ...pod, status: { ...pod.status, conditions: unready } });
	}
}

function withReady(
	node: Node,
	status: Condition["status"],
	why: Pick<Condition, "reason" | "message">,
	world: World,
): Node {
	const { store, recorder, clock } = world;
	const { name } = node.metadata;
	const others = (node.status?.conditions ?? []).filter(({ type }) => type !== "Ready");
	const ready: Condition = { type: "Ready", status, lastTransitionTime: timeOf(clock.now()), ...why };
	const what = status === "True" ? "NodeReady" : "NodeNotReady";
	recorder.event(node, "Normal", what, `Node ${name} status is now: ${what}`);
	return store.updateStatus<Node>("nodes", { ...node, status: { ...node.status, conditions: [...others, ready] } });
}

/** Keys are pods on nodes with NoExecute taints. */
export const taintEviction: Component = {
	name: "taint-eviction",
	watches: {
		nodes: ({ object, previous }, store) => {
			const [now, before] = [object as Node, previous as Node | undefined].map((node) =>
				JSON.stringify(noExecute(node)),
			);
			if (now === before) return [];
			return store.indexed(PODS_BY_NODE, object.metadata.name ?? "").map(keyOf);
		},
		pods: ({ type, object, previous }, store) => {
			const pod = object as Pod;
			const isNews = (previous as Pod | undefined)?.spec?.nodeName !== pod.spec?.nodeName;
			const node = store.get<Node>("nodes", "", pod.spec?.nodeName ?? "");
			return type !== "DELETED" && isNews && noExecute(node).length > 0 ? [keyOf(pod)] : [];
		},
	},
	reconcile(key, { store, clock, recorder }) {
		const [namespace = "", name = ""] = key.split("/");
		const pod = store.get<Pod>("pods", namespace, name);
		const node = store.get<Node>("nodes", "", pod?.spec?.nodeName ?? "");
		if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined;
		const until = evictionTime(noExecute(node), pod.spec?.tolerations ?? [], clock.now());
		if (until === null) return undefined;
		const left = Number(until - clock.now()) / Number(MS);
		if (left > 0) return { idleMs: left };
		recorder.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
		store.delete("pods", pod);
		return undefined;
	},
};

const noExecute = (node: Node | undefined): Taint[] =>
	(node?.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");

/** ns; null: never. The shortest of the tolerations that count, from when the first taint came. */
function evictionTime(taints: readonly Taint[], tolerations: readonly Toleration[], now: bigint): bigint | null {
	if (taints.length === 0) return null;
	const used = taints.map((taint) => tolerations.filter((toleration) => tolerates(toleration, taint)));
	if (used.some((found) => found.length === 0)) return now;
	const seconds = used.flat().flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
	if (seconds.length === 0) return null;
	const times = taints.map(({ timeAdded }) => nanosOf(timeAdded) ?? now);
	const [first = now] = times.sort((a, b) => Number(a - b));
	return first + BigInt(Math.max(0, Math.min(...seconds))) * 1000n * MS;
}
