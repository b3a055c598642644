// What the server hands out to a Service that is created, changed or deleted: ClusterIPs, node ports, health check node ports
// (pkg/registry/core/service/storage/alloc.go, storage.go: beginCreate, beginUpdate, afterDelete). Nothing is taken before
// everything has been checked.

import type { KubernetesObject } from "../../api/meta.ts";
import type { CoreV1Service, CoreV1ServicePort, CoreV1ServiceSpec } from "../../api/schema/types.generated.ts";
import type { Registry } from "../registry/request.ts";
import type { Begun } from "../registry/strategy.ts";
import { internalError, invalid, invalidValue } from "../status.ts";
import { isHeadless, needsHealthCheck } from "../validation/service.ts";
import { same, staysPreferred, withFamilies } from "./families.ts";
import { type Holder, ServicePools } from "./pools.ts";

type Spec = CoreV1ServiceSpec;

const needsAddress = ({ type }: Spec) => type !== "ExternalName";
const hasNodePorts = ({ type }: Spec) => type === "NodePort" || type === "LoadBalancer";
const allocatesNodePorts = (spec: Spec) =>
	spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
export const addressesOf = ({ clusterIPs = [] }: Spec) => clusterIPs.filter((ip) => ip !== "" && ip !== "None");
const nodePortsOf = ({ ports = [] }: Spec) => [...new Set(ports.flatMap(({ nodePort }) => nodePort || []))];
export const portsOf = (spec: Spec) => [
	...nodePortsOf(spec),
	...(spec.healthCheckNodePort ? [spec.healthCheckNodePort] : []),
];

/** `before`: undefined of a new Service. Throws StatusError. */
export function begin(
	registry: Registry,
	object: KubernetesObject,
	before: KubernetesObject | undefined,
	dryRun: boolean,
): Begun {
	const pools = new ServicePools(registry);
	const { namespace = "", name = "" } = object.metadata;
	const holder = { namespace, name };
	const given = (object as CoreV1Service).spec ?? {};
	const was = (before as CoreV1Service | undefined)?.spec;
	const synced = withSyncedAddresses(was === undefined ? given : withAllocated(given, was), was);
	const families = withFamilies(synced, was, pools.families);
	if (Array.isArray(families)) throw invalid("", "Service", name, families);
	const addressed = withAddresses(pools, families, was, holder, dryRun);
	const spec = withPorts(pools, addressed, was, holder, dryRun);
	const dropped = was === undefined ? spec : withoutFormer(spec, was);
	const commit = () => {
		const [held, holds] = [was ?? {}, dropped];
		const [gone, fresh] = difference(addressesOf(held), addressesOf(holds));
		const [gonePorts, freshPorts] = difference(portsOf(held), portsOf(holds));
		pools.release(gone, gonePorts);
		pools.take(fresh, freshPorts, holder);
	};
	return { object: { ...object, spec: dropped }, commit };
}

/** afterDelete. */
export function release(registry: Registry, object: KubernetesObject): void {
	const spec = (object as CoreV1Service).spec ?? {};
	new ServicePools(registry).release(addressesOf(spec), portsOf(spec));
}

function difference<T>(before: readonly T[], now: readonly T[]): [gone: T[], fresh: T[]] {
	return [before.filter((one) => !now.includes(one)), now.filter((one) => !before.includes(one))];
}

/** patchAllocatedValues: what a client left out of an update stays as it was. */
function withAllocated(given: Spec, was: Spec): Spec {
	let spec = given;
	if (needsAddress(was) && needsAddress(spec)) {
		if (!spec.clusterIP && was.clusterIP) spec = { ...spec, clusterIP: was.clusterIP };
		if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === was.clusterIP && was.clusterIPs !== undefined)
			spec = { ...spec, clusterIPs: was.clusterIPs };
	}
	if (hasNodePorts(was) && hasNodePorts(spec) && spec.ports !== undefined) {
		const now = nodePortsOf(spec);
		const used = new Set(nodePortsOf(was).filter((port) => now.includes(port)));
		const byName = new Map((was.ports ?? []).map(({ name = "", nodePort }) => [name, nodePort]));
		spec = {
			...spec,
			ports: spec.ports.map((port) => {
				const old = byName.get(port.name ?? "");
				if (port.nodePort || !old || used.has(old)) return port;
				used.add(old);
				return { ...port, nodePort: old };
			}),
		};
	}
	if (needsHealthCheck(was) && needsHealthCheck(spec) && !spec.healthCheckNodePort && was.healthCheckNodePort)
		spec = { ...spec, healthCheckNodePort: was.healthCheckNodePort };
	return spec;
}

/** normalizeClusterIPs: clients that know clusterIP alone. */
function withSyncedAddresses(spec: Spec, was: Spec | undefined): Spec {
	const { clusterIP = "", clusterIPs = [] } = spec;
	if (was === undefined)
		return clusterIP !== "" && clusterIPs.length === 0 ? { ...spec, clusterIPs: [clusterIP] } : spec;
	if (clusterIP === (was.clusterIP ?? "") || !same(clusterIPs, was.clusterIPs ?? [])) return spec;
	if (clusterIP !== "") return { ...spec, clusterIPs: [clusterIP] };
	const { clusterIPs: _, ...rest } = spec;
	return rest;
}

function withAddresses(pools: ServicePools, spec: Spec, was: Spec | undefined, holder: Holder, dryRun: boolean): Spec {
	if (!needsAddress(spec) || isHeadless(spec)) return spec;
	if (was !== undefined && (staysPreferred(spec, was) || isHeadless(was))) return spec;
	const held = was === undefined || !needsAddress(was) ? [] : addressesOf(was);
	const families = spec.ipFamilies ?? [];
	// An address that is there already is no question of allocation.
	if (held.length > 0 && families.length <= (was?.ipFamilies ?? []).length) return spec;
	const given = spec.clusterIPs ?? [];
	const clusterIPs = families.map((family, i) => {
		const wanted = given[i] ?? "";
		if (held.includes(wanted) && i < held.length) return wanted;
		if (wanted === "") return pools.address(family, holder) ?? full(`failed to allocate a serviceIP: range is full`);
		const refusal = pools.refusal(wanted, dryRun);
		if (refusal === null) return wanted;
		const said = [...given, ...families.slice(given.length).map(() => "")];
		throw invalid("", "Service", holder.name, [
			invalidValue("spec.clusterIPs", said, `failed to allocate IP ${wanted}: ${refusal}`),
		]);
	});
	return { ...spec, clusterIP: clusterIPs[0] ?? "", clusterIPs };
}

function full(message: string): never {
	throw internalError(message);
}

function withPorts(pools: ServicePools, spec: Spec, was: Spec | undefined, holder: Holder, dryRun: boolean): Spec {
	const held = new Set(was === undefined ? [] : portsOf(was));
	const taken = new Set<number>();
	const allocation = new PortAllocation(pools, holder, held, taken, dryRun);
	const ports = hasNodePorts(spec) ? allocation.nodePorts(spec) : spec.ports;
	const complete = ports === undefined ? spec : { ...spec, ports };
	if (!needsHealthCheck(spec)) return complete;
	return { ...complete, healthCheckNodePort: allocation.healthCheck(spec.healthCheckNodePort ?? 0, was) };
}

class PortAllocation {
	readonly #pools: ServicePools;
	readonly #holder: Holder;
	readonly #held: ReadonlySet<number>;
	readonly #taken: Set<number>;
	readonly #dryRun: boolean;

	constructor(pools: ServicePools, holder: Holder, held: ReadonlySet<number>, taken: Set<number>, dryRun: boolean) {
		this.#pools = pools;
		this.#holder = holder;
		this.#held = held;
		this.#taken = taken;
		this.#dryRun = dryRun;
	}

	/** initNodePorts, updateNodePorts: one port number under two protocols shares a node port. */
	nodePorts(spec: Spec): CoreV1ServicePort[] {
		const ports = spec.ports ?? [];
		const byPort = new Map<number, number>();
		return ports.map((port, i) => {
			const { nodePort: given = 0 } = port;
			if (given === 0 && !allocatesNodePorts(spec)) return port;
			const shared = byPort.get(port.port);
			if (shared === undefined) {
				const asked = given || (ports.find((one) => one.port === port.port && one.nodePort)?.nodePort ?? 0);
				const nodePort = asked || this.#next(port.port);
				if (asked) this.#allocate(asked, i);
				byPort.set(port.port, nodePort);
				return { ...port, nodePort };
			}
			if (given === 0) return { ...port, nodePort: shared };
			if (given !== shared) this.#allocate(given, i);
			return port;
		});
	}

	healthCheck(given: number, was: Spec | undefined): number {
		if (given === 0) return this.#next("healthCheckNodePort");
		const refusal = this.#refusal(given);
		if (refusal !== null && !(was !== undefined && needsHealthCheck(was)))
			throw internalError(`failed to allocate requested HealthCheck NodePort ${given}: ${refusal}`);
		this.#taken.add(given);
		return given;
	}

	#refusal(port: number): string | null {
		if (this.#taken.has(port)) return "provided port is already allocated";
		return this.#held.has(port) ? null : this.#pools.portRefusal(port, this.#dryRun);
	}

	#allocate(port: number, index: number): void {
		const refusal = this.#refusal(port);
		if (refusal !== null)
			throw invalid("", "Service", this.#holder.name, [invalidValue(`spec.ports[${index}].nodePort`, port, refusal)]);
		this.#taken.add(port);
	}

	#next(what: string | number): number {
		const port =
			this.#pools.port(this.#holder, this.#taken, what) ?? full("failed to allocate a nodePort: range is full");
		this.#taken.add(port);
		return port;
	}
}

/** dropTypeDependentFields: what the former type needed and nobody changed. */
function withoutFormer(given: Spec, was: Spec): Spec {
	const spec: Spec = { ...given };
	const drop = (...names: (keyof Spec)[]) => {
		for (const name of names) if (same(spec[name], was[name])) delete spec[name];
	};
	if (needsAddress(was) && !needsAddress(spec)) drop("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy");
	if (hasNodePorts(was) && !hasNodePorts(spec) && spec.ports !== undefined && same(nodePortsOf(spec), nodePortsOf(was)))
		spec.ports = spec.ports.map(({ nodePort: _, ...port }) => port);
	if (needsHealthCheck(was) && !needsHealthCheck(spec)) drop("healthCheckNodePort");
	if (was.type === "LoadBalancer" && spec.type !== "LoadBalancer")
		drop("allocateLoadBalancerNodePorts", "loadBalancerClass");
	if (was.type === "ExternalName" && spec.type !== "ExternalName") drop("externalName");
	const external = ({ type, externalIPs = [] }: Spec) => hasNodePorts({ type } as Spec) || externalIPs.length > 0;
	if (external(was) && !external(spec)) drop("externalTrafficPolicy");
	if (was.type !== "ExternalName" && spec.type === "ExternalName") drop("internalTrafficPolicy");
	return spec;
}
