// Flows that begin and end alike, their clients' addresses and ports aside: a report sums over thousands of them, and says
// the same of each.

import type { FlowRow } from "../../bindings/flows.ts";

export interface Alike {
	/** The first of them. */
	row: FlowRow;
	flows: number;
	packets: number;
	bytes: number;
	/** Where the source was translated: the ports that they got. */
	ports: Set<number> | null;
}

/** What flows that are alike have in common: all that a report says of a flow but sums and times. */
const SAME = [
	"netns",
	"server",
	"verdict",
	"reason",
	"rule",
	"flags",
	"entryNode",
	"second",
	"proto",
	"dst",
	"dport",
	"seenDst",
	"seenDport",
] as const;

export class Likenesses {
	readonly #byHash = new Map<number, Alike[]>();
	/** In the order of their first flows. */
	readonly all: Alike[] = [];

	/** `row` may be filled anew afterwards. */
	add(row: FlowRow): void {
		const hash = hashOf(row);
		let bucket = this.#byHash.get(hash);
		if (bucket === undefined) {
			bucket = [];
			this.#byHash.set(hash, bucket);
		}
		let alike = bucket.find((one) => isAlike(one.row, row));
		if (alike === undefined) {
			const ports = isTranslated(row) ? new Set<number>() : null;
			alike = { row: { ...row }, flows: 0, packets: 0, bytes: 0, ports };
			bucket.push(alike);
			this.all.push(alike);
		}
		alike.flows++;
		alike.packets += row.packets;
		alike.bytes += row.bytes;
		alike.ports?.add(row.seenSport);
	}
}

function isTranslated({ src, seenSrc }: FlowRow): boolean {
	return seenSrc !== src;
}

function isAlike(a: FlowRow, b: FlowRow): boolean {
	if (isTranslated(a) !== isTranslated(b) || (isTranslated(a) && a.seenSrc !== b.seenSrc)) return false;
	for (const field of SAME) if (a[field] !== b[field]) return false;
	return true;
}

function hashOf(row: FlowRow): number {
	let hash = isTranslated(row) ? row.seenSrc : 0;
	hash = mixed(hash, row.netns + row.server * 65599);
	hash = mixed(hash, row.verdict + row.reason * 256 + row.flags * 65536 + row.proto * 0x1000000);
	hash = mixed(hash, row.rule + row.entryNode * 65599);
	hash = mixed(hash, row.dst);
	hash = mixed(hash, row.dport + row.seenDport * 65536);
	return mixed(hash, row.seenDst);
}

function mixed(hash: number, word: number): number {
	const next = Math.imul(hash ^ word, 0x9e3779b1);
	return next ^ (next >>> 15);
}
