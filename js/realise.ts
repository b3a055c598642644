// Intent to reality: manifests in, a running cluster's objects and network out. Pure and synchronous; the same input,
// configuration and seed give the same cluster. This is what the controllers do once from a standing start; rolling
// updates, probes and everything that takes time are theirs. Lives beside `cluster.ts`, whose composition it is.

import type { Namespace, Pod } from "./api/core.ts";
import type { KubernetesObject } from "./api/meta.ts";
import type { Configuration } from "./manifests/configuration.ts";
import type { Manifest } from "./manifests/manifest.ts";
import type { Random } from "./ports.ts";
import { type ClusterEvent, Inventory } from "./realise/inventory.ts";
import { type NetworkOptions, networkOf, type RealisedNetwork } from "./realise/network.ts";
import { realiseNodes } from "./realise/nodes.ts";
import { realiseServices } from "./realise/services.ts";
import { realiseWorkloads } from "./realise/workloads.ts";

export type { ClusterEvent } from "./realise/inventory.ts";

export interface RealiseOptions extends NetworkOptions {
	/** Whether an intended pod becomes ready; default: every pod does. */
	ready?: (pod: Pod) => boolean;
}

export interface Realised extends RealisedNetwork {
	/** Completed API objects: the input's in its order, then what the controllers made. */
	objects: KubernetesObject[];
	/** With the cluster CIDR and service CIDR that observed objects imply. */
	configuration: Configuration;
	/** What was taken to be so without being said, of objects and of the network: `listens: …`, `route: …`, `not modelled: …`. */
	assumed: string[];
	/** Of those, what is not the network's. */
	assumedObjects: string[];
	events: ClusterEvent[];
}

export function realise(
	manifests: readonly Manifest[],
	configuration: Configuration,
	random: Random,
	options: RealiseOptions = {},
): Realised {
	const inventory = new Inventory(manifests, random);
	const withNodes = realiseNodes(inventory, configuration);
	realiseWorkloads(inventory, options.ready ?? (() => true));
	const adjusted = realiseServices(inventory, withNodes);
	realiseNamespaces(inventory);
	const objects = inventory.objects();
	const network = networkOf(objects, adjusted, options);
	const { assumed: assumedObjects, events } = inventory;
	const assumed = [...assumedObjects, ...network.assumed];
	const errors = [...inventory.errors, ...network.errors];
	return { ...network, objects, configuration: adjusted, assumed, assumedObjects, events, errors };
}

/** Every namespace in use exists and carries its name as a label (KEP-2161). */
function realiseNamespaces(inventory: Inventory): void {
	const namespaces = inventory.list<Namespace>("Namespace");
	const known = new Set(namespaces.map((entry) => entry.object.metadata.name));
	for (const entry of namespaces) {
		const { metadata } = entry.object;
		if (!entry.observed) metadata.labels = { "kubernetes.io/metadata.name": metadata.name ?? "", ...metadata.labels };
	}
	for (const { metadata } of inventory.objects()) {
		const name = metadata.namespace;
		if (name === undefined || known.has(name)) continue;
		known.add(name);
		inventory.add<Namespace>({
			apiVersion: "v1",
			kind: "Namespace",
			metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
			status: { phase: "Active" },
		});
	}
}
