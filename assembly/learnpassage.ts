// Learns passages (`passage`): a packet that went from its sender to its receiver by megaflows that were known beforehand, and
// left its flow's row as it was but for sums and times, binds its connection's line to what they say together.

import { deviceMaster, deviceNetns } from "./device";
import { flow, flowOf } from "./flow";
import { internJourney, joinNext, joinStart, journey } from "./journey";
import { copyLane, entryAt, Lane, megaflowAt, translated, translatedPorts } from "./lane";
import { hasLines, lineAt } from "./line";
import { LOCAL, Megaflow, TRANSLATED } from "./megaflow";
import { conn } from "./netfilter/conn";
import { conntrackUsualNs } from "./netfilter/conntrack";
import { answers, isNode } from "./outcome";
import { Packet } from "./packet";
import { ANSWERED, CROSSED_MANY, internPassage, Passage } from "./passage";
import { bindLine, letGo, STANDING, tellsOf, wordKnown } from "./passing";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;

// The flow whose packet is being carried, and its row and what its line said of the other direction before; -1: nobody cares.
let subject: i32 = -1;
let direction: i32 = 0;
const BEFORE: usize = memory.data(L.FLOW_STRIDE, 16);
let held: u32 = 0;
let heldEntries: u64 = 0;

// The lane by which it has come to its receiver, and where that is; 0: it has not. A lane that its answer will use is copied.
let lane: usize = 0;
const WAY: usize = memory.data(192, 16);
let end: i32 = -1;

// What is learnt
const DRAFT: usize = memory.data(L.PASSAGE_STRIDE, 16);
const ENTRIES: usize = memory.data(8, 8);
let ports: u32 = 0;
let addresses: u64 = 0;

/** A packet of a line, or the answer to it, is going to be carried. Before anything is done with it. */
export function expectPassage(line: usize, dir: i32): void {
	subject = flowOf(line);
	direction = dir;
	lane = 0;
	const f = flow(subject);
	for (let at: usize = 0; at < <usize>L.FLOW_STRIDE; at += 16) v128.store(BEFORE + at, v128.load(f + at));
	held = wordKnown(line, dir ^ 1);
	heldEntries = load<u64>(line, L.LINE_ENTRIES);
}

/** It is not carried after all. */
export function expectNothing(): void {
	subject = -1;
}

/**
 * A packet that a socket sent has gone all its way by a lane, and netns `at` has taken it up. It may have been given back since.
 * `lasts`: nobody else uses the lane while the burst is carried.
 */
// @ts-ignore: decorator
@inline
export function wentBy(p: Packet, way: Lane, at: i32, lasts: bool): void {
	if (p.flow != subject || <i32>p.has(L.SKB_REPLY) != direction) return;
	lane = lasts ? changetype<usize>(way) : WAY;
	if (!lasts) copyLane(changetype<Lane>(WAY), way);
	end = at;
}

/** The packet has come to its end, and its flow's row says so: its line is bound, if it may be. */
export function bindPassage(line: usize, at: usize): void {
	const index = subject;
	const dir = direction;
	subject = -1;
	if (index != flowOf(line) || load<u32>(line, L.LINE_EPOCH) != 0 || !leavesAsIs(flow(index))) return;
	const word = lane != 0 ? learn(changetype<Lane>(lane), index, at, dir) : 0;
	// Packets of the other direction would leave the row as it is, as before.
	const entries = word != 0 ? load<u64>(ENTRIES) : heldEntries;
	if (held != 0 && entries == heldEntries) bindLine(line, dir ^ 1, held, entries);
	if (word != 0) bindLine(line, dir, word, entries);
}

/** The answer to a packet that went by a passage has come to its end: the line is let go where that has changed something. */
export function bindAnswer(line: usize): void {
	const index = subject;
	subject = -1;
	if (index != flowOf(line) || !leavesAsIs(flow(index))) letGo(line);
}

/** A packet of a flow has come to its end. Where nobody waits for it, what its line knows may not be so any more. */
// @ts-ignore: decorator
@inline
export function comesToEnd(index: i32): void {
	if (index != subject && hasLines()) letGo(lineAt(load<u32>(flow(index), L.FLOW_LINE)));
}

// Is the flow's row what it was, sums and times aside?
function leavesAsIs(f: usize): bool {
	return (
		memory.compare(f, BEFORE, L.FLOW_PACKETS) == 0 &&
		memory.compare(f + L.FLOW_RULE, BEFORE + L.FLOW_RULE, L.FLOW_SETTLED - L.FLOW_RULE) == 0
	);
}

// The word of the passage that the packet at `at` has gone; 0: it is none.
function learn(way: Lane, index: i32, at: usize, dir: i32): u32 {
	const f = flow(index);
	const q = changetype<Passage>(DRAFT);
	memory.fill(DRAFT, 0, L.PASSAGE_STRIDE);
	addresses = way.startAddresses;
	ports = way.startPorts;
	q.tells = tellsOf(at, dir);
	q.addresses = addresses;
	q.netns = way.startNetns;
	q.proto = way.proto;
	q.end = end;
	joinStart();
	store<u64>(ENTRIES, 0);
	let dev = -1;
	let stacks: u32 = 0;
	for (let i = 0; i < <i32>way.known; i++) {
		const m = megaflowAt(way, i);
		if (!joinNext(m.journey)) return 0;
		if (dir == 0 && dev >= 0) noteCrossing(q, dev, m);
		const found = entryAt(way, i);
		if (found >= 0 && !noteEntry(q, found, dir, dev >= 0 ? deviceNetns(dev) : q.netns, m, index)) return 0;
		stacks += m.stacks;
		dev = m.next;
	}
	if (q.entries == 0 || stacks > 255 || !isForProgram(f, dir)) return 0;
	const first = load<i32>(ENTRIES);
	if (q.entries == 2) {
		if (first == load<i32>(ENTRIES, 4)) return 0;
		if (dir == 1) store<u64>(ENTRIES, rotl<u64>(load<u64>(ENTRIES), 32));
	} else {
		store<i32>(ENTRIES, first, 4);
	}
	// Whether the flow lives is then asked of its entries.
	if (load<i32>(f, L.FLOW_CT) != load<i32>(ENTRIES) && load<i32>(f, L.FLOW_CT) != load<i32>(ENTRIES, 4)) return 0;
	q.stacks = <u8>stacks;
	q.journey = internJourney();
	if (q.journey == 0) return 0;
	q.mtu = load<u32>(journey(q.journey), L.JOURNEY_MTU);
	const word = internPassage(q);
	return word != 0 && dir == 0 && answers(f) ? word | ANSWERED : word;
}

// An entry that the packet belongs to. False: it is none that a passage can have.
function noteEntry(q: Passage, found: i32, dir: i32, netns: i32, m: Megaflow, index: i32): bool {
	const c = conn(found >> 1);
	if (q.entries == 2 || (found & 1) != dir || c.flow != index) return false;
	const standing = <u32>(load<u64>(changetype<usize>(c), L.CT_STATUS) & STANDING);
	const owner = <u32>(c.tuple(dir).hi >> 32);
	const timeout = <u32>(conntrackUsualNs(netns, q.proto) / NS_PER_S);
	const translates = (m.marks & TRANSLATED) != 0;
	const to = translated(found);
	if (q.entries == 0) {
		q.translation = to;
		q.standing = standing;
		q.owner = owner;
		q.timeout = timeout;
	} else {
		q.between = addresses;
		q.second = to;
		q.standing2 = standing;
		q.owner2 = owner;
		q.timeout2 = timeout;
	}
	store<i32>(ENTRIES + ((<usize>q.entries) << 2), found >> 1);
	if (translates) {
		q.translates |= <u8>(1 << q.entries);
		addresses = to;
		ports = translatedPorts(found);
	}
	q.entries++;
	return true;
}

// A stack that the packet came to by a device: what its flow's row would note of it (`crossedAs`).
function noteCrossing(q: Passage, dev: i32, m: Megaflow): void {
	const netns = deviceNetns(dev);
	if (deviceMaster(dev) >= 0 || !isNode(netns)) return;
	const crossing = <u64>((((<u32>netns) << 1) | (<u32>((m.marks & LOCAL) != 0))) + 1);
	if (q.crossed >>> 32 != 0) q.crossed = CROSSED_MANY;
	else q.crossed |= q.crossed == 0 ? crossing : crossing << 32;
}

// Is it the flow's own program that has got it, and would it get the next one? As `arrived` (`outcome`) finds out.
function isForProgram(f: usize, dir: i32): bool {
	const server = load<i32>(f, L.FLOW_SERVER);
	if (dir == 0)
		return end == server && addresses == load<u64>(f, L.FLOW_SEEN_SRC) && ports == load<u32>(f, L.FLOW_SEEN_SPORT);
	const asked = rotl<u64>(load<u64>(f, L.FLOW_SRC), 32);
	return end == load<i32>(f, L.FLOW_NETNS) && addresses == asked && ports == rotl<u32>(load<u32>(f, L.FLOW_SPORT), 16);
}
