// The rules of all nodes of one family as the nodes' agents write them, sync after sync: what changes in the cluster reaches every
// node as its own kube-proxy would write it, so that rules which nothing concerns stay the very same, with their counters.

import type { Node } from "../../api/core.ts";
import type { UdpFrontend } from "../../kube-proxy/conntrack.ts";
import type { ChangedServices } from "../../kube-proxy/partial.ts";
import type { Ruleset } from "../../net/ruleset.ts";
import { ClusterRules, type ClusterRulesState, type RulesGroup } from "./rules.ts";

/** What happened since the last syncs. */
export interface SyncedChange {
	services: ChangedServices;
	/** Nodes that are new, or have other labels, addresses or networks. */
	nodes: readonly Node[];
	/** Names of nodes that are no more. */
	gone: readonly string[];
	/** hostPort chains of nodes that have others now, by name. */
	portmaps: ReadonlyMap<string, string | null>;
}

export interface RulesChange {
	/** For everyone who has them. */
	replaced: ReadonlyMap<Ruleset, Ruleset>;
	/** For some of those who have other ones, by node name. */
	given: ReadonlyMap<string, Ruleset>;
}

export interface Member {
	node: Node;
	group: RulesGroup;
}

export interface NodeSyncsState {
	rules: ClusterRulesState;
	members: readonly Member[];
}

export class NodeSyncs {
	#rules: ClusterRules;
	readonly #members = new Map<string, Member>();
	/** How many nodes each has. */
	readonly #sizes = new Map<RulesGroup, number>();

	constructor(rules: ClusterRules) {
		this.#rules = rules;
	}

	/** Copied. */
	get state(): NodeSyncsState {
		const { state, groups } = this.#rules.copied();
		const members = Array.from(this.#members.values(), ({ node, group }) => {
			return { node, group: groups.get(group) as RulesGroup };
		});
		return { rules: state, members };
	}

	/** Go on where others were, whose state they take. */
	static of({ rules, members }: NodeSyncsState): NodeSyncs {
		const syncs = new NodeSyncs(ClusterRules.of(rules));
		for (const { node, group } of members) syncs.#join(node, group);
		return syncs;
	}

	/** What a sync of these Services leaves to connections of UDP. Throws AddressError. */
	frontendsOf(services: ChangedServices): UdpFrontend[] {
		return this.#rules.frontendsOf(services);
	}

	/** By node name. */
	get members(): ReadonlyMap<string, Readonly<Member>> {
		return this.#members;
	}

	/** Throws AddressError; then these syncs are not to be used any more. */
	follow({ services, nodes, gone, portmaps }: SyncedChange): RulesChange {
		for (const name of gone) this.#leave(name);
		const replaced = new Map<Ruleset, Ruleset>();
		const given = new Map<string, Ruleset>();
		if (this.#rules.tells(services)) this.#tell(services, given);
		else for (const [before, now] of this.#rules.update(services)) replaced.set(before, now);
		for (const node of nodes) {
			const name = node.metadata.name ?? "";
			const before = this.#members.get(name)?.group;
			const portmap = portmaps.get(name) ?? before?.portmap ?? null;
			const group = before === undefined ? this.#rules.of(node, portmap) : this.#rules.resync(node, before, portmap);
			this.#join(node, group);
			given.set(name, group.rules.ruleset);
		}
		for (const [name, portmap] of portmaps) {
			const member = this.#members.get(name);
			if (member === undefined || member.group.portmap === portmap) continue;
			const group = this.#rules.resync(member.node, member.group, portmap, NOTHING);
			this.#join(member.node, group);
			given.set(name, group.rules.ruleset);
		}
		return { replaced, given };
	}

	/** Nodes may be told apart otherwise: each group of them is synced by what they have in common now. */
	#tell(services: ChangedServices, given: Map<string, Ruleset>): void {
		const updated = new Set(services.keys());
		this.#rules = this.#rules.after(services);
		const next = new Map<RulesGroup, Map<string, RulesGroup>>();
		for (const [name, { node, group }] of [...this.#members]) {
			const byLike = next.get(group) ?? new Map<string, RulesGroup>();
			next.set(group, byLike);
			const like = this.#rules.likenessOf(node);
			const now = byLike.get(like) ?? this.#rules.resync(node, group, group.portmap, updated);
			byLike.set(like, now);
			this.#join(node, now);
			given.set(name, now.rules.ruleset);
		}
	}

	#join(node: Node, group: RulesGroup): void {
		const name = node.metadata.name ?? "";
		if (this.#members.get(name)?.group !== group) this.#leave(name);
		if (!this.#members.has(name)) this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
		this.#members.set(name, { node, group });
	}

	#leave(name: string): void {
		const group = this.#members.get(name)?.group;
		if (group === undefined) return;
		this.#members.delete(name);
		const left = (this.#sizes.get(group) ?? 0) - 1;
		if (left > 0) this.#sizes.set(group, left);
		else {
			this.#sizes.delete(group);
			this.#rules.leave(group);
		}
	}
}

const NOTHING: ReadonlySet<string> = new Set();
