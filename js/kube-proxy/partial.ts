// The syncs of single Services that follow a node's full sync, as edits of its tables: what `syncNode` with `updatedServices`
// makes of the node's rules, without writing or reading anything of other Services. Every sync flushes the chains that are
// common to all Services and writes them again, mostly with the same rules, whose counters begin anew.
// Upstream: syncProxyRules in pkg/proxy/iptables/proxier.go (tryPartialSync).

import type { Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { editTable, findChain } from "../net/edited.ts";
import { applyRestore, emptyRuleset } from "../net/iptables/index.ts";
import type { Chain, Rule, Ruleset, Table } from "../net/ruleset.ts";
import { buildEndpointsMap } from "./endpointsmap.ts";
import { planServicePort, type ServicePortPlan } from "./plan.ts";
import { TableText } from "./rules.ts";
import { writeFilterRules } from "./rules-filter.ts";
import { declareFilterChains, declareNatChains, writeMartianGuard } from "./rules-fixed.ts";
import { type NatContext, writeNatChains, writeNatEntries } from "./rules-nat.ts";
import { buildServicePortMap, compareServicePorts, compareText, type ServicePortInfo } from "./servicemap.ts";
import { LARGE_CLUSTER_ENDPOINTS, type SyncInput, type SyncResult } from "./sync.ts";

/** A Service that changed, or whose slices did, as it is now. */
export interface ChangedService {
	/** null: there is none any more. */
	service: Service | null;
	/** All that it has. */
	slices: readonly EndpointSlice[];
}

/** By `namespace/name`. */
export type ChangedServices = ReadonlyMap<string, ChangedService>;

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

/** How many rules of each common chain are a Service port's. */
type Shares = Record<"filter" | "nat", ReadonlyMap<string, number>>;

interface Port {
	plan: ServicePortPlan;
	/** Whether its own chains were last written without comments. */
	large: boolean;
	shares: Shares | null;
}

/** A Service port before and after; null: it is new, or no more. */
interface PortChange {
	before: Port | null;
	plan: ServicePortPlan | null;
}

export interface PartialSyncsState {
	input: Omit<SyncInput, "services" | "endpointSlices">;
	/** In the order in which they are written. */
	ports: Port[];
	context: NatContext;
	/** Endpoints of all Service ports. */
	endpoints: number;
	/** Rules of the chains that every sync writes, and of those of Services that were looked at. */
	rules: Record<"filter" | "nat", Map<string, Rule[]>>;
	common: Record<"filter" | "nat", readonly string[]>;
	/** nat after the full sync. */
	nat: Table;
}

export class PartialSyncs {
	readonly #input: PartialSyncsState["input"];
	readonly #ports: Port[];
	#context: NatContext;
	#endpoints: number;
	readonly #rules: PartialSyncsState["rules"];
	readonly #common: PartialSyncsState["common"];
	readonly #nat: Table;

	private constructor({ input, ports, context, endpoints, rules, common, nat }: PartialSyncsState) {
		this.#input = input;
		this.#ports = ports;
		this.#context = context;
		this.#endpoints = endpoints;
		this.#rules = rules;
		this.#common = common;
		this.#nat = nat;
	}

	/** `ruleset`: the node's rules after the full sync. */
	static after(
		{ services: _, endpointSlices: __, ...input }: SyncInput,
		{ plans, context, routeLocalnet, endpoints }: SyncResult,
		ruleset: Ruleset,
	): PartialSyncs {
		const filter = new TableText("filter");
		const nat = new TableText("nat");
		declareFilterChains(filter);
		if (routeLocalnet) writeMartianGuard(filter);
		declareNatChains(nat);
		const common = { filter: [...filter.active], nat: [...nat.active] };
		const rulesOf = (table: "filter" | "nat") => {
			const own = tableOf(ruleset, table);
			return new Map(common[table].map((name) => [name, findChain(own, name)?.rules ?? []]));
		};
		return new PartialSyncs({
			...{ input, context, common },
			ports: plans.map((plan) => ({ plan, large: context.largeCluster, shares: null })),
			endpoints: plans.reduce((sum, { info }) => sum + (endpoints.get(info.key)?.length ?? 0), 0),
			rules: { filter: rulesOf("filter"), nat: rulesOf("nat") },
			nat: tableOf(ruleset, "nat"),
		});
	}

	/** Copied. */
	get state(): PartialSyncsState {
		const { filter, nat } = this.#rules;
		return {
			...{ input: this.#input, context: this.#context, endpoints: this.#endpoints },
			...{ common: this.#common, nat: this.#nat },
			ports: [...this.#ports],
			rules: { filter: new Map(filter), nat: new Map(nat) },
		};
	}

	/** Goes on where others were. */
	static of(state: PartialSyncsState): PartialSyncs {
		return new PartialSyncs(state);
	}

	/** Throws AddressError where an object holds an address that cannot be read. */
	sync(changed: ChangedServices): SyncEdit[] {
		const changes = Array.from(changed, ([name, now]) => this.#planned(name, now)).flat();
		this.#endpoints += changes.reduce(
			(sum, { before, plan }) => sum + endpointsOf(plan) - endpointsOf(before?.plan),
			0,
		);
		const largeCluster = this.#endpoints > LARGE_CLUSTER_ENDPOINTS;
		const context = { ...this.#context, largeCluster };
		const written = new Map<string, Rule[]>();
		const deleted = new Set<string>();
		for (const change of changes) this.#write(change, context, written, deleted);
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

	/** The ports of a Service, those that it had and those that it has. */
	#planned(name: string, { service, slices }: ChangedService): PortChange[] {
		const { family, node, config } = this.#input;
		const infos = service === null ? new Map() : buildServicePortMap([service], family, config.loadBalancerIPMode);
		const endpoints = buildEndpointsMap(slices, family, node.name);
		const known = new Map(this.#portsOf(name).map((port) => [port.plan.info.key, port]));
		return [...new Set([...known.keys(), ...infos.keys()])].map((key) => {
			const info: ServicePortInfo | undefined = infos.get(key);
			const plan = info === undefined ? null : planServicePort(info, endpoints.get(key) ?? [], node.name, node.labels);
			return { before: known.get(key) ?? null, plan };
		});
	}

	#portsOf(service: string): Port[] {
		const first = this.#placeOf((info) => compareText(info.service, service) < 0);
		let end = first;
		while (this.#ports[end]?.plan.info.service === service) end++;
		return this.#ports.slice(first, end);
	}

	/** How many ports come before. */
	#placeOf(isBefore: (info: ServicePortInfo) => boolean): number {
		let low = 0;
		for (let high = this.#ports.length; low < high; ) {
			const middle = (low + high) >>> 1;
			if (isBefore((this.#ports[middle] as Port).plan.info)) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#write({ before, plan }: PortChange, context: NatContext, written: Map<string, Rule[]>, deleted: Set<string>): void {
		const info = (plan ?? before?.plan)?.info as ServicePortInfo;
		const place = this.#placeOf((other) => compareServicePorts(other, info) < 0);
		const was = { ...this.#context, largeCluster: before?.large ?? false };
		const old = before === null ? NO_WORDS : portWords(before.plan, was);
		const now = plan === null ? NO_WORDS : portWords(plan, context);
		for (const table of ["filter", "nat"] as const) {
			for (const name of new Set([...old[table].keys(), ...now[table].keys()])) {
				const [gone = [], young = []] = [old[table].get(name), now[table].get(name)];
				if (isSame(gone, young)) continue;
				const rules = this.#rules[table].get(name) ?? [];
				const at = this.#rulesBefore(place, table, name);
				this.#rules[table].set(name, rules.toSpliced(at, gone.length, ...this.#read(table, name, young, now)));
			}
		}
		this.#writeOwn(old.own, now, written, deleted);
		const ports = plan === null ? [] : [{ plan, large: context.largeCluster, shares: null }];
		this.#ports.splice(place, before === null ? 0 : 1, ...ports);
	}

	#writeOwn(old: Words, now: PortWords, written: Map<string, Rule[]>, deleted: Set<string>): void {
		for (const [name, words] of now.own) {
			const known = this.#rules.nat.get(name) ?? findChain(this.#nat, name)?.rules;
			const same = known !== undefined && isSame(old.get(name) ?? null, words);
			const rules = same ? known : this.#read("nat", name, words, now);
			this.#rules.nat.set(name, rules);
			written.set(name, rules);
			deleted.delete(name);
		}
		for (const name of old.keys()) {
			if (now.own.has(name)) continue;
			this.#rules.nat.delete(name);
			deleted.add(name);
		}
	}

	/** How many rules of a common chain are those of Service ports before a place. */
	#rulesBefore(place: number, table: "filter" | "nat", chain: string): number {
		let rules = 0;
		for (let at = 0; at < place; at++) {
			const port = this.#ports[at] as Port;
			port.shares ??= sharesOf(portEntries(port.plan, this.#context));
			rules += port.shares[table].get(chain) ?? 0;
		}
		return rules;
	}

	/** As iptables-restore reads them. */
	#read(table: "filter" | "nat", chain: string, words: readonly string[], { own }: PortWords): Rule[] {
		if (words.length === 0) return [];
		const known = new Set([...this.#common[table], ...(table === "nat" ? own.keys() : []), chain]);
		const lines = [...known].map((name) => `:${name} - [0:0]`);
		const text = [`*${table}`, ...lines, ...words, "COMMIT", ""].join("\n");
		return findChain(tableOf(applyRestore(emptyRuleset(this.#input.family), text), table), chain)?.rules ?? [];
	}
}

const NO_WORDS: PortWords = { filter: new Map(), nat: new Map(), own: new Map() };

function endpointsOf(plan: ServicePortPlan | null | undefined): number {
	return plan?.all.length ?? 0;
}

function sharesOf({ filter, nat }: Pick<PortWords, "filter" | "nat">): Shares {
	const lengths = (words: Words) => new Map([...words].map(([chain, rules]) => [chain, rules.length]));
	return { filter: lengths(filter), nat: lengths(nat) };
}

/** An empty one where the ruleset has none. */
function tableOf(ruleset: Ruleset, name: Table["name"]): Table {
	return ruleset.tables.find((table) => table.name === name) ?? { name, chains: [] };
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
