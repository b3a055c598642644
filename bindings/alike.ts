// Flows that begin and end alike, their clients' addresses and ports aside: a report sums over thousands of them, and says
// the same of each.

import * as L from "../assembly/layout.ts";
import type { Core } from "./core.ts";
import { type FlowRow, readFlow } from "./flows.ts";

export interface Alike {
	/** The first of them. */
	row: FlowRow;
	flows: number;
	packets: number;
	bytes: number;
	/** Where the source was translated: the ports that they got. */
	ports: Set<number> | null;
}

const WORDS = L.FLOW_STRIDE / 4;

/* Words of a row; source ports are in the lower halves of both words of ports. */
const [SRC, SEEN_SRC, BYTES, PACKETS] = [L.FLOW_SRC / 4, L.FLOW_SEEN_SRC / 4, L.FLOW_BYTES / 4, L.FLOW_PACKETS / 4];
const [PORTS, SEEN_PORTS] = [L.FLOW_SPORT / 4, L.FLOW_SEEN_SPORT / 4];
/* What flows have in common beside their destinations' ports: all that a report says of one but sums and times. */
const [DST, SEEN_DST, NETNS, SERVER] = [L.FLOW_DST / 4, L.FLOW_SEEN_DST / 4, L.FLOW_NETNS / 4, L.FLOW_SERVER / 4];
const [RULE, ENTRY_NODE, SECOND] = [L.FLOW_RULE / 4, L.FLOW_ENTRY_NODE / 4, L.FLOW_SECOND / 4];
/** With it verdict, reason and flags; with the other how it broke. */
const [PROTO, FAMILY] = [L.FLOW_PROTO / 4, L.FLOW_FAMILY / 4];

/** What the engine's flows amount to, kind by kind in the order of their first flows. */
export function alikeFlows(core: Core): Alike[] {
	core.engine.settleAll();
	const table = core.engine.table(L.TABLE_FLOW) >>> 0;
	const count = core.engine.flowCount();
	const { view } = core.rows;
	const rows = new Int32Array(view.buffer, table, count * WORDS);
	const all: Alike[] = [];
	/** Of each kind, where its first row is. */
	const firsts: number[] = [];
	/** Kinds by hash, each plus 1; 0: free. */
	let slots = new Int32Array(1024);
	for (let index = 0, at = 0; index < count; index++, at += WORDS) {
		let slot = hashOf(rows, at) & (slots.length - 1);
		let kind = (slots[slot] as number) - 1;
		while (kind >= 0 && !isAlike(rows, firsts[kind] as number, at)) {
			slot = (slot + 1) & (slots.length - 1);
			kind = (slots[slot] as number) - 1;
		}
		if (kind < 0) {
			kind = all.length;
			const row = readFlow(view, table + index * L.FLOW_STRIDE, index, {} as FlowRow);
			all.push({ row, flows: 0, packets: 0, bytes: 0, ports: isTranslated(rows, at) ? new Set() : null });
			firsts.push(at);
			slots[slot] = kind + 1;
			if (all.length * 2 > slots.length) slots = placed(rows, firsts, slots.length * 4);
		}
		const alike = all[kind] as Alike;
		alike.flows++;
		alike.packets += word(rows, at + PACKETS);
		alike.bytes += word(rows, at + BYTES) + word(rows, at + BYTES + 1) * 2 ** 32;
		alike.ports?.add((rows[at + SEEN_PORTS] as number) & 0xffff);
	}
	return all;
}

/** So many slots, a power of two, with the kinds whose first rows these are. */
function placed(rows: Int32Array, firsts: readonly number[], count: number): Int32Array<ArrayBuffer> {
	const slots = new Int32Array(count);
	for (const [kind, at] of firsts.entries()) {
		let slot = hashOf(rows, at) & (count - 1);
		while (slots[slot] !== 0) slot = (slot + 1) & (count - 1);
		slots[slot] = kind + 1;
	}
	return slots;
}

function word(rows: Int32Array, at: number): number {
	return (rows[at] as number) >>> 0;
}

function isTranslated(rows: Int32Array, at: number): boolean {
	return rows[at + SRC] !== rows[at + SEEN_SRC];
}

/** Word by word, not in a loop: a report asks it of every flow. */
function isAlike(rows: Int32Array, a: number, b: number): boolean {
	const differs = (word: number) => (rows[a + word] as number) ^ (rows[b + word] as number);
	if (((differs(PORTS) | differs(SEEN_PORTS)) >>> 16) | differs(DST) | differs(SEEN_DST) | differs(PROTO)) return false;
	if (differs(NETNS) | differs(SERVER) | differs(RULE) | differs(ENTRY_NODE)) return false;
	if (differs(SECOND) | differs(FAMILY)) return false;
	const translated = isTranslated(rows, a);
	return translated === isTranslated(rows, b) && (!translated || differs(SEEN_SRC) === 0);
}

function hashOf(rows: Int32Array, at: number): number {
	const word = (offset: number) => rows[at + offset] as number;
	let hash = mixed(isTranslated(rows, at) ? word(SEEN_SRC) : 0, (word(PORTS) & 0xffff0000) | (word(SEEN_PORTS) >>> 16));
	hash = mixed(mixed(hash, word(DST)), word(SEEN_DST));
	hash = mixed(mixed(hash, word(NETNS)), word(SERVER));
	hash = mixed(mixed(hash, word(RULE)), word(PROTO));
	return mixed(hash, word(ENTRY_NODE) ^ Math.imul(word(SECOND), 0x85ebca6b) ^ word(FAMILY));
}

function mixed(hash: number, value: number): number {
	const next = Math.imul(hash ^ value, 0x9e3779b1);
	return next ^ (next >>> 15);
}
