// The rules of all nodes of one family as the nodes' agents write them, sync after sync: what changes in the cluster reaches every
// node as its own kube-proxy would write it, so that rules which nothing concerns stay the very same, with their counters.

import type { Node } from "../../api/core.ts";
import type { UdpFrontend } from "../../kube-proxy/conntrack.ts";
import type { ChangedServices } from "../../kube-proxy/partial.ts";
import type { NodeLook } from "../../kube-proxy/proxier.ts";
import type { Ruleset } from "../../net/ruleset.ts";
import { ClusterRules, type ClusterRulesState, type RulesGroup } from "./rules.ts";

/** What happened since the last syncs. */
export interface SyncedChange {
	services: ChangedServices;
	/** Of agents at rules that somebody else had changed, in order. */
	looks: readonly NodeLook[];
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
	/** Nodes that refused what their kube-proxies fed in. */
	failed: readonly string[];
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
	/** Nodes whose rules somebody else has changed. */
	readonly #foreign = new Set<string>();

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
	follow({ services, looks, nodes, gone, portmaps }: SyncedChange): RulesChange {
		for (const name of gone) this.#leave(name);
		// Each sync of a node whose rules somebody else has changed makes this another value.
		const unsynced = new Map([...this.#foreign].map((name) => [name, this.#members.get(name)?.group.foreign]));
		const replaced = new Map<Ruleset, Ruleset>();
		const given = new Map<string, Ruleset>();
		if (this.#rules.tells(services)) this.#tell(services, given);
		else {
			for (const [before, now] of this.#rules.update(services)) replaced.set(before, now);
			this.#syncForeign(services, given);
		}
		for (const look of looks) {
			const member = this.#members.get(look.node);
			if (member !== undefined) this.#give(look.node, this.#rules.look(member.node, member.group, look), given);
		}
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
			this.#give(name, this.#rules.resync(member.node, member.group, portmap, NOTHING), given);
		}
		const failed = [...given.keys()].filter((name) => {
			const foreign = this.#members.get(name)?.group.foreign;
			return foreign?.needsFull && foreign !== unsynced.get(name);
		});
		return { replaced, given, failed };
	}

	/** Somebody else has made a node's rules these. */
	edit(name: string, ruleset: Ruleset): void {
		const member = this.#members.get(name);
		if (member !== undefined) this.#join(member.node, this.#rules.edited(member.group, ruleset));
	}

	/** A node has other rules from here on, if they are. */
	#give(name: string, group: RulesGroup, given: Map<string, Ruleset>): void {
		const member = this.#members.get(name) as Member;
		if (member.group === group) return;
		this.#join(member.node, group);
		given.set(name, group.rules.ruleset);
	}

	/** Nodes whose rules somebody else has changed sync one by one. */
	#syncForeign(services: ChangedServices, given: Map<string, Ruleset>): void {
		if (services.size === 0) return;
		const updated = new Set(services.keys());
		for (const name of [...this.#foreign]) {
			const { node, group } = this.#members.get(name) as Member;
			this.#give(name, this.#rules.resync(node, group, group.portmap, updated), given);
		}
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
		if (group.foreign !== null) this.#foreign.add(name);
	}

	#leave(name: string): void {
		const group = this.#members.get(name)?.group;
		if (group === undefined) return;
		this.#members.delete(name);
		this.#foreign.delete(name);
		const left = (this.#sizes.get(group) ?? 0) - 1;
		if (left > 0) this.#sizes.set(group, left);
		else {
			this.#sizes.delete(group);
			this.#rules.leave(group);
		}
	}
}

const NOTHING: ReadonlySet<string> = new Set();
