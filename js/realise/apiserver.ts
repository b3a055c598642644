// The API server as its clients in the cluster see it: its Service, the endpoint behind it, and the machine that listens
// there. Objects of the input come first: what `default/kubernetes` says, or leads to, in them is what holds.

import type { Endpoints, Node, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import { OWN, ownEndpointSlice, ownEndpoints, ownService } from "../apiserver/own.ts";
import { addressBeside, isControlPlane } from "../cloud/controlplane.ts";
import { internalIP, internalIPv6 } from "../cni/links.ts";
import { hasSelector } from "../controllers/endpoint.ts";
import type { Configuration } from "../manifests/configuration.ts";
import { ManifestError } from "../manifests/error.ts";
import { type AddressPrefix, familyOf, parsePrefix } from "../net/address.ts";
import type { HostSpec, Listener } from "../net/topology.ts";
import type { Inventory } from "./inventory.ts";

const isOwn = ({ metadata }: { metadata: { name?: string; namespace?: string } }) =>
	metadata.name === OWN.name && metadata.namespace === OWN.namespace;

const isSlice = ({ metadata }: EndpointSlice) =>
	metadata.namespace === OWN.namespace && metadata.labels?.[SERVICE_NAME] === OWN.name;

/** Before Services are given addresses: the first one is this one's. */
export function realiseOwnService(inventory: Inventory, { serviceCIDRs, apiServer }: Configuration): void {
	const [primary] = serviceCIDRs.value;
	if (apiServer.value === null || primary === undefined) return;
	if (inventory.list<Service>("Service").some(({ object }) => isOwn(object))) return;
	inventory.add(ownService(primary, apiServer.value.port));
}

/** After the controllers of endpoints: what they made nothing of. */
export function realiseOwnEndpoint(inventory: Inventory, configuration: Configuration): void {
	const { value, source } = configuration.apiServer;
	const service = inventory.list<Service>("Service").find(({ object }) => isOwn(object))?.object;
	if (value === null || service === undefined || hasSelector(service)) return;
	if (inventory.list<EndpointSlice>("EndpointSlice").some(({ object }) => isSlice(object))) return;
	const nodes = inventory.list<Node>("Node").map(({ object }) => object);
	const family = familyOf(service.spec?.clusterIP ?? "") ?? "ipv4";
	const addressOf = family === "ipv4" ? internalIP : internalIPv6;
	const controlPlane = nodes.find(isControlPlane);
	try {
		const chosen = value.address ?? (controlPlane === undefined ? undefined : addressOf(controlPlane));
		const address = chosen ?? addressBeside(networksOf(configuration, nodes.map(addressOf)), family);
		const endpoint = { address, port: value.port };
		if (!inventory.list<Endpoints>("Endpoints").some(({ object }) => isOwn(object)))
			inventory.add(ownEndpoints(endpoint));
		inventory.add(ownEndpointSlice(endpoint));
		if (chosen === undefined)
			inventory.assumed.push(
				`endpoint: Service ${OWN.namespace}/${OWN.name} leads to ${address}, a machine beside the nodes`,
			);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		inventory.errors.push(new ManifestError({ file: source, line: 0, column: 0 }, "", error.message));
	}
}

function networksOf(
	{ podCIDRs, serviceCIDRs, loadBalancerPool }: Configuration,
	nodes: readonly (string | undefined)[],
): AddressPrefix[] {
	// Not only the nodes' own addresses: their whole segment, which is not known.
	const around = nodes.flatMap((ip) => (ip ? (parsePrefix(ip.includes(":") ? `${ip}/64` : `${ip}/16`) ?? []) : []));
	return [...podCIDRs.value, ...serviceCIDRs.value, loadBalancerPool.value, ...around];
}

/** Machines that the Service leads to and that are no node and no pod: they listen there. */
export function apiHosts(slices: readonly EndpointSlice[], taken: ReadonlySet<string>): HostSpec[] {
	const listening = new Map<string, Listener[]>();
	for (const slice of slices.filter(isSlice)) {
		const listen = (slice.ports ?? []).flatMap(({ port }): Listener[] => (port ? [{ proto: "tcp", port }] : []));
		for (const address of (slice.endpoints ?? []).flatMap(({ addresses }) => addresses))
			if (!taken.has(address)) listening.set(address, [...(listening.get(address) ?? []), ...listen]);
	}
	return Array.from(listening, ([address, listen]) => ({
		name: address,
		...(familyOf(address) === "ipv6" ? { ip6: address } : { ip: address }),
		listen,
	}));
}
