// One node's packet filter as typed values: tables, chains, rules, matches, targets.
// The shape follows what iptables-save prints (iptables(8), ip6tables(8), iptables-extensions(8));
// texts live in `iptables/`, the encoding to engine rows in `bindings/`.

export type Family = "ipv4" | "ipv6";
export type TableName = "raw" | "mangle" | "nat" | "filter" | "security";

/** Packets and bytes, as `iptables-save -c` prints them: `[packets:bytes]`. */
export interface Counters {
	packets: bigint;
	bytes: bigint;
}

export interface Ruleset {
	family: Family;
	/** In the order of the text. */
	tables: Table[];
}

export interface Table {
	name: TableName;
	chains: Chain[];
	/** Of a table that was made of another one by changing a few chains: what is different. Not enumerable: a copy has none. */
	readonly edit?: TableEdit;
}

export interface TableEdit {
	of: Table;
	/** Chains that are others now, and what they were; null: they are new. */
	changed: readonly { before: Chain | null; now: Chain }[];
	removed: readonly Chain[];
}

export interface Chain {
	name: string;
	/** The policy of a built-in chain; null for a user chain (printed `-`). */
	policy: "ACCEPT" | "DROP" | null;
	counters: Counters;
	rules: Rule[];
	/**
	 * Times that it was flushed and written again, as far as anyone counts: of two chains with the same rules and another
	 * number, those of the second count anew. Absent: rules that are the same objects are the same rules.
	 */
	flushes?: number;
}

/** A value that `!` may negate. */
export interface Negatable<T> {
	not: boolean;
	value: T;
}

/** `address/mask`, canonical texts; `mask` is a prefix length where the mask is contiguous, else a dotted or colon mask. */
export interface Prefix {
	address: string;
	mask: number | string;
}

export interface Rule {
	source: Negatable<Prefix> | null;
	destination: Negatable<Prefix> | null;
	/** Interface name; a trailing `+` is the wildcard. */
	inInterface: Negatable<string> | null;
	outInterface: Negatable<string> | null;
	/** Protocol number; 0 is `all`. */
	protocol: Negatable<number> | null;
	/** `-f` (IPv4 only). */
	fragment: Negatable<true> | null;
	/** In the order of the text; the order is that of evaluation. */
	matches: Extension[];
	/** null where the rule has no `-j` or `-g`: it counts and falls through. */
	target: Target | null;
	counters: Counters | null;
	/** 1-based line of the text that it came from; null for a rule built in memory. */
	line: number | null;
	/** The rule's words as its author wrote them (`--as-written`), without `-A CHAIN`; null where it was read from a saved form. */
	written: string | null;
}

export interface Target {
	/** An extension target (`DNAT`), a verdict (`ACCEPT DROP RETURN QUEUE`), or a user chain's name. */
	name: string;
	kind: "verdict" | "chain" | "extension";
	/** `-g` instead of `-j`. */
	goto: boolean;
	options: Option[];
	/** Verbatim words of an extension that has no option table: it is carried, never evaluated. */
	carried: string | null;
}

export interface Extension {
	/** Module as in `-m NAME`: `conntrack`, `tcp`, `set`. */
	name: string;
	/** In canonical (printing) order. */
	options: Option[];
	/** Verbatim words of an extension that has no option table: it is carried, never evaluated. */
	carried: string | null;
}

/** One option of a match or target; `name` without the leading `--`. */
export interface Option {
	name: string;
	not: boolean;
	value: Value;
}

/** Typed by the extension's option table. */
export type Value =
	| { kind: "flag" }
	| { kind: "uint"; value: number }
	| { kind: "bigint"; value: bigint }
	| { kind: "string"; value: string }
	/** `min:max`, inclusive; both ends equal for a single port or number. */
	| { kind: "range"; min: number; max: number }
	/** multiport: up to 15 ports or ranges. */
	| { kind: "ranges"; ranges: { min: number; max: number }[] }
	/** Words of a list, canonical order and case: `NEW,ESTABLISHED`, `LOCAL`. */
	| { kind: "words"; words: string[] }
	/** `value/mask`, u32 each. */
	| { kind: "masked"; value: number; mask: number }
	| { kind: "prefix"; prefix: Prefix }
	/** iprange: inclusive, canonical addresses. */
	| { kind: "addresses"; min: string; max: string }
	/** `--to-destination`, `--to-source`, `--to-ports`: addresses and ports may each be absent. `baseport`: the `/port` suffix of a shifted range. */
	| {
			kind: "nat";
			addressMin: string | null;
			addressMax: string | null;
			portMin: number | null;
			portMax: number | null;
			baseport: number | null;
	  }
	/** TCP flags: masks over FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32. */
	| { kind: "tcpflags"; mask: number; comp: number }
	/** ICMP type and inclusive code range; any type: 255. */
	| { kind: "icmptype"; type: number; codeMin: number; codeMax: number }
	/** `statistic --probability` in 1/2^31, as the kernel stores it. */
	| { kind: "probability"; per31: number }
	/** `limit`: average time between packets in the kernel's 1/10000 s units. */
	| { kind: "rate"; interval: number }
	/** ipset name and one `src`/`dst` per dimension. */
	| { kind: "set"; set: string; dimensions: ("src" | "dst")[] };
