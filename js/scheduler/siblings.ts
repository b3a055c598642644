// Whom a pod is spread among where it says nothing: those that its Services and its controller select too
// (plugins/helper/spread.go: DefaultSelector).

import type { Pod, Service } from "../api/core.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { type Labels, selectsLabels } from "../api/selector.ts";
import { LabelIndex } from "./labelindex.ts";

/** Where the objects are. */
export interface Selecting {
	services: (namespace: string) => Iterable<Service>;
	/** A ReplicationController, ReplicaSet or StatefulSet. */
	owner: (kind: string, namespace: string, name: string) => KubernetesObject | undefined;
}

/** Services as they were looked up, by namespace. */
export type SiblingsState = ReadonlyMap<string, readonly Service[]>;

const OWNERS: ReadonlySet<string> = new Set(["ReplicationController", "ReplicaSet", "StatefulSet"]);

interface Known {
	namespace: string;
	labels: Labels;
	own: KubernetesObject | undefined;
	selector: LabelSelector | null;
}

function hasSame(a: Labels, b: Labels): boolean {
	if (a === b) return true;
	const keys = Object.keys(a);
	return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

export class Siblings {
	readonly #objects: Selecting;
	/** By namespace. */
	readonly #services = new Map<string, { all: readonly Service[]; index: LabelIndex<Service> }>();
	/** Whom was asked for last: pods of one controller come one after the other. */
	#last: Known | null = null;

	/** `state`: what another one had looked up. */
	constructor(objects: Selecting, state: SiblingsState = new Map()) {
		this.#objects = objects;
		for (const [namespace, services] of state) this.#services.set(namespace, indexed(services));
	}

	get state(): SiblingsState {
		return new Map(Array.from(this.#services, ([namespace, { all }]) => [namespace, all]));
	}

	/** Services of a namespace are others than they were. */
	forget(namespace: string): void {
		this.#services.delete(namespace);
		this.#last = null;
	}

	/** null: nobody. The same object for pods one after the other that have the same siblings. */
	of({ metadata }: Pod): LabelSelector | null {
		const { namespace = "", labels = {}, ownerReferences = [] } = metadata;
		const reference = ownerReferences.find(({ controller }) => controller === true);
		const own =
			reference !== undefined && OWNERS.has(reference.kind)
				? this.#objects.owner(reference.kind, namespace, reference.name)
				: undefined;
		const last = this.#last;
		if (last?.namespace === namespace && last.own === own && hasSame(labels, last.labels)) return last.selector;
		const selector = this.#selectorOf(namespace, labels, own, reference?.kind);
		this.#last = { namespace, labels, own, selector };
		return selector;
	}

	#selectorOf(
		namespace: string,
		labels: Labels,
		own: KubernetesObject | undefined,
		kind: string | undefined,
	): LabelSelector | null {
		const matchLabels: Record<string, string> = {};
		for (const { spec } of this.#index(namespace).of(labels))
			if (selectsLabels(spec?.selector ?? {}, labels)) Object.assign(matchLabels, spec?.selector);
		const selector = (own?.spec as { selector?: object } | undefined)?.selector ?? {};
		const { matchLabels: more = {}, matchExpressions = [] }: LabelSelector =
			kind === "ReplicationController" ? { matchLabels: selector as Record<string, string> } : selector;
		Object.assign(matchLabels, more);
		if (Object.keys(matchLabels).length + matchExpressions.length === 0) return null;
		return matchExpressions.length === 0 ? { matchLabels } : { matchLabels, matchExpressions };
	}

	#index(namespace: string): LabelIndex<Service> {
		let known = this.#services.get(namespace);
		if (known === undefined) {
			known = indexed([...this.#objects.services(namespace)]);
			this.#services.set(namespace, known);
		}
		return known.index;
	}
}

function indexed(all: readonly Service[]): { all: readonly Service[]; index: LabelIndex<Service> } {
	const index = new LabelIndex<Service>();
	for (const service of all) {
		const { selector } = service.spec ?? {};
		// Without a selector it has no pods.
		if (selector !== undefined && Object.keys(selector).length > 0) index.add(service, selector);
	}
	return { all, index };
}
