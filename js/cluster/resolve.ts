// References to the ends of a trace: who sends from which netns, and to which address and port. What a resolver or a cloud
// would do with names is not here: an `http://` reference takes Service names only.

import type { Pod, Service, ServicePort } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import { isUp, podName } from "../cni/links.ts";
import { familyOf, isLoopback } from "../net/address.ts";
import type { Netns, Network } from "../net/network.ts";
import { type PortReference, printReference, type Reference } from "../net/reference.ts";
import type { Topology } from "../net/topology.ts";
import type { Protocol } from "../trace/path.ts";
import { NotModelledError, UnknownReferenceError } from "./errors.ts";

export interface Target {
	address: string;
	/** null where the reference has none. */
	port: number | null;
	/** What the reference itself implies: a Service port's protocol. */
	proto: Protocol | null;
	/** The pods that the reference names or could mean, as the topology names them. */
	pods: string[];
	/** `NS/NAME` of the Service that has the address; null: none. */
	service: string | null;
	/** Nobody of the cluster has the address: a machine outside. */
	outside: boolean;
}

export interface Source {
	/** `pod:NS/NAME`, `node:NAME`, `host:IP`. */
	netns: string;
	/** The machine outside that sends; null: somebody of the cluster. */
	outside: string | null;
	pods: string[];
}

type Workload = KubernetesObject & { spec?: { selector?: { matchLabels?: Record<string, string> } } };

export class Resolver {
	readonly #objects: readonly KubernetesObject[];
	readonly #topology: Topology;
	readonly #clusterDomain: string;

	constructor(objects: readonly KubernetesObject[], topology: Topology, clusterDomain: string) {
		this.#objects = objects;
		this.#topology = topology;
		this.#clusterDomain = clusterDomain;
	}

	/** Throws UnknownReferenceError. */
	source(reference: Reference): Source {
		switch (reference.kind) {
			case "pod":
				return this.#sourcePod(this.#pod(reference.namespace, reference.name, reference));
			case "workload":
				return this.#sourcePod(this.#anyPod(reference));
			case "node":
				return { netns: `node:${this.#node(reference.name, reference).name}`, outside: null, pods: [] };
			case "host":
			case "address":
				return this.#sourceAddress(reference.address, reference);
			default:
				throw new UnknownReferenceError(printReference(reference), "expected who sends: a pod, a node or host/IP");
		}
	}

	/** Throws UnknownReferenceError, NotModelledError. */
	target(reference: Reference, proto: Protocol | null): Target {
		switch (reference.kind) {
			case "pod":
				return this.#targetPod(this.#pod(reference.namespace, reference.name, reference), reference.port, reference);
			case "workload":
				return this.#targetPod(this.#anyPod(reference), reference.port, reference);
			case "svc":
				return this.#service(reference.namespace, reference.name, reference.port, proto, reference);
			case "node":
				return this.#address(this.#node(reference.name, reference).ip, reference.port);
			case "host":
			case "address":
				return this.#address(reference.address, reference.port);
			case "url":
				return this.#url(reference);
		}
	}

	/** Name of whoever has an address in the cluster; null: nobody. */
	ownerOf(address: string): string | null {
		const { pods, nodes, hosts, router } = this.#topology;
		const pod = pods.find(({ ip, ip6 }) => ip === address || ip6 === address);
		if (pod) return `pod:${pod.name}`;
		const node = nodes.find(({ ip, ip6 }) => ip === address || ip6 === address);
		if (node) return `node:${node.name}`;
		const outside = Object.entries(router.nat11 ?? {}).find(([, external]) => external === address)?.[0];
		if (outside !== undefined) return this.ownerOf(outside);
		const host = hosts.find(({ ip, ip6 }) => ip === address || ip6 === address);
		return host ? `host:${host.name}` : null;
	}

	#pods(): Pod[] {
		return this.#objects.filter((object) => object.kind === "Pod") as Pod[];
	}

	/** The topology's name of a pod's netns: where it is a literal network, pods may have no namespace. */
	#sourcePod({ netns, name }: { netns: string; name: string }): Source {
		return { netns, outside: null, pods: [name] };
	}

	#sourceAddress(address: string, reference: Reference): Source {
		this.#needFamily(address);
		const owner = this.ownerOf(address);
		if (owner === null) return { netns: `host:${address}`, outside: address, pods: [] };
		if (reference.kind === "host" && !owner.startsWith("host:")) {
			throw new UnknownReferenceError(
				printReference(reference),
				`expected a machine outside; ${owner.replace(":", "/")} has this address`,
			);
		}
		return { netns: owner, outside: null, pods: owner.startsWith("pod:") ? [owner.slice(4)] : [] };
	}

	/** An IPv6 address in a network that has none would go nowhere, whatever was meant. */
	#needFamily(address: string): void {
		if (familyOf(address) !== "ipv6" || this.#topology.nodes.some(({ ip6 }) => ip6 !== undefined)) return;
		throw new NotModelledError(`IPv6 (${address})`, "no node has an IPv6 address and a podCIDR of IPv6");
	}

	#node(name: string, reference: Reference) {
		const node = this.#topology.nodes.find((one) => one.name === name);
		if (node !== undefined) return node;
		const names = this.#topology.nodes.map((one) => `node/${one.name}`);
		throw new UnknownReferenceError(
			printReference(reference),
			`there is no such node; there are ${list(names)}`,
			names,
		);
	}

	#pod(namespace: string, name: string, reference: Reference): { netns: string; name: string; pod: Pod | null } {
		const full = `${namespace}/${name}`;
		const spec = this.#topology.pods.find((one) => one.name === full || (namespace === "default" && one.name === name));
		const pod = this.#pods().find((one) => podName(one) === full) ?? null;
		if (spec !== undefined) return { netns: `pod:${spec.name}`, name: spec.name, pod };
		if (pod === null) {
			const known = this.#objects.length > 0 ? this.#pods().map(podName) : this.#topology.pods.map((one) => one.name);
			const names = known.map((one) => `pod/${one}`);
			throw new UnknownReferenceError(printReference(reference), "there is no such pod", names);
		}
		if (!isUp(pod)) {
			const why = pod.spec?.nodeName ? `is ${pod.status?.phase ?? "without address"}` : "is bound to no node";
			throw new UnknownReferenceError(printReference(reference), `the pod ${why}`);
		}
		if (pod.spec?.hostNetwork === true) return { netns: `node:${pod.spec.nodeName}`, name: full, pod };
		throw new NotModelledError(`pod ${full} without an IPv4 address`, "IPv4 only");
	}

	/** The first, by name, of a workload's ready pods. */
	#anyPod(reference: Extract<Reference, { kind: "workload" }>) {
		const { workload, namespace, name } = reference;
		const object = this.#objects.find(
			(one) => one.kind === workload && one.metadata.namespace === namespace && one.metadata.name === name,
		) as Workload | undefined;
		if (object === undefined) {
			const names = this.#objects
				.filter((one) => one.kind === workload)
				.map((one) => `${printReference(reference).split("/")[0]}/${one.metadata.namespace}/${one.metadata.name}`);
			throw new UnknownReferenceError(printReference(reference), `there is no such ${workload}`, names);
		}
		const selector = object.spec?.selector ?? null;
		const pods = this.#pods()
			.filter((pod) => pod.metadata.namespace === namespace && selects(selector, pod.metadata.labels))
			.sort((a, b) => (podName(a) < podName(b) ? -1 : 1));
		const ready = pods.find((pod) => isUp(pod) && isReady(pod));
		if (ready === undefined) {
			const counted = `${pods.length} pod${pods.length === 1 ? "" : "s"}`;
			throw new UnknownReferenceError(printReference(reference), `none of its ${counted} is ready`);
		}
		return this.#pod(namespace, ready.metadata.name ?? "", reference);
	}

	#targetPod(
		{ netns, name, pod }: { netns: string; name: string; pod: Pod | null },
		port: PortReference | null,
		reference: Reference,
	): Target {
		const address = netns.startsWith("node:")
			? this.#node(netns.slice(5), reference).ip
			: (this.#topology.pods.find((one) => one.name === name)?.ip ?? "");
		return { address, ...this.#podPort(pod, port, reference), pods: [name], service: null, outside: false };
	}

	#podPort(pod: Pod | null, port: PortReference | null, reference: Reference) {
		const ports = (pod?.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
		if (typeof port === "number") return { port, proto: null };
		const chosen =
			port === null ? (ports.length === 1 ? ports[0] : undefined) : ports.find(({ name }) => name === port);
		if (chosen !== undefined) return { port: chosen.containerPort, proto: protocolOf(chosen.protocol) };
		if (port === null) return { port: null, proto: null };
		throw new UnknownReferenceError(
			printReference(reference),
			`the pod has no port of this name; it has ${list(ports.map((one) => one.name ?? String(one.containerPort)))}`,
		);
	}

	#service(
		namespace: string,
		name: string,
		port: PortReference | null,
		proto: Protocol | null,
		reference: Reference,
	): Target {
		const services = this.#objects.filter(({ kind }) => kind === "Service") as Service[];
		const service = services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
		if (service === undefined) {
			const names = services.map(({ metadata }) => `svc/${metadata.namespace}/${metadata.name}`);
			const without = printReference({ kind: "svc", namespace, name, port: null });
			throw new UnknownReferenceError(without, "there is no such Service", names);
		}
		if (service.spec?.type === "ExternalName") {
			throw new NotModelledError(
				`the ExternalName Service ${namespace}/${name}`,
				`it is a DNS alias of ${service.spec.externalName}`,
			);
		}
		const own = `${namespace}/${name}`;
		const chosen = this.#servicePort(service, port, proto, reference);
		const slices = this.#slicesOf(service);
		const pods = slices.flatMap((slice) =>
			(slice.endpoints ?? []).flatMap(({ targetRef }) =>
				targetRef?.kind === "Pod" ? [`${targetRef.namespace ?? namespace}/${targetRef.name}`] : [],
			),
		);
		const address = [service.spec?.clusterIP, ...(service.spec?.clusterIPs ?? [])].find(
			(ip) => ip !== undefined && familyOf(ip) === "ipv4",
		);
		if (address !== undefined)
			return {
				address,
				port: chosen?.port ?? null,
				proto: protocolOf(chosen?.protocol),
				pods,
				service: own,
				outside: false,
			};
		if (service.spec?.clusterIP !== "None")
			throw new NotModelledError(`Service ${namespace}/${name} without an IPv4 ClusterIP`, "IPv4 only");
		return { ...this.#headless(slices, chosen, reference), pods, service: own };
	}

	/** What a client that resolves a headless Service gets: the first ready address. */
	#headless(
		slices: readonly EndpointSlice[],
		port: ServicePort | null,
		reference: Reference,
	): Omit<Target, "pods" | "service"> {
		for (const slice of slices) {
			const ready = (slice.endpoints ?? []).find(({ conditions }) => conditions?.ready !== false);
			const address = ready?.addresses[0];
			if (address === undefined || familyOf(address) !== "ipv4") continue;
			const own = slice.ports?.find((one) => (one.name ?? "") === (port?.name ?? ""));
			return { address, port: own?.port ?? port?.port ?? null, proto: protocolOf(port?.protocol), outside: false };
		}
		throw new UnknownReferenceError(
			printReference(reference),
			"the headless Service has no ready endpoint: its name has no address",
		);
	}

	#slicesOf({ metadata }: Service): EndpointSlice[] {
		const slices = this.#objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[];
		return slices.filter(
			(slice) =>
				slice.metadata.namespace === metadata.namespace && slice.metadata.labels?.[SERVICE_NAME] === metadata.name,
		);
	}

	#servicePort(
		service: Service,
		port: PortReference | null,
		proto: Protocol | null,
		reference: Reference,
	): ServicePort | null {
		const ports = service.spec?.ports ?? [];
		if (proto === "icmp") return null;
		const named = ports.filter(
			(one) => port === null || one.port === port || (typeof port === "string" && one.name === port),
		);
		const fitting = named.filter((one) => proto === null || protocolOf(one.protocol) === proto);
		const chosen = fitting.find((one) => protocolOf(one.protocol) === "tcp") ?? fitting[0];
		if (chosen !== undefined && (port !== null || ports.length === 1)) return chosen;
		// A port that the Service does not have: the packet is sent all the same, and what becomes of it is the answer.
		if (typeof port === "number") return { port } as ServicePort;
		const known = ports.map((one) => `${one.name ? `${one.name} ` : ""}${one.port}/${one.protocol ?? "TCP"}`);
		throw new UnknownReferenceError(
			printReference(reference),
			port === null ? `which port? It has ${list(known)}` : `the Service has no such port; it has ${list(known)}`,
		);
	}

	#address(address: string, port: number | null): Target {
		this.#needFamily(address);
		const owner = this.ownerOf(address);
		const services = this.#objects.filter(({ kind }) => kind === "Service") as Service[];
		const service = services.find((one) => addressesOf(one).includes(address));
		const routed = this.#topology.router.lb?.[address] !== undefined;
		return {
			address,
			port,
			proto: null,
			pods: owner?.startsWith("pod:") ? [owner.slice(4)] : [],
			service: service ? `${service.metadata.namespace}/${service.metadata.name}` : null,
			outside: owner === null && service === undefined && !routed && !isLoopback(address),
		};
	}

	#url(reference: Extract<Reference, { kind: "url" }>): Target {
		if (familyOf(reference.host) !== null) return this.#address(reference.host, reference.port);
		const labels = reference.host.replace(/\.$/, "").split(".");
		const domain = ["svc", ...this.#clusterDomain.split(".")];
		const rest = labels.slice(2);
		const [name = "", namespace = "default"] = labels;
		if (rest.every((label, i) => label === domain[i]))
			return this.#service(namespace, name, reference.port, "tcp", reference);
		throw new NotModelledError(`resolving ${reference.host}`, "name a Service (http://NAME.NAMESPACE) or an address");
	}
}

/** The netns of a node by name; `router` is the fabric's. Throws UnknownReferenceError. */
export function netnsOfNode({ netns: all }: Network, node: string): Netns {
	const found = all.find(({ name }) => name === `node:${node}` || (node === "router" && name === "router"));
	if (found !== undefined) return found;
	const names = all.flatMap(({ name }) => (name.startsWith("node:") ? [name.slice("node:".length)] : []));
	throw new UnknownReferenceError(node, `there is no such node; there are ${[...names, "router"].join(", ")}`, names);
}

function addressesOf({ spec, status }: Service): string[] {
	const ingress = status?.loadBalancer?.ingress ?? [];
	return [
		spec?.clusterIP,
		...(spec?.clusterIPs ?? []),
		...(spec?.externalIPs ?? []),
		...ingress.map(({ ip }) => ip),
	].filter((ip) => ip !== undefined);
}

function isReady(pod: Pod): boolean {
	const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
	return ready === undefined || ready.status === "True";
}

function protocolOf(protocol: string | undefined): Protocol {
	return (protocol ?? "TCP").toLowerCase() as Protocol;
}

function list(words: readonly string[]): string {
	if (words.length === 0) return "none";
	return words.length > 12 ? `${words.slice(0, 12).join(", ")} and ${words.length - 12} more` : words.join(", ");
}
