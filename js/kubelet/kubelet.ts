// The kubelets of all nodes: each pod that is bound to a node is brought to life there, watched, and brought to its end
// (pkg/kubelet). What it knows of a pod beyond the pod's status it keeps, as a container runtime does.

import type { Node, Pod } from "../api/core.ts";
import { semanticEqual } from "../api/equality.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import { uidOf } from "../api/names.ts";
import { isFinished } from "../api/pod.ts";
import { happened, isStopped, PREFIX, rebootOf } from "../api/script.ts";
import type { Component, Later, StoreChange, World } from "../ports.ts";
import { isAdmitted } from "./admission.ts";
import { appOf } from "./app.ts";
import { crash, hang } from "./container.ts";
import {
	containersOf,
	foundPodRun,
	hasEnded,
	hostIPsOf,
	isAtRest,
	kindOf,
	laterOf,
	newPodRun,
	type PodRun,
	reboot,
	step,
} from "./podrun.ts";
import { statusOf } from "./podstatus.ts";
import type { Reach } from "./probe.ts";
import { isSeen } from "./run.ts";

/** What gives a sandbox its addresses: a CNI plugin. */
export interface SandboxNetwork {
	/** Addresses, the primary one first, or the plugin's error. */
	add(pod: Pod, node: Node): readonly string[] | string;
	/** Of a pod that has them already. */
	reserve(pod: Pod, node: Node | undefined): void;
	remove(uid: string): void;
	/** All that it keeps, as plain values; and one with the state of another. */
	readonly state: unknown;
	of(state: unknown): SandboxNetwork;
}

interface KubeletState {
	network: unknown;
	runs: Map<string, PodRun>;
	gone: Map<string, string[]>;
	struck: Map<string, string[]>;
	falling: Map<string, number>;
	boots: Map<string, bigint>;
}

/** A sandbox that could not be made is tried again after that. */
const SANDBOX_RETRY_MS = 10_000;
const MS = 1_000_000n;

export class Kubelet implements Component {
	readonly name = "kubelet";
	readonly watches: Component["watches"] = {
		pods: (change) => this.#onPod(change),
		nodes: ({ object, previous }, store) => {
			const [node, before] = [object as Node, previous as Node | undefined];
			const { name = "" } = node.metadata;
			const takes = rebootOf(node, before);
			if (takes !== null) this.#falling.set(name, takes);
			else if (before !== undefined && isStopped(node) === isStopped(before)) return [];
			return [...(takes === null ? [] : [keyOf(node)]), ...store.indexed(PODS_BY_NODE, name).map(keyOf)];
		},
	};
	readonly #network: SandboxNetwork;
	/** By `NS/NAME`. */
	#runs = new Map<string, PodRun>();
	/** uids of pods that are gone, by the same. */
	#gone = new Map<string, string[]>();
	/** What has happened to pods and was not seen to yet: `hang`, `crash` or `crash.CONTAINER`, by the same. */
	#struck = new Map<string, string[]>();
	/** Nodes that begin to reboot, and for how many ms. */
	#falling = new Map<string, number>();
	/** By node: ns; when it booted last, or will. */
	#boots = new Map<string, bigint>();

	constructor(network: SandboxNetwork) {
		this.#network = network;
	}

	get state(): KubeletState {
		return {
			network: this.#network.state,
			runs: structuredClone(this.#runs),
			gone: new Map(this.#gone),
			struck: new Map(this.#struck),
			falling: new Map(this.#falling),
			boots: new Map(this.#boots),
		};
	}

	of({ network, runs, gone, struck, falling, boots }: KubeletState): Kubelet {
		const copy = new Kubelet(this.#network.of(network));
		copy.#runs = runs;
		copy.#gone = gone;
		copy.#struck = struck;
		copy.#falling = falling;
		copy.#boots = boots;
		return copy;
	}

	reconcile(key: string, world: World): Later | undefined {
		const { store, clock, recorder, wire } = world;
		const now = clock.now();
		for (const [node, takes] of this.#falling) this.#boots.set(node, now + BigInt(Math.round(takes)) * MS);
		this.#falling.clear();
		this.#tearDown(key);
		const [namespace = "", name = ""] = key.split("/");
		if (namespace === "") return this.#boot(name, world);
		const pod = store.get<Pod>("pods", namespace, name);
		const node = store.get<Node>("nodes", "", pod?.spec?.nodeName ?? "");
		const struck = this.#struck.get(key) ?? [];
		this.#struck.delete(key);
		if (pod === undefined || node === undefined || isStopped(node)) return undefined;
		const { name: host = "" } = node.metadata;
		const boot = this.#boots.get(host) ?? 0n;
		if (boot > now) return { progressMs: Number(boot - now) / 1e6 };
		const run = this.#runOf(key, pod, node, now, world);
		if (run.isRejected) return this.#forget(key, pod, world);
		const say = (type: "Normal" | "Warning", reason: string, message: string) =>
			recorder.event(pod, type, reason, message, host);
		if (run.boot < boot) {
			run.boot = boot;
			this.#network.remove(run.uid);
			reboot(run, pod, now, say);
		}
		strike(run, pod, struck, now);
		const reach: Reach | undefined = wire && ((to, port) => wire.connect(host, to, port));
		// What is over stays as it is.
		if (isFinished(pod) && isAtRest(run)) return this.#forget(key, pod, world);
		step(run, pod, now, say, () => this.#addresses(run, pod, node, world), reach);
		const status = statusOf(run, pod, hostIPsOf(node), now);
		const isNews = run.containers.some((each) => !each.isKnown && isSeen(each));
		const written = semanticEqual(status, pod.status) ? pod : store.updateStatus<Pod>("pods", { ...pod, status });
		for (const each of run.containers) each.isKnown = isSeen(each);
		if (hasEnded(run)) this.#network.remove(run.uid);
		if (hasEnded(run) && written.metadata.deletionTimestamp !== undefined) {
			this.#runs.delete(key);
			store.delete("pods", written, { gracePeriodSeconds: 0 });
			return undefined;
		}
		if (run.sandboxUntil !== null && run.sandboxUntil <= now) return { idleMs: SANDBOX_RETRY_MS };
		const later = laterOf(run, pod, now);
		// What is due at once is so because it was not known before.
		return isNews && later?.idleMs === 0 ? { ...later, progressMs: 0 } : later;
	}

	/** A machine is up again. */
	#boot(name: string, { store, clock, recorder, random }: World): Later | undefined {
		const node = store.get<Node>("nodes", "", name);
		const at = this.#boots.get(name);
		if (node === undefined || at === undefined) return undefined;
		const left = Number(at - clock.now()) / 1e6;
		if (left > 0) return { progressMs: left };
		const bootID = uidOf(random, "boot", name, String(at));
		if (node.status?.nodeInfo?.["bootID"] === bootID) return undefined;
		recorder.event(node, "Normal", "Starting", "Starting kubelet.", name);
		recorder.event(node, "Warning", "Rebooted", `Node ${name} has been rebooted, boot id: ${bootID}`, name);
		store.updateStatus<Node>("nodes", {
			...node,
			status: { ...node.status, nodeInfo: { ...node.status?.nodeInfo, bootID } },
		});
		return undefined;
	}

	/** Nothing of it has to be brought to an end. */
	#forget(key: string, pod: Pod, { store }: World): undefined {
		this.#network.remove(pod.metadata.uid ?? "");
		if (pod.metadata.deletionTimestamp === undefined) return;
		this.#runs.delete(key);
		store.delete("pods", pod, { gracePeriodSeconds: 0 });
	}

	#onPod({ type, object, previous }: StoreChange): string[] {
		const pod = object as Pod;
		if (!pod.spec?.nodeName) return [];
		const key = keyOf(pod);
		const crashes = ["", ...containersOf(pod).map((container) => `.${container.name}`)].map((of) => `crash${of}`);
		const struck = ["hang", ...crashes].filter((what) => happened(`${PREFIX}${what}`, pod, previous));
		if (struck.length > 0) this.#struck.set(key, [...(this.#struck.get(key) ?? []), ...struck]);
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

	#runOf(key: string, pod: Pod, node: Node, now: bigint, world: World): PodRun {
		const { recorder, random } = world;
		const known = this.#runs.get(key);
		if (known !== undefined && known.uid === pod.metadata.uid) return known;
		this.#network.reserve(pod, node);
		const { podIP, containerStatuses } = pod.status ?? {};
		const isNew = !isFinished(pod) && podIP === undefined && containerStatuses === undefined;
		const run = isNew ? newPodRun(pod, now) : foundPodRun(pod, now, random);
		run.boot = this.#boots.get(node.metadata.name ?? "") ?? 0n;
		this.#runs.set(key, run);
		run.isRejected = isNew && pod.metadata.deletionTimestamp === undefined && !isAdmitted(pod, node, world);
		if (run.isRejected) return run;
		const problems = containersOf(pod).flatMap((container) => appOf(pod, container, kindOf(pod, container)).problems);
		for (const problem of new Set(problems))
			recorder.event(pod, "Warning", "InvalidAnnotation", problem, node.metadata.name);
		return run;
	}

	#addresses(run: PodRun, pod: Pod, node: Node, { recorder, random }: World): readonly string[] | null {
		const given = this.#network.add(pod, node);
		if (typeof given !== "string") return given;
		const tried = run.attempts++;
		// Every try is another sandbox, with an identifier of its own.
		const words = Array.from({ length: 8 }, (_, i) => random.integer(2 ** 32, "sandbox", run.uid, tried, i));
		const sandbox = words.map((word) => word.toString(16).padStart(8, "0")).join("");
		const error = `failed to setup network for sandbox "${sandbox}": plugin type="bridge" failed (add): ${given}`;
		const message = `Failed to create pod sandbox: rpc error: code = Unknown desc = ${error}`;
		recorder.event(pod, "Warning", "FailedCreatePodSandBox", message, node.metadata.name);
		return null;
	}
}

/** Annotations that are events have happened. */
function strike(run: PodRun, pod: Pod, struck: readonly string[], now: bigint): void {
	for (const what of struck) {
		const [kind, ...name] = what.split(".");
		for (const container of containersOf(pod)) {
			const each = run.containers.find((one) => one.name === container.name);
			if (each === undefined || (name.length > 0 && container.name !== name.join("."))) continue;
			if (kind === "hang") hang(each);
			else crash(each, pod, container, now);
		}
	}
}
