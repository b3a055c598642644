// Learns what a packet behind the first one of a connection does, while it is carried: its way is noted (`journey`), and when
// it has ended, what it changed in its flow's row and in its entries becomes a row of TABLE_SEQUEL, which later ones of
// connections of the same kind follow (`sequel`).

import { crossedEntry, flow } from "./flow";
import {
	internJourney,
	isNoting,
	journey,
	noted,
	notedAlike,
	notedCount,
	notedMade,
	notedSourcePort,
	notedWhole,
	noteEnd,
	noteStart,
} from "./journey";
import { isPlain } from "./lane";
import { conn } from "./netfilter/conn";
import { tracksAlike } from "./netns";
import { Packet } from "./packet";
import { currentEpoch } from "./pathcache";
import { packetsTaken } from "./queue";
import { outcomeOf, sequelNext, settleSequel, STANDING, trackedAt } from "./sequel";
import { isDue } from "./tries";
import * as L from "./layout";

const SINGULAR: u32 = L.IPS_FIXED_TIMEOUT | L.IPS_NAT_CLASH | L.IPS_DYING | L.IPS_CACHED;

// The packet from which a row is learnt, the row, its flow and direction; 0: none.
let subject: usize = 0;
let learnt: usize = 0;
let index: i32 = -1;
let direction: i32 = 0;
let taken: u32 = 0;

const FLOW_BEFORE: usize = memory.data(L.FLOW_STRIDE, 16);
// Of each entry of the flow, in their order there: status and state, mark.
const ENTRY_BEFORE: usize = memory.data(L.FLOW_CROSSED_MAX * 8, 16);

/** May the packet of flow `first` that is about to be carried teach row `s` something? Then its flow and entries are noted as they are. */
export function mayTeach(s: usize, first: i32, dir: i32): bool {
	if (!isDue(s + L.SEQUEL_TRIES)) return false;
	learnt = s;
	index = first;
	direction = dir;
	const f = flow(first);
	memory.copy(FLOW_BEFORE, f, L.FLOW_STRIDE);
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		const at = ENTRY_BEFORE + <usize>(i << 3);
		store<u32>(at, load<u32>(changetype<usize>(conn(entry)), L.CT_STATUS) & STANDING);
		store<u32>(at, conn(entry).mark, 4);
	}
	return true;
}

/** The packet that may teach sets off. */
export function teaches(p: Packet): void {
	subject = changetype<usize>(p);
	taken = packetsTaken();
	noteStart();
}

/** The receiver answers the packet: that is not kept. False: nobody was taught. */
export function learnNoAnswer(): bool {
	const taught = subject != 0;
	subject = 0;
	return taught;
}

/** A packet has come to its end, and its flow's row says so. Notes go on. False: it taught nobody. */
export function learnSequel(p: Packet, delivered: bool): bool {
	if (changetype<usize>(p) != subject) return false;
	subject = 0;
	conclude(p, delivered);
	return true;
}

function conclude(p: Packet, delivered: bool): void {
	if (!delivered || p.flow != index || packetsTaken() != taken || notedMade() != 0 || !notedWhole()) return;
	// A port of the client's is the source of what it sends, and the destination of what it gets.
	if (direction == 0 ? notedSourcePort() : !notedAlike()) return;
	const f = flow(index);
	if (!keepsItsIdentity(f) || notedCount() > L.SEQUEL_ENTRY_COUNT) return;
	for (let i = 0; i < notedCount(); i++) if (!isTrackedAlike(f, i)) return;
	const way = internJourney();
	if (way == 0 || p.len > load<u32>(journey(way), L.JOURNEY_MTU)) return;
	keep(f, p, way);
}

/** Nothing more comes of the packet that was to teach something. */
export function learnNoSequel(): void {
	if (subject == 0) return;
	subject = 0;
	if (isNoting()) noteEnd();
}

// Whatever a connection of the kind has for itself has to be as before: addresses, ports, entries, who answers.
function keepsItsIdentity(f: usize): bool {
	return (
		memory.compare(f, FLOW_BEFORE, L.FLOW_VERDICT) == 0 &&
		memory.compare(f + L.FLOW_NETNS, FLOW_BEFORE + L.FLOW_NETNS, L.FLOW_PACKETS - L.FLOW_NETNS) == 0 &&
		load<i32>(f, L.FLOW_CT) == load<i32>(FLOW_BEFORE, L.FLOW_CT) &&
		memory.compare(f + L.FLOW_KIND, FLOW_BEFORE + L.FLOW_KIND, L.FLOW_SETTLED - L.FLOW_KIND) == 0 &&
		load<u16>(f, L.FLOW_SEEN_SPORT) == load<u16>(f, L.FLOW_SPORT)
	);
}

// Where among the flow's entries this one is; -1: nowhere.
function placeOf(f: usize, entry: i32): i32 {
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) if (crossedEntry(f, i) == entry) return i;
	return -1;
}

// Is the `i`th entry noted one that another connection of the kind has the like of?
function isTrackedAlike(f: usize, i: i32): bool {
	const entry = noted(i) >> 1;
	const place = placeOf(f, entry);
	if (place < 0 || (noted(i) & 1) != direction) return false;
	const c = conn(entry);
	const before = ENTRY_BEFORE + <usize>(place << 3);
	if (c.flow != index || c.has(SINGULAR) || (load<u32>(before) & SINGULAR) != 0) return false;
	return (load<u32>(before) & L.IPS_CONFIRMED) != 0 && c.mark == load<u32>(before, 4);
}

// Is the entry one whose next plain packet leaves it as it is? (`repeatable`)
function isEstablished(standing: u32, proto: u8): bool {
	if (proto == <u8>L.PROTO_TCP) return standing >>> 16 == <u32>L.TCP_CT_ESTABLISHED;
	return (standing & L.IPS_SEEN_REPLY) == 0 || (standing & L.IPS_ASSURED) != 0;
}

// Flags of a flow's outcome
const ANSWERED: u32 = L.FLOWF_ANSWERED << 16;
const FOLLOWS: u32 = L.FLOWF_FOLLOWS << 16;

// What of an entry's word no tracker of TCP asks for
const TRANSLATED: u32 = L.IPS_SRC_NAT | L.IPS_DST_NAT | L.IPS_SRC_NAT_DONE | L.IPS_DST_NAT_DONE;

// A bit an entry that stood as the first one did but for its translation, where TCP windows are tracked by the same settings.
function alikeEntries(s: usize, count: i32): u32 {
	let alike: u32 = 0;
	const first = trackedAt(s, 0);
	for (let i = 1; i < count; i++) {
		const t = trackedAt(s, i);
		const differs = load<u32>(t, L.SEQUEL_BEFORE) ^ load<u32>(first, L.SEQUEL_BEFORE);
		if ((differs & ~TRANSLATED) != 0) continue;
		if (tracksAlike(load<i32>(t, L.SEQUEL_NETNS), load<i32>(first, L.SEQUEL_NETNS))) alike |= 1 << i;
	}
	return alike;
}

function keep(f: usize, p: Packet, way: u32): void {
	const s = learnt;
	settleSequel(s);
	let steady = isPlain(p.proto, p.tcp) && outcomeOf(f) == outcomeOf(FLOW_BEFORE);
	steady = steady && load<i32>(f, L.FLOW_RULE) == load<i32>(FLOW_BEFORE, L.FLOW_RULE);
	steady = steady && load<i32>(f, L.FLOW_ENTRY_NODE) == load<i32>(FLOW_BEFORE, L.FLOW_ENTRY_NODE);
	steady = steady && load<i32>(f, L.FLOW_SECOND) == load<i32>(FLOW_BEFORE, L.FLOW_SECOND);
	const count = notedCount();
	const whole = count == L.FLOW_CROSSED_MAX || crossedEntry(f, count) < 0;
	if (!whole) steady = false;
	for (let i = 0; i < count; i++) {
		const entry = noted(i) >> 1;
		const c = conn(entry);
		const place = placeOf(f, entry);
		const before = load<u32>(ENTRY_BEFORE + <usize>(place << 3));
		const after = load<u32>(changetype<usize>(c), L.CT_STATUS) & STANDING;
		if (before != after || !isEstablished(after, p.proto)) steady = false;
		const t = trackedAt(s, i);
		store<i32>(t, place, L.SEQUEL_PLACE);
		store<i32>(t, c.netns, L.SEQUEL_NETNS);
		store<u32>(t, before, L.SEQUEL_BEFORE);
		store<u32>(t, after, L.SEQUEL_AFTER);
		store<u32>(t, c.mark, L.SEQUEL_MARK);
	}
	store<u32>(s, currentEpoch(), L.SEQUEL_EPOCH);
	store<u32>(s, way, L.SEQUEL_JOURNEY);
	store<u32>(s, 0, L.SEQUEL_TRIES);
	store<u8>(s, <u8>count, L.SEQUEL_ENTRIES);
	store<u8>(s, <u8>steady, L.SEQUEL_STEADY);
	store<u16>(s, load<u16>(f, L.FLOW_SEEN_DPORT), L.SEQUEL_SEEN_DPORT);
	store<u32>(s, outcomeOf(f), L.SEQUEL_OUTCOME);
	store<u8>(s, <u8>alikeEntries(s, count), L.SEQUEL_ALIKE);
	store<i32>(s, load<i32>(FLOW_BEFORE, L.FLOW_RULE), L.SEQUEL_RULE);
	store<i32>(s, load<i32>(FLOW_BEFORE, L.FLOW_ENTRY_NODE), L.SEQUEL_ENTRY_NODE);
	store<i32>(s, load<i32>(FLOW_BEFORE, L.FLOW_SECOND), L.SEQUEL_SECOND);
	store<i32>(s, load<i32>(f, L.FLOW_RULE), L.SEQUEL_RULE_AFTER);
	store<i32>(s, load<i32>(f, L.FLOW_ENTRY_NODE), L.SEQUEL_ENTRY_NODE_AFTER);
	store<i32>(s, load<i32>(f, L.FLOW_SECOND), L.SEQUEL_SECOND_AFTER);
	store<u64>(s, load<u64>(f, L.FLOW_SEEN_SRC), L.SEQUEL_SEEN);
	store<i32>(s, load<i32>(f, L.FLOW_SERVER), L.SEQUEL_SERVER);
	if (steady || !whole || p.proto != <u8>L.PROTO_TCP || !isPlain(p.proto, p.tcp) || !staysFrom(s)) return;
	store<u8>(s, 1, L.SEQUEL_STEADY);
	keepNext(s, f, count);
}

// Will the next packet like this one do the same, although it found its entries otherwise than it left them? Rules see an entry as
// its tracker leaves it, which is established then as now; each had been answered, so the packet was ESTABLISHED to rules already;
// and of an answered flow's row it changed nothing, but that it says now that its latest request did not open it.
function staysFrom(s: usize): bool {
	const before = outcomeOf(FLOW_BEFORE);
	const flags = (load<u32>(s, L.SEQUEL_OUTCOME) & 0xffffff) ^ before;
	if ((before & ANSWERED) == 0 || (flags & ~FOLLOWS) != 0) return false;
	if (load<i32>(s, L.SEQUEL_RULE) != load<i32>(s, L.SEQUEL_RULE_AFTER)) return false;
	if (load<i32>(s, L.SEQUEL_ENTRY_NODE) != load<i32>(s, L.SEQUEL_ENTRY_NODE_AFTER)) return false;
	if (load<i32>(s, L.SEQUEL_SECOND) != load<i32>(s, L.SEQUEL_SECOND_AFTER)) return false;
	if (load<u8>(FLOW_BEFORE, L.FLOW_BROKEN_VERDICT) != <u8>L.VERDICT_NONE) return false;
	for (let i: i32 = 0; i < <i32>load<u8>(s, L.SEQUEL_ENTRIES); i++) {
		const t = trackedAt(s, i);
		const was = load<u32>(t, L.SEQUEL_BEFORE);
		if ((was & L.IPS_SEEN_REPLY) == 0 || (was & L.IPS_EXPECTED) != 0) return false;
		if (!isEstablished(load<u32>(t, L.SEQUEL_AFTER), <u8>L.PROTO_TCP)) return false;
	}
	return true;
}

// The row of the next packet like the one that row `s` was learnt from, where none is known.
function keepNext(s: usize, f: usize, count: i32): void {
	const n = sequelNext(s, f);
	if (n == 0 || load<u32>(n, L.SEQUEL_EPOCH) != 0) return;
	const standing = load<u64>(n, L.SEQUEL_STANDING);
	memory.copy(n, s, L.SEQUEL_NEXT);
	store<u64>(n, standing, L.SEQUEL_STANDING);
	store<u64>(n, 0, L.SEQUEL_BYTES);
	store<u32>(n, 0, L.SEQUEL_PACKETS);
	for (let i = 0; i < count; i++)
		store<u32>(trackedAt(n, i), load<u32>(trackedAt(n, i), L.SEQUEL_AFTER), L.SEQUEL_BEFORE);
	store<u8>(n, <u8>alikeEntries(n, count), L.SEQUEL_ALIKE);
}
