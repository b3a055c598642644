// Services with their addresses, ports and endpoints: the API server's allocators, the cloud's load balancers, the
// EndpointSlice, Endpoints and mirroring controllers.

import type { Endpoints, Node, Pod, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME, SLICE_MANAGED_BY, ZONE } from "../api/labels.ts";
import { allocateServices } from "../apiserver/services/bulk.ts";
import { balance } from "../cloud/loadbalancer.ts";
import { externalIP } from "../cni/links.ts";
import { hasSelector } from "../controllers/endpoint.ts";
import { endpointsOf } from "../controllers/endpoints.ts";
import { slicesOf } from "../controllers/endpointslice.ts";
import { mirroredSlices, mirrors } from "../controllers/endpointslicemirroring.ts";
import { type ZoneShares, zoneShares } from "../controllers/topology.ts";
import type { Configuration } from "../manifests/configuration.ts";
import { canonicalAddress, familyOf, maskPrefix, parsePrefix, prefixContains } from "../net/address.ts";
import { realiseOwnEndpoint, realiseOwnService } from "./apiserver.ts";
import type { Entry, Inventory } from "./inventory.ts";

const CONTROLLER = "endpointslice-controller.k8s.io";

/** Completes the inventory's Services; the configuration with the service CIDR that observed ones imply. */
export function realiseServices(inventory: Inventory, configuration: Configuration): Configuration {
	const adjusted = withServiceCIDR(configuration, inventory.list<Service>("Service"));
	realiseOwnService(inventory, adjusted);
	const entries = inventory.list<Service>("Service");
	const allocated = allocateServices(
		entries.map((entry) => ({ service: entry.object, observed: entry.observed })),
		{ serviceCIDRs: adjusted.serviceCIDRs.value, nodePorts: adjusted.nodePorts.value },
		inventory.random,
	);
	const publicIPs = inventory.list<Node>("Node").flatMap(({ object }) => externalIP(object) ?? []);
	const balanced = balance(
		allocated.services,
		entries.map((entry) => entry.observed),
		publicIPs,
		adjusted.loadBalancerPool.value,
	);
	for (const { index, path, message } of [...allocated.errors, ...balanced.errors]) {
		const entry = entries[index];
		if (entry !== undefined) inventory.fail(entry, path, message);
	}
	inventory.assumed.push(...allocated.assumed, ...balanced.assumed);
	entries.forEach((entry, index) => {
		entry.object = balanced.services[index] ?? entry.object;
	});
	realiseEndpoints(inventory);
	realiseOwnEndpoint(inventory, adjusted);
	return adjusted;
}

/** A default service CIDR that observed Services contradict gives way to the /16 around them. */
function withServiceCIDR(configuration: Configuration, entries: readonly Entry<Service>[]): Configuration {
	if (configuration.serviceCIDRs.source !== "default") return configuration;
	const [current] = configuration.serviceCIDRs.value;
	const addresses = entries.flatMap(({ object, observed }) => {
		const address = canonicalAddress(object.spec?.clusterIP ?? "");
		return observed && address !== null && familyOf(address) === "ipv4" ? [address] : [];
	});
	const [first] = addresses;
	if (first === undefined || current === undefined || addresses.some((address) => prefixContains(current, address)))
		return configuration;
	const around = parsePrefix(`${first}/16`);
	return around === null
		? configuration
		: {
				...configuration,
				serviceCIDRs: { value: [maskPrefix(around)], source: "the /16 around the observed ClusterIPs" },
			};
}

function realiseEndpoints(inventory: Inventory): void {
	const slices = inventory.list<EndpointSlice>("EndpointSlice");
	const endpoints = inventory.list<Endpoints>("Endpoints");
	const services = inventory.list<Service>("Service");
	// A dump without any EndpointSlice (`kubectl get all` has none) says nothing about endpoints.
	const sliceless = !slices.some((entry) => entry.observed);
	const writer = new Writer(inventory);
	for (const entry of services) {
		const given = endpoints.find(({ object }) => sameName(object, entry.object));
		if (entry.observed && !sliceless) continue;
		if (entry.observed && given?.observed) {
			writer.mirror(given.object);
			inventory.assumed.push(
				`endpoints: ${entry.object.metadata.namespace}/${entry.object.metadata.name} from its Endpoints, the input has no EndpointSlice`,
			);
		} else if (hasSelector(entry.object)) {
			writer.write(entry.object, slices);
			if (entry.observed)
				inventory.assumed.push(
					`endpoints: ${entry.object.metadata.namespace}/${entry.object.metadata.name} by its selector, the input has neither EndpointSlices nor Endpoints`,
				);
		} else if (given !== undefined && !given.observed && mirrors(given.object)) writer.mirror(given.object);
	}
}

function sameName(
	a: { metadata: { name?: string; namespace?: string } },
	b: { metadata: { name?: string; namespace?: string } },
): boolean {
	return a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;
}

function labelKey(namespace = "default", [key, value]: [string, string]): string {
	return `${namespace} ${key}=${value}`;
}

/** The three endpoint controllers at work on one inventory. */
class Writer {
	private readonly inventory: Inventory;
	/** Pods by namespace and one label: a Service looks only at those that carry its first one. */
	private readonly podsByLabel = new Map<string, Pod[]>();
	private readonly nodes = new Map<string, Node>();
	private readonly zones = new Map<string, string>();
	private readonly shares: ZoneShares | null;

	constructor(inventory: Inventory) {
		this.inventory = inventory;
		for (const { object } of inventory.list<Pod>("Pod")) {
			for (const label of Object.entries(object.metadata.labels ?? {})) {
				const key = labelKey(object.metadata.namespace, label);
				const pods = this.podsByLabel.get(key);
				if (pods === undefined) this.podsByLabel.set(key, [object]);
				else pods.push(object);
			}
		}
		for (const { object } of inventory.list<Node>("Node")) {
			const name = object.metadata.name ?? "";
			this.nodes.set(name, object);
			const zone = object.metadata.labels?.[ZONE];
			if (zone) this.zones.set(name, zone);
		}
		this.shares = zoneShares([...this.nodes.values()]);
	}

	/** EndpointSlices and Endpoints by the Service's selector; the controller's earlier slices go. */
	write(service: Service, slices: readonly Entry<EndpointSlice>[]): void {
		const { namespace = "default", name = "" } = service.metadata;
		for (const { object } of slices) {
			const labels = object.metadata.labels ?? {};
			if (
				object.metadata.namespace === namespace &&
				labels[SERVICE_NAME] === name &&
				labels[SLICE_MANAGED_BY] === CONTROLLER
			)
				this.inventory.remove(object);
		}
		const [label] = Object.entries(service.spec?.selector ?? {});
		const pods = label === undefined ? [] : (this.podsByLabel.get(labelKey(namespace, label)) ?? []);
		const names = this.inventory.nameSet("EndpointSlice", namespace);
		for (const slice of slicesOf(service, {
			pods,
			nodeOf: (node) => this.nodes.get(node),
			names,
			random: this.inventory.random,
			shares: this.shares,
			heard: ({ type, reason, message }) => {
				if (type === "Warning") this.inventory.warn(service, reason, message);
			},
		}))
			this.inventory.add(slice);
		this.inventory.add(endpointsOf(service, pods));
	}

	mirror(endpoints: Endpoints): void {
		const names = this.inventory.nameSet("EndpointSlice", endpoints.metadata.namespace);
		for (const slice of mirroredSlices(endpoints, (node) => this.zones.get(node), names, this.inventory.random))
			this.inventory.add(slice);
	}
}
