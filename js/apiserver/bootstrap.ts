// What an API server has from the start (pkg/controlplane: systemnamespaces, kubernetesservice, defaultservicecidr; the
// priority classes of pkg/registry/scheduling/rest): the namespaces, the Service ranges, and its own Service;
// and beside it the definitions of the Gateway API and of ClusterNetworkPolicy.

import type { KubernetesObject } from "../api/meta.ts";
import { definitions } from "../api/schema/definitions.generated.ts";
import type { AddressPrefix } from "../net/address.ts";
import { type OwnEndpoint, ownEndpointSlice, ownEndpoints, ownService, SECURE_PORT } from "./own.ts";
import { create } from "./registry/create.ts";
import { type Registry, stored, timestamp } from "./registry/request.ts";
import { update } from "./registry/update.ts";

export interface Bootstrap {
	/** One or two, of different families; the primary one first. */
	serviceCIDRs: readonly AddressPrefix[];
	/** Where the API server itself is reached; without: its Service leads nowhere yet. */
	endpoint?: OwnEndpoint;
}

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
const MANAGER = { fieldManager: "kube-apiserver" };

/** Makes what is missing; throws StatusError. Run again, it changes nothing. */
export function bootstrap(registry: Registry, { serviceCIDRs, endpoint }: Bootstrap): void {
	for (const definition of definitions()) ensure(registry, definition);
	for (const name of NAMESPACES) ensure(registry, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
	priorities(registry);
	ranges(registry, serviceCIDRs);
	const [primary] = serviceCIDRs;
	if (primary === undefined) return;
	ensure(registry, ownService(primary, endpoint?.port ?? SECURE_PORT));
	if (endpoint === undefined) return;
	ensure(registry, ownEndpoints(endpoint));
	ensure(registry, ownEndpointSlice(endpoint));
}

function ensure(registry: Registry, object: KubernetesObject): KubernetesObject {
	const resource = registry.catalogue.ofKind(object.apiVersion, object.kind);
	if (resource === undefined) throw new Error(`${object.apiVersion} ${object.kind} is not served`);
	const { name = "", namespace = "" } = object.metadata;
	return stored(registry, { resource, namespace, name }) ?? create(registry, resource, object, MANAGER);
}

function priorities(registry: Registry): void {
	const classes: [string, number, string][] = [
		[
			"system-node-critical",
			2_000_001_000,
			"Used for system critical pods that must not be moved from their current node.",
		],
		[
			"system-cluster-critical",
			2_000_000_000,
			"Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
		],
	];
	for (const [name, value, description] of classes)
		ensure(registry, {
			apiVersion: "scheduling.k8s.io/v1",
			kind: "PriorityClass",
			metadata: { name },
			value,
			description,
		} as KubernetesObject);
}

function ranges(registry: Registry, serviceCIDRs: readonly AddressPrefix[]): void {
	const cidrs = serviceCIDRs.map(({ address, length }) => `${address}/${length}`);
	const made = ensure(registry, {
		apiVersion: "networking.k8s.io/v1",
		kind: "ServiceCIDR",
		metadata: { name: "kubernetes" },
		spec: { cidrs },
	});
	if ((made.status as { conditions?: unknown[] } | undefined)?.conditions !== undefined) return;
	const resource = registry.catalogue.ofKind(made.apiVersion, made.kind);
	if (resource === undefined) return;
	const message = "Kubernetes default Service CIDR is ready";
	const lastTransitionTime = timestamp(registry.clock);
	const status = { conditions: [{ type: "Ready", status: "True", lastTransitionTime, reason: "", message }] };
	const written = { fieldManager: "kubernetes-service-cidr-controller", status: true };
	update(registry, { resource, namespace: "", name: "kubernetes" }, { ...made, status }, written);
}
