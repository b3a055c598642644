// Accounts at a standing start, as where their controllers have long been at work: each namespace has what a namespace gets, and an
// account that a pod or a template names is there, though the manifests may not have it. What is exported of a cluster often has not.

import type { KubernetesObject } from "../api/meta.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { create } from "../apiserver/registry/create.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { accountOf, rootCertificateOf } from "../controllers/serviceaccount.ts";

interface Running {
	serviceAccountName?: string;
	template?: { spec?: Running };
	jobTemplate?: { spec?: Running };
}

const RUNNING = [
	...["pods", "replicationcontrollers", "jobs.batch", "cronjobs.batch"],
	...["daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps"],
];

/** Of a spec, and of whatever pods come of it. */
function accountIn(spec: Running | undefined): string | undefined {
	if (spec === undefined) return undefined;
	return spec.serviceAccountName || accountIn(spec.template?.spec) || accountIn(spec.jobTemplate?.spec);
}

/** Makes what is missing. `rootCA`: PEM of the API server's authority; null: nobody knows it. */
export function ensureAccounts(registry: Registry, rootCA: string | null): void {
	const { storage } = registry;
	const spaces = new Set(storage.list("namespaces").items.map(({ metadata }) => metadata.name ?? ""));
	const wanted = new Map([...spaces].map((namespace) => [namespace, new Set(["default"])]));
	for (const resource of RUNNING)
		for (const { metadata, spec } of storage.list(resource).items) {
			const name = accountIn(spec as Running | undefined);
			if (name !== undefined) wanted.get(metadata.namespace ?? "")?.add(name);
		}
	for (const [namespace, names] of wanted) {
		for (const name of names) ensure(registry, "serviceaccounts", accountOf(namespace, name));
		if (rootCA !== null) ensure(registry, "configmaps", rootCertificateOf(namespace, rootCA));
	}
}

function ensure(registry: Registry, resource: string, object: KubernetesObject): void {
	const { namespace = "", name = "" } = object.metadata;
	if (registry.storage.get(resource, namespace, name) !== undefined) return;
	create(registry, registry.catalogue.ofKind(object.apiVersion, object.kind) as ServedResource, object);
}
