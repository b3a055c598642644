// What packets will read is loaded before their turn, for a whole burst, so that cache misses overlap: Wasm has no prefetch. First
// addresses are listed, then a loop that does nothing else loads them: were they loaded where they are worked out, the CPU would
// have room for the misses of a few packets only.
//
// Packets that open connections, and those that come right behind, follow rows (`opening`, `sequel`). Which ones is known from where
// their connections stand now; of an answer to a packet of the same burst, from what that packet's row says. This is a guess: a
// wrong one costs a load, nothing else.

import { capacity } from "./arena";
import { crossedEntry } from "./flow";
import { journey } from "./journey";
import { conn } from "./netfilter/conn";
import { sourceHead } from "./netfilter/source";
import { tupleHash } from "./netfilter/tuple";
import { slotAt } from "./netfilter/tuplehash";
import { Window } from "./netfilter/windowrow";
import { entryOf, openingAt, openingFor, origPorts, replyPorts } from "./opening";
import { isCaching } from "./pathcache";
import { sequelHome, standingBehind, standingOf, standingOpened } from "./sequel";
import * as L from "./layout";

// Of each packet of a burst 14 addresses at most: its row's two lines, and two of each entry.
const LIST: usize = memory.data(64 * 14 * 4, 64);
let listed: usize = 0;
// What was loaded, so that no compiler takes the loads away.
let touched: u32 = 0;

// Of each packet of the burst: the row that it is taken to follow; 0: none. Above, whether that is an opening's.
const ROWS: usize = memory.data(64 * 8, 64);
const OPENS: u64 = 0x100000000;

/** Slots of a hash of 1 MiB, which a cache of the second level holds with what else there is: nothing is gained then. */
const FEW_SLOTS: u32 = 32768;

/** Are there rows to follow, and more of them than caches hold? */
// @ts-ignore: decorator
@inline
export function isWorthPrefetching(): bool {
	return isCaching() && capacity(L.TABLE_TUPLE) > FEW_SLOTS;
}

// @ts-ignore: decorator
@inline
function list(address: usize): void {
	store<u32>(LIST + listed, <u32>address);
	listed += 4;
}

/** Loads what is listed. */
export function prefetch(): void {
	let sum: u32 = 0;
	for (let at: usize = 0; at < listed; at += 4) sum += load<u32>(<usize>load<u32>(LIST + at));
	touched += sum;
	listed = 0;
}

// @ts-ignore: decorator
@inline
function note(i: u32, row: usize, opens: u64): void {
	// i < BURST: within the array
	store<u64>(ROWS + ((<usize>i) << 3), (<u64>row) | opens);
}

/** A packet may open by the row at `home`, as `openingHome` says. */
// @ts-ignore: decorator
@inline
export function listOpening(home: u32): void {
	const o = openingAt(home);
	list(o);
	list(o + L.OPENING_ENTRY);
	list(entryOf(o, 1));
}

/** The `i`th packet, at `at`, opens by the row at `home` (`openingHome`), which is loaded: slots of tuples, heads of the by-source hash. */
// @ts-ignore: decorator
@inline
export function listOpened(i: u32, at: usize, home: u32): void {
	const o = openingFor(at, home);
	note(i, o, OPENS);
	if (o == 0) return;
	const sport = <u32>load<u16>(at, L.PACKET_SPORT);
	for (let j = 0; j < <i32>load<u8>(o, L.OPENING_ENTRIES); j++) {
		const e = entryOf(o, j);
		list(slotAt(tupleHash(load<u64>(e, L.OPENS_ORIG), origPorts(e, sport))));
		list(slotAt(tupleHash(load<u64>(e, L.OPENS_REPLY), replyPorts(e, sport))));
		if ((load<u32>(e, L.OPENS_STATUS) & L.IPS_SRC_NAT_DONE) == 0) continue;
		list(sourceHead(load<u32>(e, L.OPENS_ORIG), sport, load<u32>(e, L.OPENS_ZONE_PROTO)));
	}
}

/** The `i`th packet goes by no line: a connection's in row `f` of TABLE_FLOW, which is loaded, and so are its entries. */
// @ts-ignore: decorator
@inline
export function listFollowing(i: u32, at: usize, f: usize, dir: i32): void {
	const kind = load<u32>(f, L.FLOW_KIND);
	note(i, kind != 0 ? listSequel(at, kind, dir, standingOf(f)) : 0, 0);
	if (kind == 0) return;
	for (let j = 0; j < L.FLOW_CROSSED_MAX; j++) {
		const entry = crossedEntry(f, j);
		if (entry < 0) break;
		list(changetype<usize>(conn(entry)) + L.CT_MARK);
		list(changetype<usize>(Window.row(entry)));
	}
}

/** The `i`th packet needs none of it. */
// @ts-ignore: decorator
@inline
export function listNothing(i: u32): void {
	note(i, 0, 0);
}

/** The `i`th packet, at `at`, answers the one before it, whose row is loaded. */
// @ts-ignore: decorator
@inline
export function listAnswer(i: u32, at: usize): void {
	const word = load<u64>(ROWS + ((<usize>(i - 1)) << 3));
	const row = <usize>(<u32>word);
	if (row == 0) return;
	if ((word & OPENS) != 0) note(i, listSequel(at, load<u32>(row, L.OPENING_SERIAL), 1, standingOpened(row)), 0);
	else note(i, listSequel(at, load<u32>(row, L.SEQUEL_KIND), 1, standingBehind(row)), 0);
}

/** The way of the `i`th packet, whose row is loaded. */
// @ts-ignore: decorator
@inline
export function listWay(i: u32): void {
	const word = load<u64>(ROWS + ((<usize>i) << 3));
	if (word != 0 && (word & OPENS) == 0) list(journey(load<u32>(<usize>word, L.SEQUEL_JOURNEY)));
}

// The row of the packet at `at` of a connection of `kind` that stands so; 0: it can have none.
function listSequel(at: usize, kind: u32, dir: i32, standing: u64): usize {
	const s = sequelHome(at, kind, dir, standing);
	if (s == 0) return 0;
	list(s);
	list(s + L.SEQUEL_ENTRY);
	return s;
}
