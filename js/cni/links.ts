// What a bridge plugin with host-local addresses makes of nodes and pods: a bridge cbr0 a node, a veth pair a pod, the
// routes of pods whose address lies outside the node's network, and who listens where. Of IPv6 nodes and pods have one
// address each beside that of IPv4.

import type { Container, Node, Pod } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import { isFinished } from "../api/pod.ts";
import { HUNG, LISTENING, PREFIX } from "../api/script.ts";
import { parsePrefix, prefixContains } from "../net/address.ts";
import type { Listener, NodeSpec, PodSpec } from "../net/topology.ts";

export interface LinkOptions {
	/** Whether bridge ports are hairpins, or the bridge is promiscuous: the bridge plugin does one of them at most. */
	hairpinMode: "hairpin-veth" | "promiscuous-bridge" | "none";
	/** A pod that declares no port listens on none, instead of on any. */
	strictPorts: boolean;
}

export interface Links {
	nodes: NodeSpec[];
	pods: PodSpec[];
	/** Pods with an address outside their node's network: the fabric needs a route each. */
	strays: Stray[];
	assumed: string[];
}

export interface Stray {
	pod: string;
	ip: string;
	/** Node name and address. */
	node: string;
	via: string;
}

const STRICT = `${PREFIX}strict-ports`;
/** kubelet's API and kube-proxy's healthz, on every node. */
const NODE_PORTS = [10250, 10256];

/** A pod's name in a topology. */
export function podName(pod: Pod): string {
	return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

/** The node's InternalIP of the IPv4 family. */
export function internalIP(node: Node): string | undefined {
	return addressOf(node, "InternalIP");
}

/** The node's InternalIP of the IPv6 family. */
export function internalIPv6(node: Node): string | undefined {
	return node.status?.addresses?.find((entry) => entry.type === "InternalIP" && entry.address.includes(":"))?.address;
}

export function externalIP(node: Node): string | undefined {
	return addressOf(node, "ExternalIP");
}

function addressOf(node: Node, type: string): string | undefined {
	return node.status?.addresses?.find((entry) => entry.type === type && !entry.address.includes(":"))?.address;
}

/** Whether the pod has a network namespace: bound, addressed, and not finished; one that has failed has it until its last container ends. */
export function isUp(pod: Pod): boolean {
	const { containerStatuses = [], initContainerStatuses = [], podIP } = pod.status ?? {};
	if (!pod.spec?.nodeName || !podIP) return false;
	return !isFinished(pod) || [...containerStatuses, ...initContainerStatuses].some(({ state }) => isRunning(state));
}

const isRunning = (state: unknown) => typeof state === "object" && state !== null && "running" in state;

/**
 * Nodes and pods as the engine's topology has them. Nodes need an InternalIP and a podCIDR.
 * `healthPorts`: healthCheckNodePorts, which kube-proxy serves on every node. `slices`: a node listens where an
 * endpoint has its address.
 */
export function linksOf(
	nodes: readonly Node[],
	pods: readonly Pod[],
	slices: readonly EndpointSlice[],
	healthPorts: readonly number[],
	options: LinkOptions,
): Links {
	const assumed: string[] = [];
	const specs = new Map<string, NodeSpec>();
	for (const node of nodes) specs.set(node.metadata.name ?? "", nodeSpec(node, options, healthPorts));
	const podSpecs: PodSpec[] = [];
	const strays: Stray[] = [];
	for (const pod of pods) {
		const node = specs.get(pod.spec?.nodeName ?? "");
		if (!isUp(pod) || node === undefined) continue;
		if (pod.spec?.hostNetwork === true) {
			listen(node, listeners(pod));
			continue;
		}
		const spec = podSpec(pod, node, options, assumed);
		if (spec === null) continue;
		podSpecs.push(spec);
		const stray = strayOf(spec, node);
		if (stray === null) continue;
		strays.push(stray);
		assumed.push(
			`route: ${spec.ip} of pod ${spec.name} is outside the pod network ${node.podCIDR} of ${node.name}, so it gets a /32 route`,
		);
	}
	listenForEndpoints(specs, slices, assumed);
	return { nodes: [...specs.values()], pods: podSpecs, strays, assumed };
}

function nodeSpec(node: Node, { hairpinMode }: LinkOptions, healthPorts: readonly number[]): NodeSpec {
	const [ip6, podCIDR6] = [internalIPv6(node), podCIDRv6(node)];
	return {
		...(ip6 === undefined ? {} : { ip6 }),
		...(ip6 === undefined || podCIDR6 === undefined ? {} : { podCIDR6 }),
		name: node.metadata.name ?? "",
		ip: internalIP(node) ?? "",
		podCIDR: podCIDRv4(node) ?? "",
		bridge: "cbr0",
		hairpin: hairpinMode === "hairpin-veth",
		...(hairpinMode === "promiscuous-bridge" ? { promisc: true } : {}),
		listen: [...NODE_PORTS, ...healthPorts].map((port) => ({ proto: "tcp", port })),
	};
}

export function podCIDRv4(node: Node): string | undefined {
	return podCIDRs(node).find((text) => !text.includes(":"));
}

export function podCIDRv6(node: Node): string | undefined {
	return podCIDRs(node).find((text) => text.includes(":"));
}

function podCIDRs({ spec }: Node): string[] {
	return [...(spec?.podCIDRs ?? []), ...(spec?.podCIDR ? [spec.podCIDR] : [])];
}

function podSpec(pod: Pod, node: NodeSpec, { strictPorts }: LinkOptions, assumed: string[]): PodSpec | null {
	const ips = [...(pod.status?.podIPs ?? []).map((entry) => entry.ip), pod.status?.podIP ?? ""];
	const ip = ips.find((text) => text !== "" && !text.includes(":"));
	const ip6 = ips.find((text) => text.includes(":"));
	const name = podName(pod);
	if (ip === undefined) {
		assumed.push(`not modelled: pod ${name} has no IPv4 address`);
		return null;
	}
	const spec: PodSpec = { name, node: node.name, ip, listen: listeners(pod) };
	if (ip6 !== undefined && node.podCIDR6 !== undefined) spec.ip6 = ip6;
	else if (ip6 !== undefined) assumed.push(`not modelled: ${ip6} of pod ${name}, its node has no network of IPv6`);
	// It takes no packet; its netns is there all the same.
	if (pod.status?.conditions?.some(({ type, status }) => type === HUNG && status === "True")) spec.silent = true;
	const strict = strictPorts || pod.metadata.annotations?.[STRICT] === "true";
	if (declaresNoPort(pod) && !strict && runs(pod)) {
		spec.listenAny = true;
		assumed.push(`listens: pod ${name} declares no port, so it is taken to listen on any`);
	}
	return spec;
}

function declaresNoPort(pod: Pod): boolean {
	return containersOf(pod).every((container) => (container.ports ?? []).length === 0);
}

/** Containers that run beside each other: the main ones and the sidecars. */
function containersOf(pod: Pod): Container[] {
	const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
	return [...(pod.spec?.containers ?? []), ...sidecars];
}

/** Whether some container of the pod runs. */
function runs(pod: Pod): boolean {
	return containersOf(pod).some((container) => containerRuns(pod, container));
}

/** One that waits or has ended, by its status, does not listen, nor does one that its kubelet says of; without a status it is taken to. */
function containerRuns(pod: Pod, container: Container): boolean {
	const notYet = pod.status?.conditions?.find(({ type }) => type === LISTENING);
	if (notYet?.status === "False" && notYet.message?.split(",").includes(container.name)) return false;
	const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
	const state = statuses.find((status) => status.name === container.name)?.state;
	if (typeof state !== "object" || state === null || Object.keys(state).length === 0) return true;
	return isRunning(state);
}

function listeners(pod: Pod): Listener[] {
	const running = containersOf(pod).filter((container) => containerRuns(pod, container));
	const ports = running.flatMap((container) => container.ports ?? []);
	return ports.map(({ protocol, containerPort }) => ({ proto: protoOf(protocol), port: containerPort }));
}

function protoOf(protocol: string | undefined): Listener["proto"] {
	if (protocol === "UDP") return "udp";
	return protocol === "SCTP" ? "sctp" : "tcp";
}

/** Adds listeners that the node does not have yet. */
function listen(node: NodeSpec, more: readonly Listener[]): void {
	node.listen ??= [];
	for (const listener of more) {
		if (!node.listen.some((other) => other.proto === listener.proto && other.port === listener.port))
			node.listen.push(listener);
	}
}

function strayOf(spec: PodSpec, node: NodeSpec): Stray | null {
	const prefix = parsePrefix(node.podCIDR);
	if (prefix === null || prefixContains(prefix, spec.ip)) return null;
	return { pod: spec.name, ip: spec.ip, node: node.name, via: node.ip };
}

/** An endpoint with a node's own address (the API server's, a hostNetwork pod's): something listens there. */
function listenForEndpoints(
	specs: ReadonlyMap<string, NodeSpec>,
	slices: readonly EndpointSlice[],
	assumed: string[],
): void {
	const byAddress = new Map<string, NodeSpec>();
	for (const spec of specs.values()) for (const ip of [spec.ip, spec.ip6 ?? spec.ip]) byAddress.set(ip, spec);
	for (const slice of slices) {
		for (const endpoint of slice.endpoints ?? []) {
			const node = byAddress.get(endpoint.addresses[0] ?? "");
			if (node === undefined || endpoint.conditions?.ready === false) continue;
			for (const { port, protocol } of slice.ports ?? []) {
				if (!port) continue;
				const before = node.listen?.length ?? 0;
				listen(node, [{ proto: protoOf(protocol), port }]);
				if ((node.listen?.length ?? 0) > before) {
					assumed.push(
						`listens: ${node.name} on ${protocol ?? "TCP"} ${port}, an endpoint of ${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME]}`,
					);
				}
			}
		}
	}
}
