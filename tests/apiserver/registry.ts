// An API with nothing in it but one namespace, at a time that stands still unless a test moves it.

import type { KubernetesObject } from "../../js/api/meta.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { Catalogue } from "../../js/apiserver/registry/catalogue.ts";
import { create } from "../../js/apiserver/registry/create.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { strategyOf } from "../../js/apiserver/registry/strategies.ts";
import { Storage } from "../../js/apiserver/storage/storage.ts";
import { seededRandom } from "../../js/sim/random.ts";

/** 2027-01-15T08:00:00Z, ns. */
export const NOW = 1_800_000_000_000_000_000n;

export function emptyRegistry(namespace: string, now: () => bigint = () => NOW): Registry {
	const registry: Registry = {
		storage: new Storage(),
		catalogue: new Catalogue(kubernetes),
		clock: { now },
		random: seededRandom(1),
		strategy: strategyOf,
	};
	made(registry, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
	return registry;
}

/** Throws where the kind is not served, and what `create` throws. */
export function made(registry: Registry, object: KubernetesObject): KubernetesObject {
	const resource = registry.catalogue.ofKind(object.apiVersion, object.kind);
	if (resource === undefined) throw new Error(`${object.apiVersion} ${object.kind} is not served`);
	return create(registry, resource, object);
}
