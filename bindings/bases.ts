// Where walks begin: the base chains of a netns, as its row has them.

import * as L from "../assembly/layout.ts";
import type { Family, TableName } from "../js/net/ruleset.ts";
import type { Instance } from "./core.ts";
import { ALL_HOOKS } from "./hooks.ts";
import type { LoadedTable } from "./tables.ts";
import type { Rows } from "./views.ts";

const TABLES: Readonly<Record<TableName, number>> = {
	raw: L.XT_RAW,
	mangle: L.XT_MANGLE,
	nat: L.XT_NAT,
	filter: L.XT_FILTER,
	security: L.XT_SECURITY,
};

const HOOKS: readonly [name: string, hook: number][] = [
	["PREROUTING", L.HOOK_PREROUTING],
	["INPUT", L.HOOK_INPUT],
	["FORWARD", L.HOOK_FORWARD],
	["OUTPUT", L.HOOK_OUTPUT],
	["POSTROUTING", L.HOOK_POSTROUTING],
];

/** Rows of the base chains by hook and table, as NETNS_CHAINS has them. */
export function baseChains(tables: readonly LoadedTable[]): number[] {
	const rows = new Array<number>(L.HOOK_COUNT * L.XT_COUNT).fill(-1);
	for (const table of tables) {
		for (const [name, hook] of HOOKS) {
			const chain = table.find(name);
			if (chain !== null && chain.chain.policy !== null) rows[hook * L.XT_COUNT + TABLES[table.name]] = chain.row;
		}
	}
	return rows;
}

/** What netns have from now on: base chains that are others, flags (null: as before), the generation of their rules. */
export interface NetnsRules {
	family: Family;
	bases: readonly { slot: number; row: number }[];
	flags: number | null;
	generation: number;
}

export function writeNetns(
	rows: Rows,
	engine: Instance,
	netns: readonly number[],
	{ family, bases, flags, generation }: NetnsRules,
): void {
	const epoch = engine.newEpoch();
	const first = rows.at(L.TABLE_NETNS, 0);
	const { view } = rows;
	for (const one of netns) {
		const at = first + one * L.NETNS_STRIDE;
		view.setUint32(at + L.NETNS_GENERATION, generation, true);
		view.setUint32(at + L.NETNS_CHANGED, epoch, true);
		const chains = at + (family === "ipv6" ? L.NETNS_CHAINS6 : L.NETNS_CHAINS);
		for (const { slot, row } of bases) view.setInt32(chains + slot * 4, row, true);
		if (flags === null) continue;
		const others = view.getUint32(at + L.NETNS_FLAGS, true) & ~ALL_HOOKS[family];
		view.setUint32(at + L.NETNS_FLAGS, others | flags, true);
	}
}
