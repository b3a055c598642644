// What controllers look up by owner, by labels and by selectors: through indexes, so that it costs what is found.

import { anyLabelIn, byLabel, byOwner, bySelector, type Index, labelIn } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { type Labels, selects, selectsLabels } from "../api/selector.ts";
import type { Store } from "../ports.ts";

/** Objects that name this uid among their owners, in order of name; of `orphansOf` a namespace: those without a controller. */
export function ownedBy<T extends KubernetesObject>(store: Store, resource: string, uid: string): readonly T[] {
	return store.indexed(byOwner(resource), uid) as readonly T[];
}

/** Objects of a namespace that carry all of these labels, in order of name. Without any: all of the namespace. */
export function labelled<T extends KubernetesObject>(
	store: Store,
	resource: string,
	namespace: string,
	labels: Labels,
): readonly T[] {
	const index = byLabel(resource);
	const values = Object.entries(labels).map(([key, value]) => labelIn(namespace, key, value));
	const [first, ...others] = values;
	if (first === undefined) return store.list<T>(resource, namespace);
	const counts = others.length === 0 ? [] : values.map((value) => store.countIndexed(index, value));
	const rarest = counts.length === 0 ? first : (values[counts.indexOf(Math.min(...counts))] ?? first);
	const found = store.indexed(index, rarest) as readonly T[];
	return others.length === 0 ? found : found.filter(({ metadata }) => selectsLabels(labels, metadata.labels));
}

/** Objects of a namespace that a selector selects, in order of name: all of an empty one, none of none. */
export function selected<T extends KubernetesObject>(
	store: Store,
	resource: string,
	namespace: string,
	selector: LabelSelector | null | undefined,
): readonly T[] {
	if (selector === null || selector === undefined) return [];
	const found = labelled<T>(store, resource, namespace, selector.matchLabels ?? {});
	return selector.matchExpressions === undefined
		? found
		: found.filter(({ metadata }) => selects(selector, metadata.labels));
}

/** Objects of a namespace whose selector selects these labels, in order of name. */
export function selecting<T extends KubernetesObject>(
	store: Store,
	resource: string,
	selectorOf: (object: T) => LabelSelector | null | undefined,
	{ namespace, labels = {} }: KubernetesObject["metadata"],
): T[] {
	const index: Index<T> = bySelector(resource, (object) => {
		const selector = selectorOf(object);
		return selector === null || selector === undefined ? undefined : (selector.matchLabels ?? {});
	});
	const values = Object.entries(labels).map(([key, value]) => labelIn(namespace, key, value));
	return [...values, anyLabelIn(namespace)]
		.flatMap((value) => store.indexed(index, value))
		.filter((object) => selects(selectorOf(object), labels))
		.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
