// Intent to running pods: controllers make the pods that are missing, the scheduler places them, host-local gives
// addresses, the kubelet writes their status. Observed objects are read and left as they are.

import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../api/apps.ts";
import type { Namespace, Node, Pod, PodSpec, Service } from "../api/core.ts";
import { withMember } from "../api/member.ts";
import type { KubernetesObject, ObjectMeta } from "../api/meta.ts";
import { isReady } from "../api/pod.ts";
import type { CoreV1Pod } from "../api/schema/types.generated.ts";
import { withTolerations } from "../apiserver/admission/tolerations.ts";
import { withPodDefaults } from "../apiserver/defaults/objects.ts";
import { inOrder } from "../cni/addresses.ts";
import { AddressRange } from "../cni/hostlocal.ts";
import { internalIP, internalIPv6, isUp, podCIDRv4, podCIDRv6 } from "../cni/links.ts";
import * as daemonset from "../controllers/daemonset.ts";
import * as deployment from "../controllers/deployment.ts";
import { controllerOf, isActive, owns } from "../controllers/pod.ts";
import * as replicaset from "../controllers/replicaset.ts";
import * as statefulset from "../controllers/statefulset.ts";
import { addresslessStatus, RunningStatuses, unscheduledStatus } from "../kubelet/status.ts";
import { parsePrefix } from "../net/address.ts";
import { nearestWord } from "../net/error.ts";
import { Scheduler } from "../scheduler/schedule.ts";
import { Siblings } from "../scheduler/siblings.ts";
import { addressesOf, podAddressClashes } from "./clashes.ts";
import type { Entry, Inventory } from "./inventory.ts";

/** As the API and its admission complete what is sent to it. */
function completed(spec: PodSpec): PodSpec {
	const pod = withTolerations({ spec: withPodDefaults(spec) } as CoreV1Pod);
	return pod.spec as PodSpec;
}

/** Makes every intended workload real. `ready`: whether a pod that runs is ready. */
export function realiseWorkloads(inventory: Inventory, ready: (pod: Pod) => boolean): void {
	for (const entry of inventory.list<Pod>("Pod")) {
		if (!entry.observed && entry.object.spec)
			entry.object = withMember(entry.object, "spec", completed(entry.object.spec));
	}
	makePods(inventory);
	placePods(inventory);
	addressPods(inventory, ready);
	reportStatus(inventory);
}

function makePods(inventory: Inventory): void {
	const nodes = inventory.list<Node>("Node").map((entry) => entry.object);
	const candidates = new Candidates(inventory.list<Pod>("Pod").map((entry) => entry.object));
	for (const { object, observed } of inventory.list<DaemonSet>("DaemonSet")) {
		if (observed) continue;
		const names = inventory.nameSet("Pod", object.metadata.namespace);
		addPods(inventory, daemonset.missingPods(object, nodes, candidates.of(object), names, inventory.random));
	}
	for (const { object, observed } of inventory.list<StatefulSet>("StatefulSet")) {
		if (observed) continue;
		addPods(inventory, statefulset.missingPods(object, inventory.nameSet("Pod", object.metadata.namespace)));
	}
	for (const { object, observed } of inventory.list<Deployment>("Deployment")) {
		if (!observed && object.spec?.paused !== true) inventory.add(deployment.replicaSetOf(object));
	}
	for (const { object, observed } of inventory.list<ReplicaSet>("ReplicaSet")) {
		if (observed) continue;
		const names = inventory.nameSet("Pod", object.metadata.namespace);
		addPods(inventory, replicaset.missingPods(object, candidates.of(object), names, inventory.random));
	}
}

/** The pods that a controller might own: those that name it, and its namespace's orphans. */
class Candidates {
	private readonly byOwner = new Map<string, Pod[]>();

	constructor(pods: readonly Pod[]) {
		for (const pod of pods) {
			const owner = controllerOf(pod);
			const key = ownerKey(pod.metadata.namespace, owner?.kind, owner?.name);
			const list = this.byOwner.get(key);
			if (list === undefined) this.byOwner.set(key, [pod]);
			else list.push(pod);
		}
	}

	of({ kind, metadata }: KubernetesObject): Pod[] {
		const own = this.byOwner.get(ownerKey(metadata.namespace, kind, metadata.name)) ?? [];
		return [...own, ...(this.byOwner.get(ownerKey(metadata.namespace)) ?? [])];
	}
}

function ownerKey(namespace = "default", kind = "", name = ""): string {
	return `${namespace}/${kind}/${name}`;
}

/** Pods of one template, which share what they have of it. */
function addPods(inventory: Inventory, pods: readonly Pod[]): void {
	let last: { given: PodSpec; complete: PodSpec } | null = null;
	let before: ObjectMeta = {};
	for (const pod of pods) {
		const given = pod.spec ?? { containers: [] };
		if (last === null || !hasSameFields(given, last.given)) last = { given, complete: completed(given) };
		share(pod.metadata, before);
		inventory.add(withMember(pod, "spec", last.complete));
		before = pod.metadata;
	}
}

/** Gives a pod that was just made the very labels and owners of another one, where they are the same. */
function share(metadata: ObjectMeta, other: ObjectMeta): void {
	const { labels, ownerReferences } = other;
	const [owner] = metadata.ownerReferences ?? [];
	if (labels !== undefined && hasSameFields(metadata.labels ?? {}, labels)) metadata.labels = labels;
	if (owner !== undefined && ownerReferences?.length === 1 && metadata.ownerReferences?.length === 1)
		if (hasSameFields(owner, ownerReferences[0] ?? {})) metadata.ownerReferences = ownerReferences;
}

function hasSameFields<T extends object>(a: T, b: Partial<T>): boolean {
	const names = Object.keys(a) as (keyof T)[];
	return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function placePods(inventory: Inventory): void {
	const nodes = inventory.list<Node>("Node").map((entry) => entry.object);
	const names = nodes.map((node) => node.metadata.name ?? "");
	const known = new Set(names);
	const labels = new Map(
		inventory
			.list<Namespace>("Namespace")
			.map(({ object }) => [object.metadata.name ?? "", object.metadata.labels ?? {}]),
	);
	const scheduler = Scheduler.over(nodes, labels, siblingsIn(inventory));
	const waiting: Entry<Pod>[] = [];
	for (const entry of inventory.list<Pod>("Pod")) {
		const nodeName = entry.object.spec?.nodeName;
		if (nodeName && known.has(nodeName)) scheduler.occupy(entry.object);
		else if (nodeName) misplaced(inventory, entry, nodeName, names);
		else if (!entry.observed) waiting.push(entry);
	}
	for (const entry of byPriority(inventory, waiting)) {
		const placed = scheduler.place(entry.object);
		if ("kind" in placed) {
			entry.object = placed;
			continue;
		}
		entry.object = { ...entry.object, status: unscheduledStatus(placed.reason, placed.message) };
		inventory.warn(
			entry.object,
			placed.reason === "SchedulingGated" ? "SchedulingGated" : "FailedScheduling",
			placed.message,
		);
	}
}

function siblingsIn(inventory: Inventory): Siblings {
	const services = new Map<string, Service[]>();
	for (const { object } of inventory.list<Service>("Service")) {
		const { namespace = "" } = object.metadata;
		const known = services.get(namespace);
		if (known === undefined) services.set(namespace, [object]);
		else known.push(object);
	}
	const owners = new Map<string, KubernetesObject>();
	for (const kind of ["ReplicationController", "ReplicaSet", "StatefulSet"])
		for (const { object } of inventory.list(kind))
			owners.set(ownerKey(object.metadata.namespace, kind, object.metadata.name), object);
	return new Siblings({
		services: (namespace) => services.get(namespace) ?? [],
		owner: (kind, namespace, name) => owners.get(ownerKey(namespace, kind, name)),
	});
}

/** Pods with their priorities, the highest first: what all wait for at once they get in that order. */
function byPriority(inventory: Inventory, waiting: readonly Entry<Pod>[]): Entry<Pod>[] {
	const classes = inventory.list<PriorityClass>("PriorityClass").map(({ object }) => object);
	const otherwise = classes.find(({ globalDefault }) => globalDefault === true);
	for (const entry of waiting) {
		const { spec } = entry.object;
		if (spec === undefined || spec.priority !== undefined) continue;
		const named = classes.find(({ metadata }) => metadata.name === spec.priorityClassName);
		const { value, preemptionPolicy } = (spec.priorityClassName ? named : otherwise) ?? {};
		const known = value ?? SYSTEM_PRIORITIES[spec.priorityClassName ?? ""];
		if (known === undefined) continue;
		const policy = preemptionPolicy === undefined ? {} : { preemptionPolicy };
		entry.object = { ...entry.object, spec: { ...spec, priority: known, ...policy } };
	}
	const priority = ({ object }: Entry<Pod>) => object.spec?.priority ?? 0;
	return [...waiting].sort((a, b) => priority(b) - priority(a));
}

interface PriorityClass extends KubernetesObject {
	value?: number;
	globalDefault?: boolean;
	preemptionPolicy?: "PreemptLowerPriority" | "Never";
}

/** That an API server has from the start (pkg/apis/scheduling/types.go). */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
	"system-cluster-critical": 2_000_000_000,
	"system-node-critical": 2_000_001_000,
};

/** A pod on a node that is not there: a mistake in a manifest, a gap in a dump. */
function misplaced(inventory: Inventory, entry: Entry<Pod>, nodeName: string, names: readonly string[]): void {
	if (entry.observed) {
		inventory.assumed.push(
			`not modelled: pod ${entry.object.metadata.namespace}/${entry.object.metadata.name} runs on ${nodeName}, which is not in the input`,
		);
		return;
	}
	const near = nearestWord(nodeName, names);
	inventory.fail(
		entry,
		["spec", "nodeName"],
		`no node is named ${nodeName}${near === null ? "" : `; did you mean ${near}?`}`,
	);
}

interface Host {
	node: Node;
	/** Its own addresses, as its pods have them. */
	ips: { ip: string }[];
	/** null where the node has no usable pod network. */
	range: AddressRange | null;
	/** The same of IPv6. */
	range6: AddressRange | null;
}

function addressPods(inventory: Inventory, ready: (pod: Pod) => boolean): void {
	const hosts = new Map(
		inventory.list<Node>("Node").map((entry) => [entry.object.metadata.name ?? "", hostOf(inventory, entry)]),
	);
	const pods = inventory.list<Pod>("Pod");
	const observed = pods.filter((entry) => entry.observed);
	// An observed address is its pod's; two pods that are up cannot share one.
	for (const { object, path, message } of podAddressClashes(observed.map((entry) => entry.object))) {
		const entry = observed.find((one) => one.object === object);
		if (entry !== undefined) inventory.fail(entry, path, message);
	}
	for (const { object } of observed) reserve(object, hosts);
	const statuses = new RunningStatuses();
	for (const entry of pods) {
		const host = hosts.get(entry.object.spec?.nodeName ?? "");
		if (!entry.observed && host !== undefined) start(inventory, entry, host, ready, statuses);
	}
}

function hostOf(inventory: Inventory, entry: Entry<Node>): Host {
	const node = entry.object;
	const host: Host = { node, ips: [{ ip: internalIP(node) ?? "" }], range: null, range6: null };
	try {
		host.range = rangeOf(podCIDRv4(node));
		host.range6 = internalIPv6(node) === undefined ? null : rangeOf(podCIDRv6(node));
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		inventory.fail(entry, ["spec", "podCIDR"], error.message);
	}
	return host;
}

function rangeOf(podCIDR: string | undefined): AddressRange | null {
	const prefix = parsePrefix(podCIDR ?? "");
	return prefix === null ? null : new AddressRange(prefix);
}

function reserve(pod: Pod, hosts: ReadonlyMap<string, Host>): void {
	if (!isUp(pod) || pod.spec?.hostNetwork === true) return;
	const host = hosts.get(pod.spec?.nodeName ?? "");
	for (const ip of addressesOf(pod)) {
		host?.range?.reserve(ip);
		host?.range6?.reserve(ip);
	}
}

/** The sandbox gets its address, the containers run. */
function start(
	inventory: Inventory,
	entry: Entry<Pod>,
	host: Host,
	ready: (pod: Pod) => boolean,
	statuses: RunningStatuses,
): void {
	const { node, range, range6 } = host;
	const pod = entry.object;
	const hostIP = internalIP(node) ?? "";
	const onHost = pod.spec?.hostNetwork === true;
	const ip = onHost ? hostIP : (range?.next() ?? null);
	if (ip !== null) {
		const ip6 = onHost ? internalIPv6(node) : (range6?.next() ?? undefined);
		const ips = ip6 === undefined ? [ip] : inOrder(node, ip, ip6);
		entry.object = withMember(pod, "status", statuses.of(pod, ips, host.ips, ready(pod)));
		return;
	}
	const message = `failed to allocate for range 0: no IP addresses available in range set: ${range ?? "none"}`;
	entry.object = { ...pod, status: addresslessStatus(hostIP) };
	inventory.warn(pod, "FailedCreatePodSandBox", message);
	const nodeEntry = inventory
		.list<Node>("Node")
		.find((candidate) => candidate.object.metadata.name === node.metadata.name);
	if (nodeEntry !== undefined)
		inventory.fail(nodeEntry, ["spec", "podCIDR"], `pod ${pod.metadata.namespace}/${pod.metadata.name}: ${message}`);
}

/** What the controllers write back: how many pods there are and how many are ready. */
function reportStatus(inventory: Inventory): void {
	const candidates = new Candidates(inventory.list<Pod>("Pod").map((entry) => entry.object));
	const count = (owner: ReplicaSet | StatefulSet | DaemonSet): { all: number; ready: number } => {
		const selector = owner.spec?.selector;
		const own = candidates
			.of(owner)
			.filter((pod) => isActive(pod) && selector !== undefined && owns(owner, selector, pod));
		return { all: own.length, ready: own.filter(isReady).length };
	};
	const readyByOwner = new Map<string, { all: number; ready: number }>();
	for (const entry of inventory.list<ReplicaSet>("ReplicaSet")) {
		const counts = count(entry.object);
		const owner = entry.object.metadata.ownerReferences?.[0];
		if (owner !== undefined) readyByOwner.set(`${entry.object.metadata.namespace}/${owner.name}`, counts);
		if (!entry.observed) entry.object = replicaset.withStatus(entry.object, counts.all, counts.ready);
	}
	for (const entry of inventory.list<Deployment>("Deployment")) {
		if (entry.observed) continue;
		const counts = readyByOwner.get(`${entry.object.metadata.namespace}/${entry.object.metadata.name}`) ?? {
			all: 0,
			ready: 0,
		};
		entry.object = deployment.withStatus(entry.object, counts.all, counts.ready);
	}
	for (const entry of inventory.list<StatefulSet>("StatefulSet")) {
		const counts = count(entry.object);
		if (!entry.observed) entry.object = statefulset.withStatus(entry.object, counts.all, counts.ready);
	}
	const nodes = inventory.list<Node>("Node").map((entry) => entry.object);
	for (const entry of inventory.list<DaemonSet>("DaemonSet")) {
		if (entry.observed) continue;
		const counts = count(entry.object);
		const desired = nodes.filter((node) => daemonset.shouldRun(entry.object, node)).length;
		entry.object = daemonset.withStatus(entry.object, desired, counts.all, counts.ready);
	}
}
