// A namespace that is deleted: what it still holds, said in its conditions, and when it may go
// (pkg/controller/namespace/deletion: namespaced_resources_deleter.go, status_condition_utils.go).

import type { KubernetesObject } from "../api/meta.ts";
import type { CoreV1NamespaceCondition } from "../api/schema/types.generated.ts";

export interface Contents {
	/** `pods`, `deployments.apps`. */
	resource: string;
	objects: readonly KubernetesObject[];
}

/** null: nothing is left, the finalizer `kubernetes` may go. `now`: RFC 3339. */
export function remainingConditions(
	contents: readonly Contents[],
	before: readonly CoreV1NamespaceCondition[],
	now: string,
): CoreV1NamespaceCondition[] | null {
	const left = contents.filter(({ objects }) => objects.length > 0);
	if (left.length === 0) return null;
	const finalizers = new Map<string, number>();
	for (const { metadata } of left.flatMap(({ objects }) => objects))
		for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
	const held = [...finalizers]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, count]) => `${name} in ${count} resource instances`);
	const kinds = left.map(
		({ resource, objects }) => `${qualifiedName(resource)} has ${objects.length} resource instances`,
	);
	const condition = (type: string, status: boolean, reason: string, message: string): CoreV1NamespaceCondition => {
		const was = before.find((known) => known.type === type);
		const state = status ? "True" : "False";
		const lastTransitionTime = was?.status === state ? (was.lastTransitionTime ?? now) : now;
		return { type, status: state, lastTransitionTime, reason, message };
	};
	return [
		condition(
			"NamespaceDeletionDiscoveryFailure",
			false,
			"ResourcesDiscovered",
			"All resources successfully discovered",
		),
		condition(
			"NamespaceDeletionGroupVersionParsingFailure",
			false,
			"ParsedGroupVersions",
			"All legacy kube types successfully parsed",
		),
		condition(
			"NamespaceDeletionContentFailure",
			false,
			"ContentDeleted",
			"All content successfully deleted, may be waiting on finalization",
		),
		condition(
			"NamespaceContentRemaining",
			true,
			"SomeResourcesRemain",
			`Some resources are remaining: ${kinds.sort().join(", ")}`,
		),
		held.length === 0
			? condition(
					"NamespaceFinalizersRemaining",
					false,
					"ContentHasNoFinalizers",
					"All content-preserving finalizers finished",
				)
			: condition(
					"NamespaceFinalizersRemaining",
					true,
					"SomeFinalizersRemain",
					`Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
				),
	];
}

/** A resource as upstream prints it: with its group's dot, even where the group is the core one. */
const qualifiedName = (resource: string) => (resource.includes(".") ? resource : `${resource}.`);
