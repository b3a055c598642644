// Learns what the first packet of a connection does, while it is carried: its way is noted (`journey`), and when it has
// ended, what it left in its flow's row and in the entries that it made becomes a row of TABLE_OPENING, from which `opening`
// opens others. Only what any packet of the row's key would leave behind is kept.

import { crossedEntry, flow } from "./flow";
import {
	ageOf,
	copyDraws,
	copySteps,
	mtuOf,
	noted,
	notedAllButDraws,
	notedCount,
	notedMade,
	notedSourcePort,
	noteEnd,
	noteStart,
} from "./journey";
import { conn, Conn } from "./netfilter/conn";
import { netnsHas } from "./netns";
import { claim, entryOf, isOf, settleOpening } from "./opening";
import { Packet } from "./packet";
import { currentEpoch } from "./pathcache";
import { packetsTaken } from "./queue";
import { socketChanges } from "./socket";
import { isDue } from "./tries";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;
const NO_ENTRY: u8 = 255;
const SINGULAR: u32 = L.IPS_FIXED_TIMEOUT | L.IPS_NAT_CLASH | L.IPS_DYING | L.IPS_EXPECTED;

// The packet from which an opening is learnt, its row and its flow; 0: none.
let subject: usize = 0;
let learnt: usize = 0;
let index: i32 = -1;
let taken: u32 = 0;
let answered: bool = false;
// Of what was learnt last
let serial: u32 = 0;

/** The packet `p` at `at`, first of the flow `first`, sets off to be carried: what it does is learnt into `o`, its row. */
export function learn(o: usize, at: usize, p: Packet, first: i32): void {
	if (!isOf(o, at)) claim(o, at);
	if (!isDue(o + L.OPENING_TRIES)) return;
	subject = changetype<usize>(p);
	learnt = o;
	index = first;
	taken = packetsTaken();
	answered = false;
	noteStart();
}

/** The receiver's program answers the packet at once. */
export function learnAnswer(): void {
	if (subject == 0) return;
	answered = true;
	taken++;
}

/** A packet has come to its end, and its flow's row says so. */
export function learnEnd(p: Packet, delivered: bool): void {
	if (changetype<usize>(p) != subject) return;
	subject = 0;
	noteEnd();
	if (!notedAllButDraws() || !delivered || p.flow != index || packetsTaken() != taken || notedSourcePort()) return;
	const sport = <u32>load<u16>(flow(index), L.FLOW_SPORT);
	if (<u32>load<u16>(flow(index), L.FLOW_SEEN_SPORT) != sport || !makesItsOwn(p, sport)) return;
	settleOpening(learnt);
	store<u32>(learnt, 0, L.OPENING_EPOCH);
	const steps = copySteps(learnt + L.OPENING_STEPS, L.OPENING_STEPS_MAX);
	if (steps >= 0 && p.len <= mtuOf(learnt + L.OPENING_STEPS, steps)) keep(learnt, steps);
}

/** Nothing more comes of the packet that was to teach something. */
export function learnNothing(): void {
	if (subject == 0) return;
	subject = 0;
	noteEnd();
}

// Did the packet make all entries that it belongs to, and are they as any other's of its kind would be?
function makesItsOwn(p: Packet, sport: u32): bool {
	const entries = notedCount();
	if (entries > L.OPENING_ENTRY_COUNT || notedMade() != entries) return false;
	const f = flow(index);
	if (entries < L.FLOW_CROSSED_MAX && crossedEntry(f, entries) >= 0) return false;
	for (let i = 0; i < entries; i++) {
		const entry = noted(i) >> 1;
		if ((noted(i) & 1) != 0 || crossedEntry(f, i) != entry || !isPlain(conn(entry), p, sport)) return false;
	}
	return true;
}

function isPlain(c: Conn, p: Packet, sport: u32): bool {
	if (!c.has(L.IPS_CONFIRMED) || c.has(SINGULAR) || c.flow != index || c.use != 1) return false;
	// It counted the packet once, and nothing else.
	if (c.origCount != (((<u64>p.len) << 24) | 1) || c.replyCount != 0 || c.origPackets != 0) return false;
	if (<u32>c.orig.sport != sport || <u32>c.reply.dport != sport) return false;
	if (sport == <u32>c.orig.dport || sport == <u32>c.reply.sport) return false;
	const windows = p.proto == <u8>L.PROTO_TCP && netnsHas(c.netns, L.NS_TCP_WINDOWS);
	if ((c.windowed != 0) != windows) return false;
	const left = c.deadline - p.time;
	return left > 0 && left % NS_PER_S == 0 && left / NS_PER_S <= <i64>u32.MAX_VALUE;
}

function keep(o: usize, steps: u32): void {
	const f = flow(index);
	const first = load<i32>(f, L.FLOW_CT);
	let place = NO_ENTRY;
	for (let i = 0; i < notedCount(); i++) {
		const entry = noted(i) >> 1;
		if (entry == first) place = <u8>i;
		keepEntry(entryOf(o, i), conn(entry), load<i64>(f, L.FLOW_TIME));
	}
	store<u32>(o, currentEpoch(), L.OPENING_EPOCH);
	store<u32>(o, steps, L.OPENING_STEP_COUNT);
	store<u32>(o, copyDraws(o + L.OPENING_DRAWS), L.OPENING_DRAW_COUNT);
	store<i64>(o, ageOf(o + L.OPENING_STEPS, steps), L.OPENING_UNTIL);
	store<u32>(o, socketChanges(), L.OPENING_SOCKETS);
	store<u32>(o, mtuOf(o + L.OPENING_STEPS, steps), L.OPENING_MTU);
	store<u32>(o, 0, L.OPENING_TRIES);
	store<u8>(o, <u8>notedCount(), L.OPENING_ENTRIES);
	store<u8>(o, place, L.OPENING_FIRST);
	store<u8>(o, <u8>answered, L.OPENING_MIRRORED);
	store<u8>(o, load<u8>(f, L.FLOW_FLAGS), L.OPENING_FLAGS);
	store<u8>(o, load<u8>(f, L.FLOW_VERDICT), L.OPENING_VERDICT);
	store<u8>(o, load<u8>(f, L.FLOW_REASON), L.OPENING_REASON);
	store<u16>(o, load<u16>(f, L.FLOW_SEEN_DPORT), L.OPENING_SEEN_DPORT);
	store<u64>(o, load<u64>(f, L.FLOW_SEEN_SRC), L.OPENING_SEEN);
	store<i32>(o, load<i32>(f, L.FLOW_SERVER), L.OPENING_SERVER);
	store<i32>(o, load<i32>(f, L.FLOW_RULE), L.OPENING_RULE);
	store<i32>(o, load<i32>(f, L.FLOW_ENTRY_NODE), L.OPENING_ENTRY_NODE);
	store<i32>(o, load<i32>(f, L.FLOW_SECOND), L.OPENING_SECOND);
	store<i32>(o, load<i32>(f, L.FLOW_CT_NETNS), L.OPENING_CT_NETNS);
	store<u32>(o, ++serial, L.OPENING_SERIAL);
	store<u32>(f, serial, L.FLOW_KIND);
}

function keepEntry(e: usize, c: Conn, time: i64): void {
	store<i32>(e, c.netns, L.OPENS_NETNS);
	store<u32>(e, c.orig.zoneProto, L.OPENS_ZONE_PROTO);
	store<u64>(e, c.origLo, L.OPENS_ORIG);
	store<u64>(e, c.replyLo, L.OPENS_REPLY);
	store<u16>(e, c.orig.dport, L.OPENS_DPORT);
	store<u16>(e, c.reply.sport, L.OPENS_REPLY_SPORT);
	store<u32>(e, load<u32>(changetype<usize>(c), L.CT_STATUS), L.OPENS_STATUS);
	store<u32>(e, <u32>((c.deadline - time) / NS_PER_S), L.OPENS_TIMEOUT);
	store<u32>(e, c.mark, L.OPENS_MARK);
	store<i32>(e, c.masqDevice, L.OPENS_MASQ_DEVICE);
	store<u16>(e, c.zone, L.OPENS_ZONE);
}
