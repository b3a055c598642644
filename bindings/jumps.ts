// Jumps and gotos of a table are checked before it is encoded, so that the engine's walk needs no checks of its own.

import type { Chain, Table } from "../js/net/ruleset.ts";
import { EncodeError } from "./matchrow.ts";

/** Every jump leads to a user chain of the table, and none leads back (the kernel's "Too many levels of symbolic links"). */
export function checkJumps(table: Table): void {
	const chains = new Map(table.chains.map((chain): [string, Chain] => [chain.name, chain]));
	const done = new Set<Chain>();
	for (const chain of table.chains) walkJumps(chain, chains, new Set(), done, table);
}

function walkJumps(
	chain: Chain,
	chains: ReadonlyMap<string, Chain>,
	above: Set<Chain>,
	done: Set<Chain>,
	table: Table,
): void {
	if (done.has(chain)) return;
	above.add(chain);
	for (const { target, line } of chain.rules) {
		if (target?.kind !== "chain") continue;
		const next = chains.get(target.name);
		const place = `table ${table.name}, chain ${chain.name}`;
		if (next === undefined) throw new EncodeError(`${place}: no chain ${JSON.stringify(target.name)} to go to`, line);
		if (next.policy !== null)
			throw new EncodeError(`${place}: a rule cannot go to the built-in chain ${target.name}`, line);
		if (above.has(next)) throw new EncodeError(`${place}: going to ${target.name} makes a loop`, line);
		walkJumps(next, chains, above, done, table);
	}
	above.delete(chain);
	done.add(chain);
}
