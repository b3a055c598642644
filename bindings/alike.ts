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

/** Words of a row that flows have in common: with the upper halves of PORTS all that a report says of a flow but sums and times. */
const SAME = [
	L.FLOW_DST,
	L.FLOW_PROTO, // verdict, reason and flags with it
	L.FLOW_NETNS,
	L.FLOW_SERVER,
	L.FLOW_SEEN_DST,
	L.FLOW_RULE,
	L.FLOW_ENTRY_NODE,
	L.FLOW_SECOND,
	L.FLOW_FAMILY, // and how it broke
].map((offset) => offset / 4);
/** Source ports are in the lower halves. */
const PORTS = [L.FLOW_SPORT, L.FLOW_SEEN_SPORT].map((offset) => offset / 4);
const [SRC, SEEN_SRC, SEEN_PORTS] = [L.FLOW_SRC / 4, L.FLOW_SEEN_SRC / 4, L.FLOW_SEEN_SPORT / 4];
const [PACKETS, BYTES] = [L.FLOW_PACKETS / 4, L.FLOW_BYTES / 4];

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

function isAlike(rows: Int32Array, a: number, b: number): boolean {
	const translated = isTranslated(rows, a);
	if (translated !== isTranslated(rows, b) || (translated && rows[a + SEEN_SRC] !== rows[b + SEEN_SRC])) return false;
	for (const offset of PORTS) if (word(rows, a + offset) >>> 16 !== word(rows, b + offset) >>> 16) return false;
	for (const offset of SAME) if (rows[a + offset] !== rows[b + offset]) return false;
	return true;
}

function hashOf(rows: Int32Array, at: number): number {
	let hash = isTranslated(rows, at) ? (rows[at + SEEN_SRC] as number) : 0;
	for (const offset of PORTS) hash = mixed(hash, (rows[at + offset] as number) >>> 16);
	for (const offset of SAME) hash = mixed(hash, rows[at + offset] as number);
	return hash;
}

function mixed(hash: number, value: number): number {
	const next = Math.imul(hash ^ value, 0x9e3779b1);
	return next ^ (next >>> 15);
}
