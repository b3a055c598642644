// Where walks begin: the base chains of a netns, as its row has them.

import * as L from "../assembly/layout.ts";
import type { TableName } from "../js/net/ruleset.ts";
import type { LoadedTable } from "./tables.ts";

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
