// The matches `conntrack` and `state` as a block of words (CTM_* in `assembly/layout.ts`).

import * as L from "../assembly/layout.ts";
import type { Value } from "../js/net/ruleset.ts";
import { bits, type MatchContext, type MatchRow, plain, ports } from "./matchrow.ts";
import { network, network6, type Options } from "./option.ts";

const STATES: Readonly<Record<string, number>> = {
	INVALID: L.CTS_INVALID,
	ESTABLISHED: L.CTS_ESTABLISHED,
	RELATED: L.CTS_RELATED,
	NEW: L.CTS_NEW,
	SNAT: L.CTS_SNAT,
	DNAT: L.CTS_DNAT,
	UNTRACKED: L.CTS_UNTRACKED,
};
const STATUSES: Readonly<Record<string, number>> = {
	NONE: 0,
	EXPECTED: L.IPS_EXPECTED,
	SEEN_REPLY: L.IPS_SEEN_REPLY,
	ASSURED: L.IPS_ASSURED,
	CONFIRMED: L.IPS_CONFIRMED,
};

export function encodeState(options: Options, { interned }: MatchContext): MatchRow {
	const { value, not } = options.need("state", "words");
	const block = new Array<number>(L.CTM_WORDS).fill(0);
	block[L.CTM_PRESENT] = L.CTM_HAS_STATE;
	block[L.CTM_INVERT] = not ? L.CTM_HAS_STATE : 0;
	block[L.CTM_STATE] = bits("state", value.words, STATES);
	return plain(L.MATCH_CONNTRACK, 0, interned.words(block));
}

/** Where an option of `conntrack` goes: its bit, its first word, and the words of its value. */
type CtOption = [
	name: string,
	kind: Value["kind"],
	bit: number,
	word: number,
	words: (value: Value, context: MatchContext) => number[],
];

const CT_OPTIONS: readonly CtOption[] = [
	[
		"ctstate",
		"words",
		L.CTM_HAS_STATE,
		L.CTM_STATE,
		(value) => (value.kind === "words" ? [bits("conntrack", value.words, STATES)] : []),
	],
	["ctproto", "uint", L.CTM_HAS_PROTO, L.CTM_PROTO, (value) => (value.kind === "uint" ? [value.value] : [])],
	["ctorigsrc", "prefix", L.CTM_HAS_ORIGSRC, L.CTM_ORIGSRC, addressWords],
	["ctorigdst", "prefix", L.CTM_HAS_ORIGDST, L.CTM_ORIGDST, addressWords],
	["ctreplsrc", "prefix", L.CTM_HAS_REPLSRC, L.CTM_REPLSRC, addressWords],
	["ctrepldst", "prefix", L.CTM_HAS_REPLDST, L.CTM_REPLDST, addressWords],
	["ctorigsrcport", "range", L.CTM_HAS_ORIGSPORT, L.CTM_ORIGSPORT, portWords],
	["ctorigdstport", "range", L.CTM_HAS_ORIGDPORT, L.CTM_ORIGDPORT, portWords],
	["ctreplsrcport", "range", L.CTM_HAS_REPLSPORT, L.CTM_REPLSPORT, portWords],
	["ctrepldstport", "range", L.CTM_HAS_REPLDPORT, L.CTM_REPLDPORT, portWords],
	[
		"ctstatus",
		"words",
		L.CTM_HAS_STATUS,
		L.CTM_STATUS,
		(value) => (value.kind === "words" ? [bits("conntrack", value.words, STATUSES)] : []),
	],
	[
		"ctexpire",
		"range",
		L.CTM_HAS_EXPIRE,
		L.CTM_EXPIRE_MIN,
		(value) => (value.kind === "range" ? [value.min, value.max] : []),
	],
];

function addressWords(value: Value, { family, interned }: MatchContext): number[] {
	if (value.kind !== "prefix") return [];
	if (family === "ipv6") return [interned.words(network6(value.prefix))];
	const { address, mask } = network(value.prefix);
	return [address, mask];
}

function portWords(value: Value): number[] {
	return value.kind === "range" ? [ports(value)] : [];
}

export function encodeConntrack(options: Options, context: MatchContext): MatchRow {
	const block = new Array<number>(L.CTM_WORDS).fill(0);
	let present = 0;
	let invert = 0;
	for (const [name, kind, bit, word, words] of CT_OPTIONS) {
		const option = options.take(name, kind);
		if (option === null) continue;
		present |= bit;
		if (option.not) invert |= bit;
		for (const [index, value] of words(option.value, context).entries()) block[word + index] = value;
	}
	const dir = options.take("ctdir", "string");
	if (dir !== null) {
		present |= L.CTM_HAS_DIR;
		block[L.CTM_DIR] = (dir.value.value === "REPLY") !== dir.not ? 1 : 0;
	}
	block[L.CTM_PRESENT] = present;
	block[L.CTM_INVERT] = invert;
	return plain(L.MATCH_CONNTRACK, 0, context.interned.words(block));
}
