// What the conntrack and NAT specs share: two tracking netns with Linux's default timeouts, and packets that cross one.
// `cross` is a router's way through a netns, PREROUTING to POSTROUTING, without rules.

import { place, row, startAt } from "../arena";
import * as L from "../layout";
import { conn, Conn } from "../netfilter/conn";
import {
	conntrackConfirm,
	conntrackFlush,
	conntrackIn,
	conntrackInit,
	conntrackUnconfirmedDrop,
} from "../netfilter/conntrack";
import { natInitialized, natManip, natNull } from "../netfilter/nat";
import { netns } from "../netns";
import { Packet } from "../packet";
import { reseed } from "../random";

export const SECOND: i64 = 1_000_000_000;
export const CLIENT: u32 = 0x0af40102; // 10.244.1.2
export const SERVER: u32 = 0x0af4010a; // 10.244.1.10
export const NODE: u32 = 0xc000020b; // 192.0.2.11

export const ROWS: u32 = 256;

let placed = false;
let clock: i64 = 0;

function timeout(at: usize, which: i32, seconds: u32): void {
	store<u32>(at + <usize>(which << 2), seconds, L.NETNS_TIMEOUTS);
}

/** An empty table and two netns, tracking, with window tracking, loose pickup and NAT. */
export function start(): void {
	if (!placed) {
		startAt((<usize>memory.size()) << 16);
		place(L.TABLE_NETNS, 2, L.NETNS_STRIDE);
		place(L.TABLE_CT, ROWS, L.CT_STRIDE);
		place(L.TABLE_TUPLE, 1024, L.TUPLE_STRIDE);
		place(L.TABLE_PACKET, 8, L.PACKET_STRIDE);
		placed = true;
		conntrackInit();
	}
	clock = 0;
	for (let i = 0; i < 2; i++) {
		conntrackFlush(i, 0);
		const at = netns(i);
		memory.fill(at, 0, L.NETNS_STRIDE);
		setFlags(i, L.NS_CONNTRACK | L.NS_NAT | L.NS_TCP_WINDOWS | L.NS_TCP_LOOSE);
		store<u32>(at, 65536, L.NETNS_CT_MAX);
		const tcp: u32[] = [120, 120, 60, 432000, 120, 60, 30, 120, 10, 120, 300, 300];
		for (let k = 0; k < tcp.length; k++) timeout(at, L.TIMEOUT_TCP + k, tcp[k]);
		timeout(at, L.TIMEOUT_UDP, 30);
		timeout(at, L.TIMEOUT_UDP_STREAM, 120);
		timeout(at, L.TIMEOUT_ICMP, 30);
		timeout(at, L.TIMEOUT_GENERIC, 600);
		const sctp: u32[] = [10, 10, 3, 3, 210, 3, 3, 3, 30];
		for (let k = 0; k < sctp.length; k++) timeout(at, L.TIMEOUT_SCTP + k, sctp[k]);
	}
	memory.fill(row(L.TABLE_CT, 0, L.CT_STRIDE), 0, ROWS * L.CT_STRIDE);
	memory.fill(row(L.TABLE_TUPLE, 0, L.TUPLE_STRIDE), 0, 1024 * L.TUPLE_STRIDE);
	conntrackInit();
	reseed(1);
}

export function setFlags(index: i32, flags: u32): void {
	store<u32>(netns(index), flags, L.NETNS_FLAGS);
}

export function wait(seconds: i64): void {
	clock += seconds * SECOND;
}

export function now(): i64 {
	return clock;
}

/** A packet in slot `slot`, at netns 0, not yet seen by conntrack. */
export function packet(slot: i32, proto: i32, src: u32, sport: i32, dst: u32, dport: i32): Packet {
	const p = changetype<Packet>(row(L.TABLE_PACKET, slot, L.PACKET_STRIDE));
	memory.fill(changetype<usize>(p), 0, L.PACKET_STRIDE);
	p.src = src;
	p.dst = dst;
	p.sport = <u16>sport;
	p.dport = <u16>dport;
	p.proto = <u8>proto;
	p.family = 4;
	p.len = 40;
	p.time = clock;
	p.ct = L.CT_UNSEEN;
	p.flow = -1;
	p.window = 64240;
	return p;
}

export function segment(
	src: u32,
	sport: i32,
	dst: u32,
	dport: i32,
	flags: i32,
	seq: u32,
	ack: u32,
	payload: u32 = 0,
): Packet {
	const p = packet(0, L.PROTO_TCP, src, sport, dst, dport);
	p.tcp = <u8>flags;
	p.seq = seq;
	p.ack = ack;
	p.payload = payload;
	p.len += payload;
	return p;
}

export function datagram(src: u32, sport: i32, dst: u32, dport: i32): Packet {
	return packet(0, L.PROTO_UDP, src, sport, dst, dport);
}

export function icmp(src: u32, dst: u32, type: i32, code: i32, id: i32): Packet {
	return packet(0, L.PROTO_ICMP, src, id, dst, (type << 8) | code);
}

export const INVALID: i32 = 1000;
export const DROPPED: i32 = 1001;

/** Runs conntrack and NAT (null bindings, and what natSetup decided before) over a forwarded packet; its ctinfo, INVALID or DROPPED. */
export function cross(p: Packet): i32 {
	if (conntrackIn(p, L.HOOK_PREROUTING) == L.NF_DROP) return DROPPED;
	return leave(p);
}

/** The second half of `cross`, for specs that choose a translation in between. */
export function leave(p: Packet): i32 {
	if (p.ct < 0) return INVALID;
	const info = <i32>p.ctinfo;
	translate(p, L.HOOK_PREROUTING, L.MANIP_DST);
	translate(p, L.HOOK_POSTROUTING, L.MANIP_SRC);
	if (!conntrackConfirm(p)) {
		conntrackUnconfirmedDrop(p);
		return DROPPED;
	}
	return info;
}

function translate(p: Packet, hook: i32, manip: i32): void {
	if ((load<u32>(netns(p.netns), L.NETNS_FLAGS) & L.NS_NAT) == 0) return;
	if (p.ctinfo == <u8>L.CTINFO_NEW && !natInitialized(p, manip)) natNull(p, hook);
	natManip(p, hook);
}

/** Live entries of netns 0. */
export function live(): i32 {
	return load<i32>(netns(0), L.NETNS_CT_COUNT);
}

/** Whole seconds that the packet's entry has left. */
export function left(p: Packet): i64 {
	return (conn(p.ct).deadline - clock) / SECOND;
}

export function entry(p: Packet): Conn {
	return conn(p.ct);
}
