// A packet in one stack after another, from where it comes in to where it goes on: by a megaflow where there is one, else
// through the stack itself (`forward`), and what that did with it is kept as a megaflow where others will be treated alike.
// That is so for plain acknowledgements of established TCP connections and datagrams of UDP streams where
//   - the packet comes from outside: no mark, no conntrack entry, no tunnel, no segments to be made of it,
//   - the stack sends it on by a device or takes it up, as it came but for what its connection translates and the TTL,
//   - and nothing else came of it: no answer, no copy, no question to the segment, no rule that remembers packets.

import { deviceMaster, deviceNetns, devicePeer } from "./device";
import { stack, takeUp } from "./forward";
import { internJourney, isNoting, noteEndAlike, noteStart } from "./journey";
import {
	ask,
	ASK,
	copyLane,
	disturb,
	entryAt,
	isPlain,
	KEEP,
	Lane,
	laneGeneration,
	laneOf,
	megaflowAt,
	translated,
	translatedPorts,
	UNTRACKING,
} from "./lane";
import { wentBy } from "./learnpassage";
import {
	addMegaflow,
	areMegaflowsOn,
	countMegaflow,
	joinMegaflows,
	leaveAlone,
	LOCAL,
	mayBeJoined,
	Megaflow,
	TRANSLATED,
	UP,
} from "./megaflow";
import { conntrackTake } from "./netfilter/conntrack";
import { bind, crossedAs, isForNetns, isNode } from "./outcome";
import { Packet } from "./packet";
import { enqueue, isIdle, packetsTaken, TO_DEVICE } from "./queue";
import { Silent } from "./trace";
import * as L from "./layout";

// The lane of a packet that comes without one.
const OWN: usize = memory.data(192, 16);

// The lane that was made for the packet that comes next; 0: none.
let prepared: usize = 0;
let since: u32 = 0;

// The packet whose stage is noted, its lane in OWN; 0: none.
let subject: usize = 0;
let taken: u32 = 0;
let ttl: u8 = 0;
let local: bool = false;

/** The next packet that a socket sends is the one that this lane was made for at a generation. */
// @ts-ignore: decorator
@inline
export function prepare(lane: Lane, at: u32): void {
	prepared = changetype<usize>(lane);
	since = at;
}

/** Carries a packet that a device receives, or that its netns sends (`dev` -1), until it ends or waits in the queue. */
export function carry(p: Packet, dev: i32): void {
	const known = prepared;
	prepared = 0;
	if (!mayBeAlike(p)) return byStack(p, dev);
	const lane = changetype<Lane>(known != 0 && dev < 0 && isFor(p, changetype<Lane>(known)) ? known : OWN);
	if (changetype<usize>(lane) == OWN) {
		laneOf(lane, p, dev);
	}
	const idle = isIdle();
	const whole = dev < 0;
	// What may be alike may be so in the next stack too.
	for (let i = 0; ; i++) {
		if (i == <i32>lane.known && (lane.progress != ASK || !leads(lane, i))) {
			join(lane);
			return take(p, dev, lane);
		}
		const m = megaflowAt(lane, i);
		// What waits comes between one stack and the next.
		if (!idle && m.stacks > 1) return byStack(p, dev);
		dev = follow(p, dev, entryAt(lane, i), m);
		if (dev == UP) {
			const end = m.stacks > 1 ? deviceNetns(<i32>m.a) : p.netns;
			goUp(p, m);
			// Lanes that lead by what is joined say no more how the packet went.
			if (!join(lane) && whole) wentBy(p, lane, end, changetype<usize>(lane) != OWN);
			return;
		}
		if (!idle) return enqueue(p, TO_DEVICE, dev);
	}
}

// Makes one of two megaflows that the packet has gone by, where the second follows from the first: packets after it have
// one look-up less. True: lanes that lead by them are void.
function join(lane: Lane): bool {
	for (let i = 1; i < <i32>lane.known; i++) {
		if (entryAt(lane, i) != UNTRACKING) continue;
		const m = megaflowAt(lane, i - 1);
		if (!mayBeJoined(m)) continue;
		if (isNoticed(m.next)) leaveAlone(m);
		else if (joinMegaflows(m, megaflowAt(lane, i))) {
			disturb();
			return true;
		}
	}
	return false;
}

// Does a flow remember that its packets came in by the device (`crossedAs`)?
function isNoticed(dev: i32): bool {
	return deviceMaster(dev) < 0 && isNode(deviceNetns(dev));
}

// Is the way through the next stack, the `i`th, known now?
// @ts-ignore: decorator
@inline
function leads(lane: Lane, i: i32): bool {
	ask(lane);
	return i < <i32>lane.known;
}

// @ts-ignore: decorator
@inline
function isFor(p: Packet, lane: Lane): bool {
	return (
		since == laneGeneration() &&
		p.addresses == lane.startAddresses &&
		p.ports == lane.startPorts &&
		p.netns == lane.startNetns
	);
}

// @ts-ignore: decorator
@inline
function mayBeAlike(p: Packet): bool {
	if (!areMegaflowsOn() || isNoting() || !isPlain(p.proto, p.tcp)) return false;
	if ((p.flags & ~(<u8>L.SKB_REPLY)) != 0 || p.src == 0) return false;
	return p.ct == L.CT_UNSEEN && (p.mark | (<u32>p.mtu) | (<u32>p.zone)) == 0 && p.tunnel < 0;
}

// Does to the packet what the stack would. The device that it goes on to, or UP.
// @ts-ignore: decorator
@inline
function follow(p: Packet, dev: i32, found: i32, m: Megaflow): i32 {
	if (dev >= 0) {
		p.netns = deviceNetns(dev);
		if (p.flow >= 0 && deviceMaster(dev) < 0) crossedAs(p, (m.marks & LOCAL) != 0);
	}
	if (found >= 0) {
		conntrackTake(p, found);
		if (p.flow >= 0) bind(p);
		if ((m.marks & TRANSLATED) != 0) {
			p.addresses = translated(found);
			p.ports = translatedPorts(found);
		}
	}
	p.ttl -= m.ttl;
	countMegaflow(m, p.len);
	if (m.next == UP) return UP;
	p.ct = L.CT_UNSEEN;
	p.smac = m.a;
	p.dmac = m.b;
	return m.next;
}

function goUp(p: Packet, m: Megaflow): void {
	if (m.stacks > 1) p.netns = deviceNetns(<i32>m.a);
	p.iif = m.a;
	p.mark = m.b;
	p.set(m.skb);
	p.type = <u8>L.PACKET_HOST;
	p.rtType = <u8>L.RTN_LOCAL;
	p.rtFlags = <u8>L.RT_LOCAL;
	p.gateway = 0;
	takeUp<Silent>(p);
}

function byStack(p: Packet, dev: i32): void {
	disturb();
	stack<Silent>(p, dev);
}

// The stack takes the packet, and where others may be treated alike, what it does is noted.
function take(p: Packet, dev: i32, lane: Lane): void {
	if (lane.progress != KEEP || isNoting()) return byStack(p, dev);
	disturb();
	if (changetype<usize>(lane) != OWN) copyLane(changetype<Lane>(OWN), lane);
	subject = changetype<usize>(p);
	taken = packetsTaken();
	ttl = p.ttl;
	if (dev >= 0) p.netns = deviceNetns(dev);
	local = isForNetns(p);
	noteStart();
	stack<Silent>(p, dev);
	if (subject != 0) noteEndAlike();
	subject = 0;
}

/** The stack sends a packet out of a device. */
// @ts-ignore: decorator
@inline
export function leaves(p: Packet, dev: i32): void {
	if (changetype<usize>(p) != subject) return;
	const m = keep(p);
	if (m === null) return;
	m.next = devicePeer(dev);
	m.a = p.smac;
	m.b = p.dmac;
}

/** The stack takes a packet up, past INPUT. */
// @ts-ignore: decorator
@inline
export function goesUp(p: Packet): void {
	if (changetype<usize>(p) != subject) return;
	const m = keep(p);
	if (m === null) return;
	m.next = UP;
	m.a = p.iif;
	m.b = p.mark;
	m.skb = p.flags & ~(<u8>L.SKB_REPLY);
}

// What was noted as a megaflow; null: it is none.
function keep(p: Packet): Megaflow | null {
	subject = 0;
	const lane = changetype<Lane>(OWN);
	if (!noteEndAlike() || packetsTaken() != taken || p.reason != L.REASON_NONE || p.zone != 0) return null;
	if (lane.entry < 0 ? p.ct >= 0 : p.ct != lane.entry >> 1) return null;
	const same = p.addresses == lane.addresses && p.ports == lane.ports;
	const translates = lane.entry >= 0 && p.addresses == lane.translation && p.ports == translatedPorts(lane.entry);
	if (!same && !translates) return null;
	const way = internJourney();
	if (way == 0) return null;
	const m = addMegaflow(lane.addresses, lane.translation, lane.ingress, lane.state, way);
	if (m === null) return null;
	m.ttl = ttl - p.ttl;
	m.ttlBefore = 0;
	m.skb = 0;
	m.marks = (same ? 0 : TRANSLATED) | (local ? LOCAL : 0);
	return m;
}
