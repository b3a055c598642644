// What runs where, as the scheduler's cache has it (pkg/scheduler/backend/cache): nodes with their pods, and indexes over them.

import type { Container, Node, Pod, PodAffinityTerm, PodSpec, Taint } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import { ZONE } from "../api/labels.ts";
import type { LabelSelector } from "../api/meta.ts";
import { type HostPort, hostPorts } from "../api/placement.ts";
import { isFinished } from "../api/pod.ts";
import { Columns, type Domains } from "./columns.ts";
import { PodCounts } from "./counts.ts";
import { type Amounts, addTo, allocatableOf, podRequests, type Requests } from "./resources.ts";
import { Room } from "./room.ts";

/** What a pod takes on its node. */
export interface Needs {
	hostPorts: HostPort[];
	requests: Requests;
}

/** Needs of pods by their containers, which pods of one template share. */
class KnownNeeds {
	readonly #byContainers = new WeakMap<readonly Container[], { spec: PodSpec; needs: Needs }>();

	of(pod: Pod): Needs {
		const { spec } = pod;
		const known = spec && this.#byContainers.get(spec.containers);
		if (known !== undefined && asksTheSame(spec as PodSpec, known.spec)) return known.needs;
		const needs = { hostPorts: hostPorts(pod), requests: podRequests(pod) };
		if (spec !== undefined) this.#byContainers.set(spec.containers, { spec, needs });
		return needs;
	}
}

/** Of two with the same containers. */
function asksTheSame(a: PodSpec, b: PodSpec): boolean {
	return (
		a.initContainers === b.initContainers &&
		a.resources === b.resources &&
		a.overhead === b.overhead &&
		a.hostNetwork === b.hostNetwork
	);
}

/** A node and what runs on it. */
export interface NodeState {
	readonly name: string;
	/** Its place in the columns. */
	readonly slot: number;
	readonly node: Node;
	/** Taints that keep pods away, and those that pods dislike. */
	readonly hard: readonly Taint[];
	readonly disliked: readonly Taint[];
	/** null: it does not say. */
	readonly allocatable: Amounts | null;
	/** By `NS/NAME`. */
	readonly pods: Map<string, Pod>;
	hostPorts: HostPort[];
	readonly requested: Amounts;
}

/** Pods of a kind on nodes by their slots: as many of the lists as `size` says. */
export interface There {
	slots: number[];
	counts: number[];
	size: number;
}

export type NamespaceLabels = ReadonlyMap<string, Readonly<Record<string, string>>>;

export interface OccupancyState {
	/** In the order in which they came. */
	nodes: readonly Node[];
	namespaces: NamespaceLabels;
	pods: readonly Pod[];
}

export class Occupancy {
	/** Labels by name. */
	namespaces: NamespaceLabels;
	columns = new Columns();
	readonly room = new Room();
	readonly #needs = new KnownNeeds();
	readonly #states = new Map<string, NodeState>();
	/** By slot; undefined: free. */
	readonly #slots: (NodeState | undefined)[] = [];
	/** Pods with affinities of their own: they may draw or refuse newcomers. */
	readonly #opinionated = new Map<string, { pod: Pod; node: Node }>();
	readonly #counts = new PodCounts(() => this.pods());
	/** Where each pod is. */
	readonly #nodeOf = new Map<string, string>();
	readonly #there: There = { slots: [], counts: [], size: 0 };
	#order: Int32Array | null = null;
	/** Nodes with taints that pods dislike. */
	#disliked = 0;

	constructor(nodes: readonly Node[], namespaces: NamespaceLabels) {
		this.namespaces = namespaces;
		for (const node of nodes) this.setNode(node);
	}

	get size(): number {
		return this.#states.size;
	}

	/** In the order in which they came. */
	get nodes(): Iterable<NodeState> {
		return this.#states.values();
	}

	/** Slots, one of each zone in turn (cache/node_tree.go). */
	get order(): Int32Array {
		this.#order ??= interleaved([...this.#states.values()]);
		return this.#order;
	}

	/** Of a slot that is in use. */
	at(slot: number): NodeState {
		return this.#slots[slot] as NodeState;
	}

	/** Of a topology key, by slot. */
	domains(topologyKey: string): Domains {
		return this.columns.domains(topologyKey, () => this.#slots.map((state) => state?.node));
	}

	/** Whether a node has taints that pods dislike. */
	get isDisliked(): boolean {
		return this.#disliked > 0;
	}

	get opinionated(): Iterable<{ pod: Pod; node: Node }> {
		return this.#opinionated.values();
	}

	state(name: string): NodeState | undefined {
		return this.#states.get(name);
	}

	*pods(): Generator<Pod> {
		for (const { pods } of this.#states.values()) yield* pods.values();
	}

	/** Pods of a namespace that a selector has, by node. */
	counts(namespace: string, selector: LabelSelector): ReadonlyMap<string, number> {
		return this.#counts.of(namespace, selector);
	}

	/** The same by slot, until it is asked again. */
	there(namespace: string, selector: LabelSelector): There {
		const there = this.#there;
		there.size = 0;
		for (const [name, count] of this.#counts.of(namespace, selector)) {
			const state = this.#states.get(name);
			if (state === undefined) continue;
			there.slots[there.size] = state.slot;
			there.counts[there.size++] = count;
		}
		return there;
	}

	needsOf(pod: Pod): Needs {
		return this.#needs.of(pod);
	}

	/** Counts a pod that has its node; one of another node or of none that is known counts nowhere. */
	occupy(pod: Pod): void {
		const state = this.#states.get(pod.spec?.nodeName ?? "");
		if (state === undefined || isFinished(pod)) return;
		const key = keyOf(pod);
		const needs = this.needsOf(pod);
		state.pods.set(key, pod);
		this.#nodeOf.set(key, state.name);
		state.hostPorts.push(...needs.hostPorts);
		this.#take(state, needs, 1);
		this.#counts.count(pod, 1);
		if (hasOpinions(pod)) this.#opinionated.set(key, { pod, node: state.node });
	}

	/** Takes a pod that was counted out again, and says as which one it was. */
	release(pod: Pod): Pod | undefined {
		const key = keyOf(pod);
		const state = this.#states.get(this.#nodeOf.get(key) ?? "");
		const counted = state?.pods.get(key);
		if (state === undefined || counted === undefined) return undefined;
		state.pods.delete(key);
		this.#nodeOf.delete(key);
		const needs = this.needsOf(counted);
		if (needs.hostPorts.length > 0) state.hostPorts = [...state.pods.values()].flatMap(hostPorts);
		this.#take(state, needs, -1);
		this.#counts.count(counted, -1);
		this.#opinionated.delete(key);
		return counted;
	}

	/** A pod that was counted is another object now, which takes no more and no less. */
	replace(pod: Pod): void {
		const key = keyOf(pod);
		const pods = this.#states.get(this.#nodeOf.get(key) ?? "")?.pods;
		const counted = pods?.get(key);
		if (pods === undefined || counted === undefined) return;
		pods.set(key, pod);
		this.#counts.replace(counted, pod);
		const opinion = this.#opinionated.get(key);
		if (opinion !== undefined) opinion.pod = pod;
	}

	/** A node that is new, or another than it was; what runs there stays counted. */
	setNode(node: Node): void {
		const name = node.metadata.name ?? "";
		const before = this.#states.get(name);
		const pods = [...(before?.pods.values() ?? [])];
		for (const pod of pods) this.release(pod);
		const free = this.#slots.indexOf(undefined);
		const state = emptyState(node, before?.slot ?? (free < 0 ? this.#slots.length : free));
		this.#states.set(name, state);
		this.#disliked += (isDisliked(state) ? 1 : 0) - (before !== undefined && isDisliked(before) ? 1 : 0);
		this.#slots[state.slot] = state;
		this.columns.set(state.slot, state.allocatable, isSpecial(state));
		this.#order = null;
		for (const pod of pods) this.occupy(pod);
	}

	removeNode(name: string): void {
		const state = this.#states.get(name);
		if (state === undefined) return;
		for (const pod of [...state.pods.values()]) this.release(pod);
		this.#states.delete(name);
		this.#disliked -= isDisliked(state) ? 1 : 0;
		this.#slots[state.slot] = undefined;
		this.#order = null;
	}

	#take(state: NodeState, { requests }: Needs, sign: 1 | -1): void {
		addTo(state.requested, requests.said, sign);
		this.columns.count(state.slot, requests, sign);
		this.columns.special[state.slot] = isSpecial(state) ? 1 : 0;
	}

	/** All else follows from it. */
	get all(): OccupancyState {
		const nodes = [...this.#states.values()].map(({ node }) => node);
		return { nodes, namespaces: this.namespaces, pods: [...this.pods()] };
	}

	static of({ nodes, namespaces, pods }: OccupancyState): Occupancy {
		const occupancy = new Occupancy(nodes, namespaces);
		for (const pod of pods) occupancy.occupy(pod);
		return occupancy;
	}
}

const isSpecial = ({ hard, disliked, hostPorts: ports, node }: NodeState) =>
	hard.length + disliked.length + ports.length > 0 || node.spec?.unschedulable === true;

const isDisliked = ({ disliked }: NodeState) => disliked.length > 0;

const hasOpinions = ({ spec }: Pod) =>
	spec?.affinity?.podAffinity !== undefined || spec?.affinity?.podAntiAffinity !== undefined;

export function requiredAntiAffinity({ spec }: Pod): readonly PodAffinityTerm[] {
	return spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function emptyState(node: Node, slot: number): NodeState {
	const taints = node.spec?.taints ?? [];
	return {
		...{ name: node.metadata.name ?? "", slot, node, allocatable: allocatableOf(node), requested: {} },
		hard: taints.filter(({ effect }) => effect !== "PreferNoSchedule"),
		disliked: taints.filter(({ effect }) => effect === "PreferNoSchedule"),
		...{ pods: new Map(), hostPorts: [] },
	};
}

function interleaved(states: readonly NodeState[]): Int32Array {
	const zones = new Map<string, NodeState[]>();
	for (const state of states) {
		const { labels = {} } = state.node.metadata;
		const zone = `${labels["topology.kubernetes.io/region"] ?? ""} ${labels[ZONE] ?? ""}`;
		const known = zones.get(zone);
		if (known === undefined) zones.set(zone, [state]);
		else known.push(state);
	}
	const order = new Int32Array(states.length);
	let filled = 0;
	for (let round = 0; filled < order.length; round++)
		for (const zone of zones.values()) if (zone[round] !== undefined) order[filled++] = (zone[round] as NodeState).slot;
	return order;
}
