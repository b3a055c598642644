// How many pods of a namespace a selector has on each node, kept up as pods come and go: what spreading asks for again and
// again. Pods that are going do not count (podtopologyspread/common.go: countPodsMatchSelector).

import type { Pod } from "../api/core.ts";
import type { LabelSelector } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import { LabelIndex } from "./labelindex.ts";

interface Group {
	readonly selector: LabelSelector;
	/** By node; those without a pod are not there. */
	readonly byNode: Map<string, number>;
}

export class PodCounts {
	/** By namespace. */
	readonly #index = new Map<string, LabelIndex<Group>>();
	readonly #groups = new Map<string, Group>();
	/** By namespace and label: what a selector that is new is asked of. */
	readonly #pods = new Map<string, Set<Pod>>();
	/** All that count. */
	readonly #all: () => Iterable<Pod>;
	/** Whom was asked for last. */
	#last: { namespace: string; group: Group } | null = null;

	constructor(all: () => Iterable<Pod>) {
		this.#all = all;
	}

	/** By node. A selector does not change. */
	of(namespace: string, selector: LabelSelector): ReadonlyMap<string, number> {
		const { group } = this.#last ?? {};
		if (this.#last?.namespace === namespace && group?.selector === selector) return group.byNode;
		const found = this.#groupOf(namespace, selector);
		this.#last = { namespace, group: found };
		return found.byNode;
	}

	#groupOf(namespace: string, selector: LabelSelector): Group {
		const key = `${namespace} ${JSON.stringify(selector)}`;
		const known = this.#groups.get(key);
		if (known !== undefined) return known;
		const group: Group = { selector, byNode: new Map() };
		this.#groups.set(key, group);
		const index = this.#index.get(namespace) ?? new LabelIndex<Group>();
		this.#index.set(namespace, index);
		index.add(group, selector.matchLabels ?? {});
		for (const pod of this.#candidates(namespace, selector)) countIn(group, pod, 1);
		return group;
	}

	/** A pod that came to its node, or left it: the same object. */
	count(pod: Pod, by: 1 | -1): void {
		const { labels = {}, namespace = "" } = pod.metadata;
		for (const key in labels) this.#file(`${namespace} ${key}=${labels[key]}`, pod, by);
		for (const group of this.#index.get(namespace)?.of(labels) ?? []) countIn(group, pod, by);
	}

	/** The same pod with the same labels, as another object. */
	replace(before: Pod, pod: Pod): void {
		const { labels = {}, namespace = "" } = pod.metadata;
		const slots = Object.entries(labels).map(([key, value]) => `${namespace} ${key}=${value}`);
		for (const slot of slots) {
			this.#file(slot, before, -1);
			this.#file(slot, pod, 1);
		}
	}

	#file(slot: string, pod: Pod, by: 1 | -1): void {
		const filed = this.#pods.get(slot);
		if (by < 0) filed?.delete(pod);
		else if (filed === undefined) this.#pods.set(slot, new Set([pod]));
		else filed.add(pod);
	}

	#candidates(namespace: string, { matchLabels = {} }: LabelSelector): Iterable<Pod> {
		let fewest: ReadonlySet<Pod> | null = null;
		for (const [key, value] of Object.entries(matchLabels)) {
			const filed = this.#pods.get(`${namespace} ${key}=${value}`);
			if (filed === undefined) return new Set();
			if (fewest === null || filed.size < fewest.size) fewest = filed;
		}
		return fewest ?? [...this.#all()].filter(({ metadata }) => (metadata.namespace ?? "") === namespace);
	}
}

function countIn({ selector, byNode }: Group, { metadata, spec }: Pod, by: 1 | -1): void {
	if (metadata.deletionTimestamp !== undefined || !selects(selector, metadata.labels)) return;
	const node = spec?.nodeName ?? "";
	const sum = (byNode.get(node) ?? 0) + by;
	if (sum === 0) byNode.delete(node);
	else byNode.set(node, sum);
}
