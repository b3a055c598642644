// An API with what one has from the start and one namespace more, at a time that stands still unless a test moves it.

import type { KubernetesObject } from "../../js/api/meta.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { bootstrap } from "../../js/apiserver/bootstrap.ts";
import { Catalogue } from "../../js/apiserver/registry/catalogue.ts";
import { create } from "../../js/apiserver/registry/create.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { strategyOf } from "../../js/apiserver/registry/strategies.ts";
import { Storage } from "../../js/apiserver/storage/storage.ts";
import { seededRandom } from "../../js/sim/random.ts";

/** 2027-01-15T08:00:00Z, ns. */
export const NOW = 1_800_000_000_000_000_000n;

export function emptyRegistry(namespace: string, now: () => bigint = () => NOW): Registry {
	const storage = new Storage();
	const registry: Registry = {
		storage,
		catalogue: new Catalogue(kubernetes, storage),
		clock: { now },
		random: seededRandom(1),
		strategy: strategyOf,
	};
	bootstrap(registry, {
		serviceCIDRs: [
			{ family: "ipv4", address: "10.96.0.0", length: 16 },
			{ family: "ipv6", address: "fd00:10:96::", length: 112 },
		],
		endpoint: { address: "10.0.0.10", port: 6444 },
	});
	if (registry.storage.get("namespaces", "", namespace) === undefined)
		made(registry, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
	return registry;
}

/** Throws where the kind is not served, and what `create` throws. */
export function made(registry: Registry, object: KubernetesObject): KubernetesObject {
	const resource = registry.catalogue.ofKind(object.apiVersion, object.kind);
	if (resource === undefined) throw new Error(`${object.apiVersion} ${object.kind} is not served`);
	return create(registry, resource, object);
}
