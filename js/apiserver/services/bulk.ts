// What happens when Services are created: families, ClusterIPs, NodePorts and health-check NodePorts are allocated
// (pkg/registry/core/service/storage/alloc.go). Given values are reserved before any is drawn, so that the order of a
// manifest does not matter. A clash, an address outside the range and a full range are findings with a field path.

import type { IPFamily, Service, ServicePort } from "../../api/core.ts";
import { type AddressPrefix, canonicalAddress, familyOf } from "../../net/address.ts";
import type { Random } from "../../ports.ts";
import { withServiceDefaults } from "../defaults/objects.ts";
import { ClusterIPRange } from "./clusterip.ts";
import { NodePorts, type PortRange } from "./nodeport.ts";

export interface ServiceRanges {
	/** One or two prefixes, the cluster's primary family first. */
	serviceCIDRs: AddressPrefix[];
	nodePorts: PortRange;
}

/** Something wrong with one Service, by its index in the input. */
export interface Finding {
	index: number;
	path: (string | number)[];
	message: string;
}

export interface Allocation {
	/** As the input, completed. */
	services: Service[];
	errors: Finding[];
	assumed: string[];
}

/** A Service and whether it is taken as it was observed. */
export interface ServiceInput {
	service: Service;
	observed: boolean;
}

/** The IPv6 range of a cluster that has none while a Service requires both families; kubeadm's documents use it. */
const IPV6_RANGE: AddressPrefix = { family: "ipv6", address: "fd00:10:96::", length: 112 };

export function allocateServices(inputs: readonly ServiceInput[], ranges: ServiceRanges, random: Random): Allocation {
	const allocator = new ServiceAllocator(ranges, random);
	const services = inputs.map(({ service, observed }) => (observed ? service : withServiceDefaults(service)));
	services.forEach((service, index) => {
		allocator.reserve(service, index, inputs[index]?.observed ?? false);
	});
	const completed = services.map((service, index) =>
		inputs[index]?.observed ? service : allocator.complete(service, index),
	);
	return { services: completed, errors: allocator.errors, assumed: allocator.assumed };
}

class ServiceAllocator {
	readonly errors: Finding[] = [];
	readonly assumed: string[] = [];
	private readonly ranges: ClusterIPRange[];
	private readonly nodePorts: NodePorts;
	private readonly random: Random;

	constructor({ serviceCIDRs, nodePorts }: ServiceRanges, random: Random) {
		this.ranges = serviceCIDRs.map((prefix) => new ClusterIPRange(prefix));
		this.nodePorts = new NodePorts(nodePorts);
		this.random = random;
		// The API server gives the first address to its own Service.
		for (const range of this.ranges) range.take(firstOf(range), "Service default/kubernetes");
	}

	private fail(index: number, path: (string | number)[], message: string): void {
		this.errors.push({ index, path, message });
	}

	/** Takes what the Service names itself. */
	reserve(service: Service, index: number, observed: boolean): void {
		const spec = service.spec ?? {};
		const title = titleOf(service);
		if (spec.type !== "ExternalName") {
			givenIPs(service).forEach((text, i) => {
				this.reserveIP(
					text,
					title,
					index,
					i === 0 && !spec.clusterIPs?.length ? ["spec", "clusterIP"] : ["spec", "clusterIPs", i],
					observed,
				);
			});
		}
		const own = new Set<number>();
		(spec.ports ?? []).forEach((port, p) => {
			if (!port.nodePort || own.has(port.nodePort)) return;
			own.add(port.nodePort);
			this.reservePort(port.nodePort, title, index, ["spec", "ports", p, "nodePort"], observed);
		});
		if (spec.healthCheckNodePort)
			this.reservePort(spec.healthCheckNodePort, title, index, ["spec", "healthCheckNodePort"], observed);
	}

	private reserveIP(text: string, title: string, index: number, path: (string | number)[], observed: boolean): void {
		const address = canonicalAddress(text) ?? text;
		const family = familyOf(address);
		const range = this.ranges.find((candidate) => candidate.contains(address));
		if (range === undefined) {
			if (observed || !this.ranges.some((candidate) => candidate.prefix.family === family)) return;
			const valid = this.ranges.map((candidate) => `${candidate.prefix.address}/${candidate.prefix.length}`).join(", ");
			this.fail(index, path, `${address} is not in the service CIDR ${valid} (--service-cidr)`);
			return;
		}
		const apiserver = title === "Service default/kubernetes" && range.owner(address) === title;
		const holder = apiserver ? null : range.take(address, title);
		if (holder !== null) this.fail(index, path, `${address} is already allocated to ${holder}`);
	}

	private reservePort(port: number, title: string, index: number, path: (string | number)[], observed: boolean): void {
		const { first, last } = this.nodePorts.range;
		if (!this.nodePorts.contains(port)) {
			if (!observed) this.fail(index, path, `${port} is not in the node port range ${first}-${last}`);
			return;
		}
		const holder = this.nodePorts.take(port, title);
		if (holder !== null) this.fail(index, path, `${port} is already allocated to ${holder}`);
	}

	/** The Service with everything that the API server allocates. */
	complete(service: Service, index: number): Service {
		const spec = { ...service.spec };
		if (spec.type === "ExternalName") return { ...service, spec, status: service.status ?? { loadBalancer: {} } };
		const complete: Service = {
			...service,
			spec: { ...spec, ...this.families(service, index) },
			status: service.status ?? { loadBalancer: {} },
		};
		this.allocateIPs(complete, index);
		this.allocatePorts(complete, index);
		return complete;
	}

	/** ipFamilies and ipFamilyPolicy (KEP-563). */
	private families(
		service: Service,
		index: number,
	): { ipFamilies: IPFamily[]; ipFamilyPolicy: "SingleStack" | "PreferDualStack" | "RequireDualStack" } {
		const spec = service.spec ?? {};
		const known = this.ranges.map((range) => familyName(range));
		const given = spec.ipFamilies?.length ? [...spec.ipFamilies] : givenIPs(service).map(familyOfText);
		const policy = spec.ipFamilyPolicy ?? (given.length > 1 ? "RequireDualStack" : "SingleStack");
		const families = given.length > 0 ? given : known.slice(0, 1);
		const missing: IPFamily = families[0] === "IPv4" ? "IPv6" : "IPv4";
		const both = policy === "RequireDualStack" || (policy === "PreferDualStack" && known.includes(missing));
		if (both && families.length === 1) families.push(missing);
		for (const family of families) this.needFamily(family, policy, index);
		return { ipFamilies: families, ipFamilyPolicy: policy };
	}

	private needFamily(family: IPFamily, policy: string, index: number): void {
		if (this.ranges.some((range) => familyName(range) === family)) return;
		if (family === "IPv4") {
			this.fail(index, ["spec", "ipFamilies"], "this cluster has no IPv4 service CIDR (--service-cidr)");
			return;
		}
		this.ranges.push(new ClusterIPRange(IPV6_RANGE));
		this.assumed.push(
			`service CIDR ${IPV6_RANGE.address}/${IPV6_RANGE.length}: a Service asks for IPv6 (${policy}) and no IPv6 service CIDR is given`,
		);
	}

	private allocateIPs(service: Service, index: number): void {
		const spec = service.spec;
		if (spec === undefined) return;
		if (spec.clusterIP === "None") {
			spec.clusterIPs = ["None"];
			return;
		}
		const title = titleOf(service);
		const given = givenIPs(service);
		spec.clusterIPs = (spec.ipFamilies ?? []).flatMap((family, i) => {
			const own = given[i] ?? given.find((text) => familyOfText(text) === family);
			if (own !== undefined) return [own];
			const range = this.ranges.find((candidate) => familyName(candidate) === family);
			const address = range?.next(this.random, title) ?? null;
			if (address === null && range !== undefined)
				this.fail(
					index,
					["spec", "clusterIP"],
					`the service CIDR ${range.prefix.address}/${range.prefix.length} is full`,
				);
			return address === null ? [] : [address];
		});
		spec.clusterIP = spec.clusterIPs[0] ?? "";
	}

	private allocatePorts(service: Service, index: number): void {
		const spec = service.spec;
		if (spec === undefined || (spec.type !== "NodePort" && spec.type !== "LoadBalancer")) return;
		if (spec.type === "NodePort" || spec.allocateLoadBalancerNodePorts !== false) {
			spec.ports = this.nodePortsFor(spec.ports ?? [], titleOf(service), index);
		}
		if (spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local" && !spec.healthCheckNodePort) {
			const port = this.nodePorts.next(this.random, `${titleOf(service)} healthCheckNodePort`);
			if (port === null) this.fail(index, ["spec", "healthCheckNodePort"], "the node port range is full");
			else spec.healthCheckNodePort = port;
		}
	}

	/** One port number under two protocols shares a node port. */
	private nodePortsFor(ports: readonly ServicePort[], title: string, index: number): ServicePort[] {
		const byPort = new Map<number, number>();
		for (const port of ports) if (port.nodePort && !byPort.has(port.port)) byPort.set(port.port, port.nodePort);
		return ports.map((port, p) => {
			if (port.nodePort) return port;
			const nodePort = byPort.get(port.port) ?? this.nodePorts.next(this.random, `${title} ${port.port}`);
			if (nodePort === null) {
				this.fail(index, ["spec", "ports", p, "nodePort"], "the node port range is full");
				return port;
			}
			byPort.set(port.port, nodePort);
			return { ...port, nodePort };
		});
	}
}

export function titleOf(service: Service): string {
	return `Service ${service.metadata.namespace}/${service.metadata.name}`;
}

/** The ClusterIPs that a manifest names. */
function givenIPs(service: Service): string[] {
	const spec = service.spec ?? {};
	const list = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""];
	return list.filter((text) => text !== "" && text !== "None");
}

function familyOfText(text: string): IPFamily {
	return familyOf(text) === "ipv6" ? "IPv6" : "IPv4";
}

function familyName(range: ClusterIPRange): IPFamily {
	return range.prefix.family === "ipv6" ? "IPv6" : "IPv4";
}

function firstOf(range: ClusterIPRange): string {
	return range.at(0);
}
