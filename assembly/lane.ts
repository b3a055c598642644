// What will become of a packet, found out beforehand: from stack to stack, by megaflows and by conntrack entries as they are
// now. Nothing is changed by looking, so the packets of a burst are looked at together, a stack at a time (`burst`), and the
// CPU waits for many cache misses at once. What was found holds until a stack has taken a packet, or an entry went.

import { deviceNetns } from "./device";
import { crossedEntry, flow } from "./flow";
import { findMegaflow, homeOf, ingressKey, Megaflow, stateKey, TRANSLATED, UP } from "./megaflow";
import { conn } from "./netfilter/conn";
import { conntrackPeek, conntrackUsual, tupleWord } from "./netfilter/conntrack";
import { netns } from "./netns";
import { Packet } from "./packet";
import * as L from "./layout";

/** Megaflows that a lane leads by, at most. */
export const STACKS: i32 = 8;
/** Of an entry: the netns tracks nothing. */
export const UNTRACKING: i32 = -2;
// The netns tracks connections, but the packet is not the usual one of any.
const NO_ENTRY: i32 = -1;


@unmanaged
export class Lane {
	// As the packet set out
	startAddresses: u64;
	startPorts: u32;
	startNetns: i32;
	// As it comes to the next stack
	addresses: u64;
	ports: u32;
	device: i32;
	/** smac | dmac << 32 */
	macs: u64;
	time: i64;
	netns: i32;
	flow: i32;
	len: u32;
	proto: u8;
	tcp: u8;
	tos: u8;
	family: u8;
	// Of the next stack, what its megaflow is kept under, and the packet's entry there
	translation: u64;
	ingress: u64;
	state: u64;
	entry: i32;
	/** What becomes of it next: ASK, KEEP, or LEAVE. */
	progress: u8;
	ttl: u8;
	/** Megaflows that are known. */
	known: u8;
	/** 1: it is a recorded answer. */
	direction: u8;
	/** Where a megaflow of the next stack is looked for first. */
	home: u32;
	// `known` pairs of megaflow and entry follow.
}

/** The next stack is to be asked. */
export const ASK: u8 = 0;
/** There is no megaflow, but the next stack's treatment may be kept as one. */
export const KEEP: u8 = 1;
/** The next stack has to take the packet, or there is none. */
export const LEAVE: u8 = 2;

const STEPS: usize = 104;
/** Bytes from lane to lane. */
export const LANE_STRIDE: usize = 192;

let generation: u32 = 0;

/** Whatever lanes say may be wrong from now on. */
// @ts-ignore: decorator
@inline
export function disturb(): void {
	generation++;
}
// @ts-ignore: decorator
@inline
export function laneGeneration(): u32 {
	return generation;
}

/** The megaflow by which a packet goes on as the `i`th; i < known. */
// @ts-ignore: decorator
@inline
export function megaflowAt(lane: Lane, i: i32): Megaflow {
	return changetype<Megaflow>(<usize>load<u32>(changetype<usize>(lane) + <usize>(i << 3), STEPS));
}
/** The conntrack entry there, `entry << 1 | direction`; UNTRACKING. */
// @ts-ignore: decorator
@inline
export function entryAt(lane: Lane, i: i32): i32 {
	return load<i32>(changetype<usize>(lane) + <usize>(i << 3), STEPS + 4);
}

/** Is it the kind of packet that a connection has many of? */
// @ts-ignore: decorator
@inline
export function isPlain(proto: u8, tcp: u8): bool {
	return proto == <u8>L.PROTO_TCP ? (tcp & ~(<u8>L.TCP_PSH)) == <u8>L.TCP_ACK : proto == <u8>L.PROTO_UDP;
}

/** A lane for a packet as it is; `dev`: the device that receives it, -1: its netns sends it. */
export function laneOf(lane: Lane, p: Packet, dev: i32): void {
	lane.startAddresses = p.addresses;
	lane.startPorts = p.ports;
	lane.startNetns = p.netns;
	lane.addresses = p.addresses;
	lane.ports = p.ports;
	lane.device = dev;
	lane.macs = macsOf(p.smac, p.dmac);
	lane.netns = p.netns;
	lane.flow = p.flow;
	lane.time = p.time;
	lane.len = p.len;
	lane.proto = p.proto;
	lane.tcp = p.tcp;
	lane.tos = p.tos;
	lane.family = p.family;
	lane.ttl = p.ttl;
	lane.direction = <u8>p.has(L.SKB_REPLY);
	lane.known = 0;
	lane.progress = ASK;
}

/** Keeps what a lane says. */
export function copyLane(to: Lane, from: Lane): void {
	memory.copy(changetype<usize>(to), changetype<usize>(from), LANE_STRIDE);
}

// @ts-ignore: decorator
@inline
export function macsOf(smac: u32, dmac: u32): u64 {
	return (<u64>smac) | ((<u64>dmac) << 32);
}

/** Asks for the next stack: what becomes of the packet there, and what is to be done next. */
// @ts-ignore: decorator
@inline
export function ask(lane: Lane): void {
	setKey(lane);
	if (lane.progress == ASK) find(lane);
}

/** First half of `ask`: what the next stack's megaflow is kept under, and where; LEAVE: it has none. */
// @ts-ignore: decorator
@inline
export function setKey(lane: Lane): void {
	const device = lane.device;
	const netnsIndex = device >= 0 ? deviceNetns(device) : lane.netns;
	const found = lane.known == <u8>STACKS || lane.ttl <= 1 ? NO_ENTRY : entryOf(lane, netnsIndex);
	if (found == NO_ENTRY) {
		lane.progress = LEAVE;
		return;
	}
	const macs = lane.macs;
	const translation = found < 0 ? 0 : translated(found);
	const ingress = ingressKey(netnsIndex, device, <u32>macs, lane.tos);
	const status = found < 0 ? 0 : <u32>conn(found >> 1).status;
	const state = stateKey(<u32>(macs >> 32), lane.proto, lane.tcp, status, found < 0 ? 0 : (<u32>found) & 1);
	lane.translation = translation;
	lane.ingress = ingress;
	lane.state = state;
	lane.entry = found;
	lane.home = <u32>changetype<usize>(homeOf(lane.addresses, translation, ingress, state));
}

/** Reads where `setKey` says, so that `find` need not wait. */
// @ts-ignore: decorator
@inline
export function touchHome(lane: Lane): u32 {
	return changetype<Megaflow>(<usize>lane.home).journey;
}

/** Second half of `ask`. */
// @ts-ignore: decorator
@inline
export function find(lane: Lane): void {
	lane.progress = findNext(lane);
}

// @ts-ignore: decorator
@inline
function findNext(lane: Lane): u8 {
	const home = changetype<Megaflow>(<usize>lane.home);
	const m = findMegaflow(home, lane.addresses, lane.translation, lane.ingress, lane.state, lane.len, lane.time);
	if (m === null) return KEEP;
	// Before the last of its stacks it would be too old.
	if (lane.ttl - 1 <= m.ttlBefore) return LEAVE;
	const found = lane.entry;
	const known = <usize>lane.known;
	const step = (<u64>changetype<usize>(m)) | ((<u64>(<u32>found)) << 32);
	store<u64>(changetype<usize>(lane) + (known << 3), step, STEPS);
	lane.known = <u8>(known + 1);
	if (m.next == UP) return LEAVE;
	if ((m.marks & TRANSLATED) != 0) {
		lane.addresses = lane.translation;
		lane.ports = translatedPorts(found);
	}
	lane.ttl -= m.ttl;
	lane.device = m.next;
	lane.macs = macsOf(m.a, m.b);
	return ASK;
}

/** Addresses as an entry translates them: the other direction's tuple, turned round. */
// @ts-ignore: decorator
@inline
export function translated(found: i32): u64 {
	return rotl<u64>(conn(found >> 1).tuple((found & 1) ^ 1).lo, 32);
}
/** And ports. */
// @ts-ignore: decorator
@inline
export function translatedPorts(found: i32): u32 {
	return rotl<u32>(<u32>conn(found >> 1).tuple((found & 1) ^ 1).hi, 16);
}

// @ts-ignore: decorator
@inline
function entryOf(lane: Lane, netnsIndex: i32): i32 {
	const flags = load<u32>(netns(netnsIndex), L.NETNS_FLAGS);
	const tracking = lane.family == 6 ? L.NS_IPTABLES6 | L.NS_CONNTRACK6 : L.NS_IPTABLES | L.NS_CONNTRACK;
	if ((flags & tracking) != tracking) return UNTRACKING;
	const lo = lane.addresses;
	const hi = tupleWord(netnsIndex, lane.family, lane.ports, lane.proto);
	// A flow remembers its entries: where one has the packet's tuple, no hash need be asked.
	if (lane.flow >= 0) {
		const first = flow(lane.flow);
		const offset = (<usize>lane.direction) << 4;
		for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
			const known = crossedEntry(first, i);
			if (known < 0) break;
			const tuple = changetype<usize>(conn(known)) + offset;
			if (load<u64>(tuple) != lo || load<u64>(tuple, 8) != hi) continue;
			const c = conn(known);
			// An entry whose tuples are equal is found as its reply.
			const dir = <i32>(c.replyLo == lo && c.replyHi == hi);
			return conntrackUsual(known, dir, netnsIndex, lane.proto, lane.tcp, lane.time);
		}
	}
	return conntrackPeek(lo, hi, netnsIndex, lane.tcp, lane.time);
}

function verify(): void {
	if (offsetof<Lane>() > STEPS) ERROR("STEPS");
	if (STEPS + ((<usize>STACKS) << 3) > LANE_STRIDE) ERROR("LANE_STRIDE");
}
verify();
