// The syncs of single Services that follow a node's full sync, as edits of its tables: what `syncNode` with `updatedServices`
// makes of the node's rules, without writing or reading anything of other Services. Every sync flushes the chains that are
// common to all Services and writes them again, mostly with the same rules, whose counters begin anew.
// Upstream: syncProxyRules in pkg/proxy/iptables/proxier.go (tryPartialSync).

import type { EndpointSlice } from "../api/discovery.ts";
import { editTable, findChain } from "../net/edited.ts";
import { applyRestore, emptyRuleset } from "../net/iptables/index.ts";
import type { Chain, Rule, Ruleset, Table } from "../net/ruleset.ts";
import { buildEndpointsMap, type EndpointInfo } from "./endpointsmap.ts";
import { planServicePort, type ServicePortPlan } from "./plan.ts";
import { TableText } from "./rules.ts";
import { writeFilterRules } from "./rules-filter.ts";
import { declareFilterChains, declareNatChains, writeMartianGuard } from "./rules-fixed.ts";
import { type NatContext, writeNatChains, writeNatEntries } from "./rules-nat.ts";
import { LARGE_CLUSTER_ENDPOINTS, type SyncInput, type SyncResult } from "./sync.ts";

/** Every Service whose slices changed, `namespace/name`, and all the slices that it has now. */
export type ChangedSlices = ReadonlyMap<string, readonly EndpointSlice[]>;

/** What a sync does to one table. */
export interface SyncEdit {
	table: "filter" | "nat";
	/** Chains that it flushes and writes, and their rules: the same array where they are the same. */
	written: ReadonlyMap<string, Rule[]>;
	deleted: ReadonlySet<string>;
}

type Words = Map<string, string[]>;

/** The rules of one Service port in words, by chain: in common chains, and in those of its own. */
interface PortWords {
	filter: Words;
	nat: Words;
	own: Words;
}

export class PartialSyncs {
	readonly #input: Omit<SyncInput, "services" | "endpointSlices">;
	readonly #plans: ServicePortPlan[];
	#context: NatContext;
	/** Whether a Service port's own chains were last written without comments. */
	readonly #large: boolean[];
	/** Endpoints of all Service ports. */
	#endpoints: number;
	/** Numbers of the Service ports of a Service. */
	readonly #ports = new Map<string, number[]>();
	/** Rules of the chains that every sync writes, and of those of Services that were looked at. */
	readonly #rules: Record<"filter" | "nat", Map<string, Rule[]>>;
	readonly #common: Record<"filter" | "nat", readonly string[]>;
	/** Those of nat after the full sync. */
	readonly #chains: ReadonlyMap<string, Chain>;

	/** `ruleset`: the node's rules after the full sync. */
	constructor(input: SyncInput, { plans, context, routeLocalnet, endpoints }: SyncResult, ruleset: Ruleset) {
		const { services: _, endpointSlices: __, ...rest } = input;
		this.#input = rest;
		this.#plans = [...plans];
		this.#context = context;
		this.#large = plans.map(() => context.largeCluster);
		this.#endpoints = plans.reduce((sum, { info }) => sum + (endpoints.get(info.key)?.length ?? 0), 0);
		for (const [number, { info }] of plans.entries()) {
			const ports = this.#ports.get(info.service);
			if (ports === undefined) this.#ports.set(info.service, [number]);
			else ports.push(number);
		}
		const filter = new TableText("filter");
		const nat = new TableText("nat");
		declareFilterChains(filter);
		if (routeLocalnet) writeMartianGuard(filter);
		declareNatChains(nat);
		this.#common = { filter: [...filter.active], nat: [...nat.active] };
		const rulesOf = (table: "filter" | "nat") => {
			const chains = chainsOf(ruleset, table);
			return new Map(this.#common[table].map((name) => [name, chains.get(name)?.rules ?? []]));
		};
		this.#rules = { filter: rulesOf("filter"), nat: rulesOf("nat") };
		this.#chains = chainsOf(ruleset, "nat");
	}

	/** Throws AddressError where a slice holds an address that cannot be read. */
	sync(changed: ChangedSlices): SyncEdit[] {
		const plans = this.#planned(changed);
		const largeCluster = this.#endpoints > LARGE_CLUSTER_ENDPOINTS;
		const context = { ...this.#context, largeCluster };
		const written = new Map<string, Rule[]>();
		const deleted = new Set<string>();
		for (const [number, plan] of plans) {
			const before = this.#plans[number] as ServicePortPlan;
			const was = { ...this.#context, largeCluster: this.#large[number] ?? false };
			this.#large[number] = largeCluster;
			this.#write(number, portWords(before, was), portWords(plan, context), written, deleted);
			this.#plans[number] = plan;
		}
		this.#context = context;
		return (["filter", "nat"] as const).map((table) => ({
			table,
			written: new Map([
				...this.#common[table].map((name): [string, Rule[]] => [name, this.#rules[table].get(name) ?? []]),
				...(table === "nat" ? written : []),
			]),
			deleted: table === "nat" ? deleted : new Set(),
		}));
	}

	/** The Service ports of the changed Services as they are planned now, by number. */
	#planned(changed: ChangedSlices): Map<number, ServicePortPlan> {
		const { family, node } = this.#input;
		const plans = new Map<number, ServicePortPlan>();
		let endpoints = this.#endpoints;
		for (const [service, slices] of changed) {
			const map = buildEndpointsMap(slices, family, node.name);
			for (const number of this.#ports.get(service) ?? []) {
				const { info, all } = this.#plans[number] as ServicePortPlan;
				const now: readonly EndpointInfo[] = map.get(info.key) ?? [];
				endpoints += now.length - all.length;
				plans.set(number, planServicePort(info, now, node.name, node.labels));
			}
		}
		this.#endpoints = endpoints;
		return plans;
	}

	#write(number: number, before: PortWords, now: PortWords, written: Map<string, Rule[]>, deleted: Set<string>): void {
		for (const table of ["filter", "nat"] as const) {
			for (const name of new Set([...before[table].keys(), ...now[table].keys()])) {
				const [old = [], young = []] = [before[table].get(name), now[table].get(name)];
				if (isSame(old, young)) continue;
				const rules = this.#rules[table].get(name) ?? [];
				const at = this.#placeOf(number, table, name);
				this.#rules[table].set(name, rules.toSpliced(at, old.length, ...this.#read(table, name, young, now)));
			}
		}
		for (const [name, words] of now.own) {
			const known = this.#rules.nat.get(name) ?? this.#chains.get(name)?.rules;
			const same = known !== undefined && isSame(before.own.get(name) ?? null, words);
			const rules = same ? known : this.#read("nat", name, words, now);
			this.#rules.nat.set(name, rules);
			written.set(name, rules);
			deleted.delete(name);
		}
		for (const name of before.own.keys()) {
			if (now.own.has(name)) continue;
			this.#rules.nat.delete(name);
			deleted.add(name);
		}
	}

	/** How many rules of a common chain are those of Service ports before this one. */
	#placeOf(number: number, table: "filter" | "nat", chain: string): number {
		let place = 0;
		for (let port = 0; port < number; port++) {
			place += portEntries(this.#plans[port] as ServicePortPlan, this.#context)[table].get(chain)?.length ?? 0;
		}
		return place;
	}

	/** As iptables-restore reads them. */
	#read(table: "filter" | "nat", chain: string, words: readonly string[], { own }: PortWords): Rule[] {
		if (words.length === 0) return [];
		const known = new Set([...this.#common[table], ...(table === "nat" ? own.keys() : []), chain]);
		const lines = [...known].map((name) => `:${name} - [0:0]`);
		const text = [`*${table}`, ...lines, ...words, "COMMIT", ""].join("\n");
		return chainsOf(applyRestore(emptyRuleset(this.#input.family), text), table).get(chain)?.rules ?? [];
	}
}

function chainsOf(ruleset: Ruleset, table: Table["name"]): Map<string, Chain> {
	const chains = ruleset.tables.find(({ name }) => name === table)?.chains ?? [];
	return new Map(chains.map((chain) => [chain.name, chain]));
}

function portEntries(plan: ServicePortPlan, context: NatContext): Pick<PortWords, "filter" | "nat"> {
	const filter = new TableText("filter");
	const nat = new TableText("nat");
	writeFilterRules(filter, plan);
	writeNatEntries(nat, plan, context);
	return { filter: byChain(filter), nat: byChain(nat) };
}

function portWords(plan: ServicePortPlan, context: NatContext): PortWords {
	const own = new TableText("nat");
	writeNatChains(own, plan, context);
	return { ...portEntries(plan, context), own: byChain(own) };
}

/** Rules by chain; chains that are declared and have none as well. */
function byChain({ active, rules }: TableText): Words {
	const words: Words = new Map([...active].map((name) => [name, []]));
	for (const rule of rules) {
		const name = rule.split(" ", 2)[1] as string;
		const own = words.get(name);
		if (own === undefined) words.set(name, [rule]);
		else own.push(rule);
	}
	return words;
}

function isSame(a: readonly string[] | null, b: readonly string[]): boolean {
	return a !== null && a.length === b.length && a.every((word, index) => word === b[index]);
}

/** The rules after edits; what no edit names is the same objects. Chains are in the order in which iptables prints them. */
export function edited(ruleset: Ruleset, edits: readonly SyncEdit[]): Ruleset {
	const tables = ruleset.tables.map((table) => {
		const edit = edits.find((own) => own.table === table.name);
		return edit === undefined ? table : editTable(table, chainsAfter(table, edit), edit.deleted);
	});
	return { ...ruleset, tables };
}

function chainsAfter(table: Table, { written }: SyncEdit): Chain[] {
	return [...written].map(([name, rules]) => {
		const chain: Chain = { name, policy: null, counters: { packets: 0n, bytes: 0n }, rules };
		const old = findChain(table, name);
		return old === null ? chain : { ...chain, flushes: (old.flushes ?? 0) + 1 };
	});
}
