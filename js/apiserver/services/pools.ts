// What Services hold of the cluster: an IPAddress object for each ClusterIP (KEP-1880; pkg/registry/core/service/ipallocator),
// an entry for each node port (upstream: a bitmap in etcd). All of it is in the storage, so a fork or a restart has it too.

import { IP_MANAGED_BY, IP_MANAGER } from "../../api/labels.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { uidOf } from "../../api/names.ts";
import type { NetworkingV1ServiceCIDR } from "../../api/schema/types.generated.ts";
import { canonicalAddress, maskPrefix, parsePrefix } from "../../net/address.ts";
import { type Registry, timestamp } from "../registry/request.ts";
import { ClusterIPRange } from "./clusterip.ts";
import { familyName } from "./families.ts";
import { NODE_PORTS, NodePorts } from "./nodeport.ts";

const ADDRESSES = "ipaddresses.networking.k8s.io";
const CIDRS = "servicecidrs.networking.k8s.io";
/** Not served: what is taken of the node port range. */
const PORTS = "servicenodeports";

/** A Service, as what it holds names it. */
export interface Holder {
	namespace: string;
	name: string;
}

export class ServicePools {
	readonly #registry: Registry;
	readonly #ranges: ClusterIPRange[];
	readonly #ports: NodePorts;

	constructor(registry: Registry) {
		this.#registry = registry;
		this.#ports = new NodePorts(registry.nodePorts ?? NODE_PORTS);
		this.#ranges = registry.storage
			.list(CIDRS)
			.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
			// The first one is the server's own; later ones extend it.
			.sort(({ metadata: a }, { metadata: b }) => Number(b.name === "kubernetes") - Number(a.name === "kubernetes"))
			.flatMap((object) => (object as unknown as NetworkingV1ServiceCIDR).spec?.cidrs ?? [])
			.flatMap((text) => {
				const prefix = parsePrefix(text);
				return prefix === null ? [] : [new ClusterIPRange(maskPrefix(prefix))];
			});
	}

	/** Families that there are ranges of, the primary one first. */
	get families(): string[] {
		return [...new Set(this.#ranges.map(({ prefix }) => familyName(prefix.address)))];
	}

	/** What speaks against the address; null where nothing does. In a dry run what is taken does not count, as upstream. */
	refusal(address: string, dryRun: boolean): string | null {
		const family = familyName(address);
		const ranges = this.#ranges.filter(({ prefix }) => familyName(prefix.address) === family);
		if (!ranges.some((range) => range.contains(address))) {
			const texts = ranges.map(({ prefix }) => `${prefix.address}/${prefix.length}`).join(", ");
			return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${texts}`;
		}
		return !dryRun && this.isTaken(address) ? "provided IP is already allocated" : null;
	}

	/** A free address; null where the ranges of the family are full. */
	address(family: string, { namespace, name }: Holder): string | null {
		for (const range of this.#ranges) {
			if (familyName(range.prefix.address) !== family) continue;
			const found = range.pick(this.#registry.random, `Service ${namespace}/${name}`, (address) =>
				this.isTaken(address),
			);
			if (found !== null) return found;
		}
		return null;
	}

	/** What is held now: IPAddress objects of Services, and ports. */
	held(): { addresses: KubernetesObject[]; ports: number[] } {
		const { storage } = this.#registry;
		const isOfServices = ({ metadata }: KubernetesObject) => metadata.labels?.[IP_MANAGED_BY] === IP_MANAGER;
		return {
			addresses: storage.list(ADDRESSES).items.filter(isOfServices),
			ports: storage.list(PORTS).items.map(({ metadata }) => Number(metadata.name)),
		};
	}

	isTaken(address: string): boolean {
		return this.#registry.storage.get(ADDRESSES, "", addressName(address)) !== undefined;
	}

	/** As `refusal`, of a node port; a dry run does not ask for the range either. */
	portRefusal(port: number, dryRun: boolean): string | null {
		if (dryRun) return null;
		const { first, last } = this.#ports.range;
		if (!this.#ports.contains(port))
			return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
		return this.#registry.storage.get(PORTS, "", String(port)) === undefined
			? null
			: "provided port is already allocated";
	}

	/** A free node port beside `also`; null where the range is full. */
	port({ namespace, name }: Holder, also: ReadonlySet<number>, ...what: readonly (string | number)[]): number | null {
		const isTaken = (port: number) =>
			also.has(port) || this.#registry.storage.get(PORTS, "", String(port)) !== undefined;
		return this.#ports.pick(this.#registry.random, `Service ${namespace}/${name} ${what.join(" ")}`, isTaken);
	}

	take(addresses: readonly string[], ports: readonly number[], holder: Holder): void {
		for (const address of addresses) this.#registry.storage.put(ADDRESSES, this.#addressObject(address, holder));
		for (const port of ports)
			this.#registry.storage.put(PORTS, {
				apiVersion: "v1",
				kind: "ServiceNodePort",
				metadata: { name: String(port), annotations: { service: `${holder.namespace}/${holder.name}` } },
			});
	}

	release(addresses: readonly string[], ports: readonly number[]): void {
		for (const address of addresses) this.#registry.storage.remove(ADDRESSES, "", addressName(address));
		for (const port of ports) this.#registry.storage.remove(PORTS, "", String(port));
	}

	#addressObject(address: string, { namespace, name }: Holder): KubernetesObject {
		const { random, storage, clock } = this.#registry;
		const own = addressName(address);
		return {
			apiVersion: "networking.k8s.io/v1",
			kind: "IPAddress",
			metadata: {
				name: own,
				uid: uidOf(random, ADDRESSES, "", own, storage.revision),
				creationTimestamp: timestamp(clock),
				labels: {
					"ipaddress.kubernetes.io/ip-family": familyName(address),
					[IP_MANAGED_BY]: IP_MANAGER,
				},
			},
			spec: { parentRef: { resource: "services", namespace, name } },
		};
	}
}

/** As an IPAddress object is called. */
export const addressName = (address: string) => canonicalAddress(address) ?? address;
