// The kubelets of all nodes: each pod that is bound to a node is brought to life there, watched, and brought to its end
// (pkg/kubelet). What it knows of a pod beyond the pod's status it keeps, as a container runtime does.

import type { Node, Pod } from "../api/core.ts";
import { semanticEqual } from "../api/equality.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import { isFinished } from "../api/pod.ts";
import type { Component, Later, StoreChange, World } from "../ports.ts";
import { appOf } from "./app.ts";
import {
	containersOf,
	foundPodRun,
	hasEnded,
	hostIPsOf,
	isDone,
	kindOf,
	laterOf,
	newPodRun,
	type PodRun,
	step,
} from "./podrun.ts";
import { statusOf } from "./podstatus.ts";

/** What gives a sandbox its addresses: a CNI plugin. */
export interface SandboxNetwork {
	/** Addresses, the primary one first, or the plugin's error. */
	add(pod: Pod, node: Node): readonly string[] | string;
	/** Of a pod that has them already. */
	reserve(pod: Pod, node: Node | undefined): void;
	remove(uid: string): void;
	fork(): SandboxNetwork;
}

/** A node whose kubelet does not run: `podwire.dev/kubelet: stopped`. */
export const isStopped = (node: Node) => node.metadata.annotations?.["podwire.dev/kubelet"] === "stopped";

/** A sandbox that could not be made is tried again after that. */
const SANDBOX_RETRY_MS = 10_000;

export class Kubelet implements Component {
	readonly name = "kubelet";
	readonly watches: Component["watches"] = {
		pods: (change) => this.#onPod(change),
		nodes: ({ object, previous }, store) => {
			const [node, before] = [object as Node, previous as Node | undefined];
			if (before !== undefined && isStopped(node) === isStopped(before)) return [];
			return store.indexed(PODS_BY_NODE, node.metadata.name ?? "").map(keyOf);
		},
	};
	readonly #network: SandboxNetwork;
	/** By `NS/NAME`. */
	#runs = new Map<string, PodRun>();
	/** uids of pods that are gone, by the same. */
	#gone = new Map<string, string[]>();

	constructor(network: SandboxNetwork) {
		this.#network = network;
	}

	fork(): Kubelet {
		const copy = new Kubelet(this.#network.fork());
		copy.#runs = structuredClone(this.#runs);
		copy.#gone = structuredClone(this.#gone);
		return copy;
	}

	reconcile(key: string, world: World): Later | undefined {
		const { store, clock, recorder } = world;
		this.#tearDown(key);
		const [namespace = "", name = ""] = key.split("/");
		const pod = store.get<Pod>("pods", namespace, name);
		const node = store.get<Node>("nodes", "", pod?.spec?.nodeName ?? "");
		if (pod === undefined || node === undefined || isStopped(node)) return undefined;
		const now = clock.now();
		const run = this.#runOf(key, pod, node, now, world);
		const say = (type: "Normal" | "Warning", reason: string, message: string) =>
			recorder.event(pod, type, reason, message, node.metadata.name);
		if (!(isFinished(pod) && pod.metadata.deletionTimestamp === undefined))
			step(run, pod, now, say, () => this.#addresses(pod, node, say));
		const status = statusOf(run, pod, hostIPsOf(node), now);
		const written = semanticEqual(status, pod.status) ? pod : store.updateStatus<Pod>("pods", { ...pod, status });
		if (isDone(run, pod) || hasEnded(run)) this.#network.remove(run.uid);
		if (hasEnded(run) && written.metadata.deletionTimestamp !== undefined) {
			this.#runs.delete(key);
			store.delete("pods", written, { gracePeriodSeconds: 0 });
			return undefined;
		}
		if (run.sandboxUntil !== null && run.sandboxUntil <= now) return { idleMs: SANDBOX_RETRY_MS };
		return laterOf(run, pod, now);
	}

	#onPod({ type, object }: StoreChange): string[] {
		const pod = object as Pod;
		if (!pod.spec?.nodeName) return [];
		const key = keyOf(pod);
		if (type === "DELETED") this.#gone.set(key, [...(this.#gone.get(key) ?? []), pod.metadata.uid ?? ""]);
		return [key];
	}

	/** What is left of pods of the name that are gone. */
	#tearDown(key: string): void {
		for (const uid of this.#gone.get(key) ?? []) {
			this.#network.remove(uid);
			if (this.#runs.get(key)?.uid === uid) this.#runs.delete(key);
		}
		this.#gone.delete(key);
	}

	#runOf(key: string, pod: Pod, node: Node, now: bigint, { recorder }: World): PodRun {
		const known = this.#runs.get(key);
		if (known !== undefined && known.uid === pod.metadata.uid) return known;
		this.#network.reserve(pod, node);
		const isNew = pod.status?.podIP === undefined && pod.status?.containerStatuses === undefined;
		const run = isNew ? newPodRun(pod, now) : foundPodRun(pod, now);
		this.#runs.set(key, run);
		const problems = containersOf(pod).flatMap((container) => appOf(pod, container, kindOf(pod, container)).problems);
		for (const problem of new Set(problems))
			recorder.event(pod, "Warning", "InvalidAnnotation", problem, node.metadata.name);
		return run;
	}

	#addresses(
		pod: Pod,
		node: Node,
		say: (type: "Warning", reason: string, message: string) => void,
	): readonly string[] | null {
		const given = this.#network.add(pod, node);
		if (typeof given !== "string") return given;
		say("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${given}`);
		return null;
	}
}
