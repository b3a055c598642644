// By what objects are found other than by their names: what the informers of components index by (client-go tools/cache: Indexers).

import type { Pod } from "./core.ts";
import type { KubernetesObject } from "./meta.ts";
import type { Labels } from "./selector.ts";

/** Told apart by resource and name; of two with one name the first one counts. */
export interface Index<T extends KubernetesObject = KubernetesObject> {
	readonly name: string;
	readonly resource: string;
	/** The values that an object is found under. They follow from the object alone. */
	valuesOf(object: T): readonly string[];
}

/** Where an index finds nothing else, it finds this: objects of a namespace that name no controller. */
export const orphansOf = (namespace: string | undefined): string => `${namespace ?? ""}/`;

/** By the uid of each owner; those without a controller also by `orphansOf` their namespace. */
export function byOwner(resource: string): Index {
	return {
		name: "owner",
		resource,
		valuesOf({ metadata }) {
			const { ownerReferences, namespace } = metadata;
			if (ownerReferences === undefined) return [orphansOf(namespace)];
			const uids = ownerReferences.map(({ uid }) => uid);
			return ownerReferences.some(({ controller }) => controller === true) ? uids : [...uids, orphansOf(namespace)];
		},
	};
}

/** Pods by the name of the node that they are bound to (the kubelet's `spec.nodeName`); others by ``. */
export const PODS_BY_NODE: Index<Pod> = {
	name: "node",
	resource: "pods",
	valuesOf: ({ spec }) => [spec?.nodeName ?? ""],
};

/** A label, or a selector's requirement of one, in a namespace. */
export const labelIn = (namespace: string | undefined, key: string, value: string): string =>
	`${namespace ?? ""} ${key}=${value}`;

/** By each of their labels, as `labelIn` has it. */
export function byLabel(resource: string): Index {
	return {
		name: "label",
		resource,
		valuesOf: ({ metadata: { namespace, labels = {} } }) =>
			Object.entries(labels).map(([key, value]) => labelIn(namespace, key, value)),
	};
}

/** Selectors that require no label to have some value, in a namespace. */
export const anyLabelIn = (namespace: string | undefined): string => `${namespace ?? ""} `;

/**
 * What has a selector by one label that it requires, the first in order of key, or by `anyLabelIn`. `labelsOf`: labels that an
 * object requires; undefined where it selects nothing.
 */
export function bySelector<T extends KubernetesObject>(
	resource: string,
	labelsOf: (object: T) => Labels | undefined,
): Index<T> {
	return {
		name: "selector",
		resource,
		valuesOf(object) {
			const labels = labelsOf(object);
			if (labels === undefined) return [];
			const { namespace } = object.metadata;
			const [first] = Object.keys(labels).sort();
			return [first === undefined ? anyLabelIn(namespace) : labelIn(namespace, first, labels[first] ?? "")];
		},
	};
}
