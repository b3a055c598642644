// A small network laid out by hand, for specs of the rooms on a packet's way. Every netns has room for EACH devices,
// addresses and routes, so that rows stay contiguous. Two pods on a node's bridge and a router beside it: `cluster`.

import { address6Reset, is6 } from "../address6";
import { row, startAt } from "../arena";
import { device } from "../device";
import { fdbReset } from "../fdb";
import { run } from "../forward";
import { compile, eventCount, eventsReset, reserve, seal, seed } from "../index";
import * as L from "../layout";
import { neighboursReset } from "../neighbour";
import { conntrackFlush, conntrackInit } from "../netfilter/conntrack";
import { isIcmp } from "../netfilter/tuple";
import { netns } from "../netns";
import { Packet } from "../packet";
import { peersReset } from "../peer";
import { enqueue, queueReset, takePacket, TO_OUTPUT } from "../queue";
import { Traced } from "../trace";

export const SECOND: i64 = 1_000_000_000;
export const EACH: i32 = 8;
const NETNS_MAX: i32 = 8;
const ROWS: i32 = NETNS_MAX * EACH;

/** 10.0.0.0/8 as host-order numbers: ip(10, 244, 1, 2). */
export function ip(a: u32, b: u32, c: u32, d: u32): u32 {
	return (a << 24) | (b << 16) | (c << 8) | d;
}

let sealed = false;
let stacks: i32 = 0;
// Devices of each netns.
const DEVICES: StaticArray<i32> = new StaticArray<i32>(NETNS_MAX);

function layOut(): void {
	startAt((<usize>memory.size()) << 16);
	reserve(L.TABLE_NETNS, NETNS_MAX);
	reserve(L.TABLE_DEVICE, ROWS);
	reserve(L.TABLE_ADDRESS, ROWS);
	reserve(L.TABLE_ROUTE, ROWS);
	reserve(L.TABLE_NEXTHOP, 8);
	reserve(L.TABLE_FIB, 256);
	reserve(L.TABLE_SCRATCH, 16384);
	reserve(L.TABLE_CHAIN, 4);
	reserve(L.TABLE_RULE, 8);
	reserve(L.TABLE_MATCH, 1);
	reserve(L.TABLE_COUNTER, 8);
	reserve(L.TABLE_SOCKET, 16);
	reserve(L.TABLE_EVENT, 256);
	reserve(L.TABLE_CT, 64);
	reserve(L.TABLE_TUPLE, 256);
	reserve(L.TABLE_BYSOURCE, 64);
	reserve(L.TABLE_PATH, 16);
	reserve(L.TABLE_PATHRULE, 64);
	reserve(L.TABLE_FLOW, 32);
	reserve(L.TABLE_LINE, 64);
	reserve(L.TABLE_OPENING, 8);
	reserve(L.TABLE_SEQUEL, 16);
	reserve(L.TABLE_BATCH, 1);
	reserve(L.TABLE_JOURNEY, 16);
	reserve(L.TABLE_STEP, 256);
	reserve(L.TABLE_MEGAFLOW, 64);
	reserve(L.TABLE_PASSAGE, 16);
	reserve(L.TABLE_PACKET, 16);
	reserve(L.TABLE_FDB, 16);
	reserve(L.TABLE_NEIGH, 32);
	reserve(L.TABLE_PEER, 16);
	reserve(L.TABLE_ADDRESS6, 64);
	reserve(L.TABLE_ADDRESS6HASH, 256);
	reserve(L.TABLE_STATE, 1);
	reserve(L.TABLE_RECENT, 1);
	if (!seal()) throw new Error("no memory for the tables");
	sealed = true;
}

/** No netns, nothing learned, nothing queued. */
export function begin(): void {
	if (!sealed) layOut();
	for (let i = 0; i < stacks; i++) conntrackFlush(i, 0);
	memory.fill(row(L.TABLE_NETNS, 0, L.NETNS_STRIDE), 0, NETNS_MAX * L.NETNS_STRIDE);
	memory.fill(row(L.TABLE_DEVICE, 0, L.DEVICE_STRIDE), 0, ROWS * L.DEVICE_STRIDE);
	memory.fill(row(L.TABLE_SOCKET, 0, L.SOCKET_STRIDE), 0, 16 * L.SOCKET_STRIDE);
	address6Reset();
	fdbReset();
	neighboursReset();
	peersReset();
	queueReset();
	eventsReset();
	conntrackInit();
	seed(1);
	stacks = 0;
}

/** A netns with lo and 127.0.0.1/8; no tables loaded. */
export function stack(flags: u32): i32 {
	const index = stacks++;
	DEVICES[index] = 0;
	const at = netns(index);
	store<u32>(at, flags, L.NETNS_FLAGS);
	store<i32>(at, index * EACH, L.NETNS_DEVICE_FIRST);
	store<u32>(at, index * EACH, L.NETNS_ADDRESS_FIRST);
	store<u32>(at, index * EACH, L.NETNS_ROUTE_FIRST);
	store<u32>(at, 64, L.NETNS_TTL);
	store<u32>(at, 1024, L.NETNS_CT_MAX);
	for (let i = 0; i < L.TIMEOUT_COUNT; i++) store<u32>(at + <usize>(i << 2), 100, L.NETNS_TIMEOUTS);
	for (let i = 0; i < L.HOOK_COUNT * L.XT_COUNT; i++) {
		store<i32>(at + <usize>(i << 2), -1, L.NETNS_CHAINS);
		store<i32>(at + <usize>(i << 2), -1, L.NETNS_CHAINS6);
	}
	assign(add(index, L.DEVICE_KIND_LO), ip(127, 0, 0, 1), 8);
	return index;
}

/** A device without a peer. */
export function add(index: i32, kind: u32): i32 {
	const number = DEVICES[index]++;
	const dev = index * EACH + number;
	const at = device(dev);
	if (number > 0) store<i32>(device(dev - 1), dev, L.DEVICE_NEXT);
	store<i32>(at, -1, L.DEVICE_NEXT);
	if (kind == L.DEVICE_KIND_VXLAN && load<u32>(netns(index), L.NETNS_TUNNEL) == 0) {
		store<u32>(netns(index), dev + 1, L.NETNS_TUNNEL);
	}
	store<i32>(at, index, L.DEVICE_NETNS);
	store<u32>(at, kind, L.DEVICE_KIND);
	store<i32>(at, -1, L.DEVICE_PEER);
	store<i32>(at, -1, L.DEVICE_MASTER);
	store<i32>(at, -1, L.DEVICE_NEXT_VTEP);
	store<u32>(at, 1500, L.DEVICE_MTU);
	return dev;
}

/** A veth pair; the end in `a`. */
export function join(a: i32, b: i32): i32 {
	const near = add(a, L.DEVICE_KIND_VETH);
	const far = add(b, L.DEVICE_KIND_VETH);
	store<i32>(device(near), far, L.DEVICE_PEER);
	store<i32>(device(far), near, L.DEVICE_PEER);
	return near;
}

/** Makes a device a port of a bridge. */
export function enslave(port: i32, bridge: i32): void {
	store<i32>(device(port), bridge, L.DEVICE_MASTER);
}

/** An address, and with it the connected route (lo has none in main). */
export function assign(dev: i32, address: u32, length: u32): void {
	const index = load<i32>(device(dev), L.DEVICE_NETNS);
	const at = row(L.TABLE_ADDRESS, index * EACH + take(index, L.NETNS_ADDRESS_COUNT), L.ADDRESS_STRIDE);
	store<u32>(at, address, L.ADDRESS_IP);
	store<u32>(at, length, L.ADDRESS_PREFIX);
	store<i32>(at, dev, L.ADDRESS_DEVICE);
	const loopback = address >>> 24 == 127;
	store<u32>(at, loopback ? 254 : 0, L.ADDRESS_SCOPE);
	if (load<u32>(device(dev), L.DEVICE_ADDRESS) == 0) store<u32>(device(dev), address, L.DEVICE_ADDRESS);
	if (!loopback && length < 32) route(index, address & (0xffffffff << (32 - length)), length, 0, dev);
}

/** A route of the main table; its row. `dev` -1 with another type than unicast. */
export function route(index: i32, prefix: u32, length: u32, via: u32, dev: i32, type: u32 = L.RTN_UNICAST): usize {
	const at = row(L.TABLE_ROUTE, index * EACH + take(index, L.NETNS_ROUTE_COUNT), L.ROUTE_STRIDE);
	memory.fill(at, 0, L.ROUTE_STRIDE);
	store<u32>(at, prefix, L.ROUTE_PREFIX);
	store<u32>(at, length, L.ROUTE_LENGTH);
	store<u32>(at, type, L.ROUTE_TYPE);
	store<u32>(at, via, L.ROUTE_VIA);
	store<i32>(at, dev, L.ROUTE_DEVICE);
	return at;
}

function take(index: i32, counter: i32): i32 {
	const at = netns(index) + <usize>counter;
	const taken = load<i32>(at);
	if (taken == EACH) throw new Error("a netns has room for eight");
	store<i32>(at, taken + 1);
	return taken;
}

/** Builds the routing tables. */
export function ready(): void {
	if (!compile(stacks)) throw new Error("the routing tables do not fit");
}

// The devices and netns of `cluster`
export let podA: i32 = 0;
export let podB: i32 = 0;
export let node: i32 = 0;
export let router: i32 = 0;
export let cbr0: i32 = 0;
export let portA: i32 = 0;
export let uplink: i32 = 0;
export const A: u32 = ip(10, 244, 1, 2);
export const B: u32 = ip(10, 244, 1, 3);
export const BRIDGE: u32 = ip(10, 244, 1, 1);
export const NODE: u32 = ip(192, 0, 2, 11);
export const ROUTER: u32 = ip(192, 0, 2, 1);
export const VIP: u32 = ip(10, 96, 0, 10);

/** Pods A and B on cbr0, the node's uplink to a router that has a route to the pods. */
export function cluster(nodeFlags: u32): void {
	begin();
	podA = stack(0);
	podB = stack(0);
	node = stack(nodeFlags | L.NS_IP_FORWARD);
	router = stack(L.NS_IP_FORWARD);
	cbr0 = add(node, L.DEVICE_KIND_BRIDGE);
	assign(cbr0, BRIDGE, 24);
	const a = join(podA, node);
	const b = join(podB, node);
	portA = load<i32>(device(a), L.DEVICE_PEER);
	enslave(portA, cbr0);
	enslave(load<i32>(device(b), L.DEVICE_PEER), cbr0);
	assign(a, A, 24);
	assign(b, B, 24);
	route(podA, 0, 0, BRIDGE, a);
	route(podB, 0, 0, BRIDGE, b);
	uplink = join(node, router);
	const far = load<i32>(device(uplink), L.DEVICE_PEER);
	assign(uplink, NODE, 24);
	assign(far, ROUTER, 24);
	route(node, 0, 0, ROUTER, uplink);
	route(router, ip(10, 244, 1, 0), 24, NODE, far);
	ready();
}

/** One rule in a base chain of the node: what goes to VIP goes to `to` instead. The node is NATing from now on. */
export function translate(to: u32): void {
	const chain = row(L.TABLE_CHAIN, 0, L.CHAIN_STRIDE);
	memory.fill(chain, 0, L.CHAIN_STRIDE);
	store<u32>(chain, 1, L.CHAIN_RULE_COUNT);
	store<u32>(chain, L.POLICY_ACCEPT, L.CHAIN_POLICY);
	memory.fill(row(L.TABLE_RULE, 0, L.RULE_STRIDE), 0, 2 * L.RULE_STRIDE);
	for (let i = 0; i < 2; i++) {
		const rule = row(L.TABLE_RULE, i, L.RULE_STRIDE);
		store<i32>(rule, -1, L.RULE_IIF);
		store<i32>(rule, -1, L.RULE_OIF);
		store<u8>(rule, <u8>(i == 0 ? L.TARGET_DNAT : L.TARGET_ACCEPT), L.RULE_TARGET);
	}
	const rule = row(L.TABLE_RULE, 0, L.RULE_STRIDE);
	store<u32>(rule, VIP, L.RULE_DST);
	store<u32>(rule, 0xffffffff, L.RULE_DMASK);
	store<u32>(rule, to, L.RULE_A);
	store<u32>(rule, to, L.RULE_B);
	const at = netns(node);
	store<u32>(at, load<u32>(at, L.NETNS_FLAGS) | L.NS_IPTABLES | L.NS_CONNTRACK | L.NS_NAT, L.NETNS_FLAGS);
	store<i32>(at + <usize>((L.HOOK_PREROUTING * L.XT_COUNT + L.XT_NAT) << 2), 0, L.NETNS_CHAINS);
}

/** A packet that a program of `from` sends: 20 bytes above a header of 20. */
export function packet(from: i32, proto: i32, src: u32, sport: i32, dst: u32, dport: i32): Packet {
	const p = takePacket();
	if (p === null) throw new Error("no slot is free");
	p.netns = from;
	p.proto = <u8>proto;
	p.src = src;
	p.sport = <u16>sport;
	p.dst = dst;
	p.dport = <u16>dport;
	p.family = is6(dst) ? 6 : 4;
	p.ttl = 64;
	p.len = 40;
	return p;
}

/** Carries a packet to its end. */
export function sendOff(p: Packet): void {
	enqueue(p, TO_OUTPUT, -1);
	run<Traced>();
}

// What was seen: rows of TABLE_EVENT.
export function eventAt(index: i32): usize {
	return row(L.TABLE_EVENT, index, L.EVENT_STRIDE);
}

/** The first event of a kind in a netns, from `from` on; -1: none. */
export function find(kind: i32, index: i32, from: i32 = 0): i32 {
	for (let i = from; i < <i32>eventCount(); i++) {
		if (load<u8>(eventAt(i), L.EVENT_KIND) == <u8>kind && load<i32>(eventAt(i), L.EVENT_NETNS) == index) return i;
	}
	return -1;
}

/** How many events of a kind a netns saw. */
export function times(kind: i32, index: i32): i32 {
	let n = 0;
	for (let i = find(kind, index); i >= 0; i = find(kind, index, i + 1)) n++;
	return n;
}

/** The reason of the first packet that ended in a netns; REASON_NONE: none did. */
export function ending(index: i32): i32 {
	const i = find(L.EVENT_DROP, index);
	return i < 0 ? L.REASON_NONE : <i32>load<u8>(eventAt(i), L.EVENT_REASON);
}

/** ICMP type << 8 | code of the first packet delivered in a netns; -1: none was. */
export function told(index: i32): i32 {
	for (let i = find(L.EVENT_DELIVER, index); i >= 0; i = find(L.EVENT_DELIVER, index, i + 1)) {
		const wire = eventAt(i) + L.EVENT_WIRE;
		if (isIcmp(load<u8>(wire, L.PACKET_PROTO))) return <i32>load<u16>(wire, L.PACKET_DPORT);
	}
	return -1;
}
