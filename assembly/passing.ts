// Packets that go by a passage (`passage`): nothing is hashed and nothing is written a stack. The line of a connection names its
// passages and its conntrack entries. Of a packet remain
//   - what it says itself: flags, TOS, length, time; the passage's epoch and its neighbours' ages,
//   - each entry: is it the packet's by both of its tuples, the flow's, as it stood when the passage was learnt, and alive?
//     Then its deadline, last segment and counters are written,
//   - one sum in the line, which the flow's row gets when somebody reads it, and one in the passage, for rules and devices.
// What the flow's row says beside its sums is as the packet before left it: it was carried and changed nothing there, and
// whatever is carried of the flow, or ends otherwise, makes the line forget its passages first (`letGo`).

import { capacity } from "./arena";
import { flow, flowOf } from "./flow";
import { lineAt } from "./line";
import { conn, Conn } from "./netfilter/conn";
import { count } from "./netfilter/settle";
import { tcpTake } from "./netfilter/tcp";
import { ANSWERED, countPassage, named, PASSES, serves, sibling } from "./passage";
import { currentEpoch } from "./pathcache";
import { isUnwatched } from "./repeatable";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;
/** Status and state of an entry; above them is its last segment. */
export const STANDING: u64 = 0xffffff;
// The same and, behind the last segment, its flow.
const STANDING_FLOW: u64 = 0xffffffff00ffffff;

// Of `tells`: what makes siblings
const PUSH: u32 = L.TCP_PSH;
// Of LINE_SUM; half of either of its fields
const PACKETS: u64 = 0xffffff;
const BYTES_SHIFT: u64 = 24;
const HALF: u64 = 0x8000000000800000;

let owing: bool = false;
let packets: u64 = 0;

/** Packets that went by a passage, since the engine started. */
export function passages(): u64 {
	return packets;
}

// @ts-ignore: decorator
@inline
function wordAt(line: usize, dir: i32): u32 {
	return load<u32>(line + (dir << 2), L.LINE_PASSAGE);
}

/** What a packet at `at`, a row of TABLE_BATCH, says that a rule or a stack may have looked at. */
// @ts-ignore: decorator
@inline
export function tellsOf(at: usize, dir: i32): u32 {
	const tcp = <u32>load<u8>(at, L.PACKET_TCP);
	return (
		tcp | ((<u32>load<u8>(at, L.BATCH_TOS)) << 8) | ((<u32>load<u8>(at, L.BATCH_FLAGS)) << 16) | ((<u32>dir) << 24)
	);
}

/** What a line says of a direction, where it is a passage that is known; 0: it is none. */
// @ts-ignore: decorator
@inline
export function wordKnown(line: usize, dir: i32): u32 {
	const word = wordAt(line, dir);
	if ((word & PASSES) == 0 || load<u32>(line, L.LINE_EPOCH) != 0) return 0;
	return named(word).word == (word & ~ANSWERED) ? word : 0;
}

/** As far as one can tell without looking at a packet: do those of this direction go by a passage? */
// @ts-ignore: decorator
@inline
export function isBound(line: usize, dir: i32): bool {
	const word = wordKnown(line, dir);
	return word != 0 && named(word).epoch == currentEpoch();
}

/** Reads an entry of a line that `isBound`: the first, the second. */
// @ts-ignore: decorator
@inline
export function touchEntries(line: usize): u32 {
	return <u32>conn(load<i32>(line, L.LINE_ENTRIES)).status + <u32>conn(load<i32>(line + 4, L.LINE_ENTRIES)).status;
}

/**
 * Lets the packet at `at`, a row of TABLE_BATCH, go by the passage that its line names for its direction, where it may: all is done but
 * the answer, where there is one. Returns the word that the line has, 0: nothing is done.
 */
// @ts-ignore: decorator
@inline
export function passes(line: usize, at: usize, dir: i32, time: i64): u32 {
	if (line == 0 || (wordAt(line, dir) & PASSES) == 0 || load<u32>(line, L.LINE_EPOCH) != 0) return 0;
	return isUnwatched(line) && goes(line, at, dir, time) ? wordAt(line, dir) : 0;
}

function goes(line: usize, at: usize, dir: i32, time: i64): bool {
	const word = wordAt(line, dir);
	let p = named(word);
	if (p.word != (word & ~ANSWERED)) return false;
	const tells = tellsOf(at, dir);
	if (p.tells != tells) {
		const other = (p.tells ^ tells) == PUSH ? sibling(p, tells) : null;
		if (other === null) return false;
		p = other;
	}
	const len = load<u32>(at, L.PACKET_LEN);
	if (!serves(p, len, time)) return false;
	const index = (<u64>(<u32>flowOf(line))) << 32;
	const two = p.entries == 2;
	// A reply meets them the other way round.
	const c = conn(load<i32>(line + (dir << 2), L.LINE_ENTRIES));
	let ports = dir == 0 ? load<u32>(line, L.LINE_PORTS) : <u32>c.replyHi;
	if (!isOf(c, dir, p.addresses, ports, p.owner, p.translation, (<u64>p.standing) | index, time)) return false;
	if ((p.translates & 1) != 0) ports = translatedPorts(c, dir);
	let d = c;
	if (two) {
		d = conn(load<i32>(line + ((dir ^ 1) << 2), L.LINE_ENTRIES));
		if (!isOf(d, dir, p.between, ports, p.owner2, p.second, (<u64>p.standing2) | index, time)) return false;
		if ((p.translates & 2) != 0) ports = translatedPorts(d, dir);
	}
	// It answers what the line's initiator sent.
	if (dir == 1 && ports != rotl<u32>(load<u32>(line, L.LINE_PORTS), 16)) return false;
	take(c, dir, len, p.proto, time + <i64>p.timeout * NS_PER_S);
	if (two) take(d, dir, len, p.proto, time + <i64>p.timeout2 * NS_PER_S);
	store<i64>(line, time, L.LINE_LAST);
	const sum = load<u64>(line, L.LINE_SUM) + (((<u64>len) << BYTES_SHIFT) | 1);
	store<u64>(line, sum, L.LINE_SUM);
	if ((sum & HALF) != 0) settleLine(line);
	countPassage(p, len);
	owing = true;
	packets++;
	return true;
}

// Is an entry the packet's, of the line's flow, as it was when the passage was learnt, and alive?
// @ts-ignore: decorator
@inline
function isOf(
	c: Conn,
	dir: i32,
	addresses: u64,
	ports: u32,
	owner: u32,
	translation: u64,
	standing: u64,
	time: i64,
): bool {
	const at = changetype<usize>(c);
	const tuple = at + <usize>(dir << 4);
	const differs =
		(load<u64>(tuple) ^ addresses) |
		(load<u64>(tuple, 8) ^ ((<u64>ports) | ((<u64>owner) << 32))) |
		(load<u64>(at + <usize>((dir ^ 1) << 4)) ^ rotl<u64>(translation, 32)) |
		((load<u64>(at, L.CT_STATUS) & STANDING_FLOW) ^ standing);
	return differs == 0 && c.deadline > time;
}

// @ts-ignore: decorator
@inline
function translatedPorts(c: Conn, dir: i32): u32 {
	return rotl<u32>(load<u32>(changetype<usize>(c) + <usize>((dir ^ 1) << 4), 8), 16);
}

// @ts-ignore: decorator
@inline
function take(c: Conn, dir: i32, len: u32, proto: u8, deadline: i64): void {
	if (proto == <u8>L.PROTO_TCP) tcpTake(c, dir, deadline);
	else c.deadline = deadline;
	count(changetype<usize>(c), dir, len);
}

/** What a line owes to its flow's row, where its packets go by passages. */
export function settleLine(line: usize): void {
	if (!isPassing(line)) return;
	const sum = load<u64>(line, L.LINE_SUM);
	if (sum == 0) return;
	const f = flow(flowOf(line));
	store<u32>(f, load<u32>(f, L.FLOW_PACKETS) + <u32>(sum & PACKETS), L.FLOW_PACKETS);
	store<u64>(f, load<u64>(f, L.FLOW_BYTES) + (sum >> BYTES_SHIFT), L.FLOW_BYTES);
	store<i64>(f, load<i64>(line, L.LINE_LAST), L.FLOW_LAST);
	store<u64>(line, 0, L.LINE_SUM);
}

// Does the line name a passage of either direction?
// @ts-ignore: decorator
@inline
function isPassing(line: usize): bool {
	return load<u32>(line, L.LINE_EPOCH) == 0 && ((wordAt(line, 0) | wordAt(line, 1)) & PASSES) != 0;
}

/** Something of the line's flow is carried, or came out otherwise: the line pays what it owes, and knows no passage any more. */
export function letGo(line: usize): void {
	if (!isPassing(line)) return;
	settleLine(line);
	store<u64>(line, 0, L.LINE_PASSAGE);
	store<u64>(line, 0, L.LINE_ENTRIES);
	store<u64>(line, 0, L.LINE_SUM);
}

/** The same of every line. */
export function letAllGo(): void {
	for (let i: u32 = 0; i < capacity(L.TABLE_LINE); i++) letGo(lineAt(i));
}

/** From now on packets of a direction go by the passage `word` (ANSWERED among it), with two entries, first of a request's; of one, twice. */
export function bindLine(line: usize, dir: i32, word: u32, entries: u64): void {
	if (!isPassing(line)) {
		store<u64>(line, 0, L.LINE_PASSAGE);
		store<u64>(line, 0, L.LINE_SUM);
	}
	store<u32>(line + (dir << 2), word, L.LINE_PASSAGE);
	store<u64>(line, entries, L.LINE_ENTRIES);
}

/** Has any packet gone by a passage since this was last asked, so that lines owe something to their flows? */
export function linesOwe(): bool {
	const owe = owing;
	owing = false;
	return owe;
}
