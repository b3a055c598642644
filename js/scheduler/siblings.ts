// Whom a pod is spread among where it says nothing: those that its Services and its controller select too
// (plugins/helper/spread.go: DefaultSelector).

import type { Pod, Service } from "../api/core.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { selectsLabels } from "../api/selector.ts";
import { LabelIndex } from "./labelindex.ts";

/** Where the objects are. */
export interface Selecting {
	services: (namespace: string) => Iterable<Service>;
	/** A ReplicationController, ReplicaSet or StatefulSet. */
	owner: (kind: string, namespace: string, name: string) => KubernetesObject | undefined;
}

const OWNERS: ReadonlySet<string> = new Set(["ReplicationController", "ReplicaSet", "StatefulSet"]);

export class Siblings {
	readonly #objects: Selecting;
	readonly #services = new Map<string, LabelIndex<Service>>();

	constructor(objects: Selecting) {
		this.#objects = objects;
	}

	/** Services of a namespace are others than they were. */
	forget(namespace: string): void {
		this.#services.delete(namespace);
	}

	/** null: nobody. */
	of({ metadata }: Pod): LabelSelector | null {
		const { namespace = "", labels, ownerReferences = [] } = metadata;
		const matchLabels: Record<string, string> = {};
		for (const { spec } of this.#index(namespace).of(labels))
			if (selectsLabels(spec?.selector ?? {}, labels)) Object.assign(matchLabels, spec?.selector);
		const reference = ownerReferences.find(({ controller }) => controller === true);
		const own =
			reference !== undefined && OWNERS.has(reference.kind)
				? this.#objects.owner(reference.kind, namespace, reference.name)
				: undefined;
		const selector = (own?.spec as { selector?: object } | undefined)?.selector ?? {};
		const { matchLabels: more = {}, matchExpressions = [] }: LabelSelector =
			reference?.kind === "ReplicationController" ? { matchLabels: selector as Record<string, string> } : selector;
		Object.assign(matchLabels, more);
		if (Object.keys(matchLabels).length + matchExpressions.length === 0) return null;
		return matchExpressions.length === 0 ? { matchLabels } : { matchLabels, matchExpressions };
	}

	#index(namespace: string): LabelIndex<Service> {
		let index = this.#services.get(namespace);
		if (index === undefined) {
			index = new LabelIndex();
			for (const service of this.#objects.services(namespace)) {
				const { selector } = service.spec ?? {};
				// Without a selector it has no pods.
				if (selector !== undefined && Object.keys(selector).length > 0) index.add(service, selector);
			}
			this.#services.set(namespace, index);
		}
		return index;
	}
}
