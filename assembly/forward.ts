// Start here: a packet's way through a cluster, hop by hop, as the Linux kernel takes it.
//
//   receive ─┬─ port of a bridge ── bridge (br_netfilter) ──┬── other port ── transmit
//            │                                              └── up
//            └─ ipReceive ── PREROUTING ── routeIn ─┬─ localIn ── INPUT ── socket, or an answer by the stack
//                                                   └─ forward ── FORWARD ── output
//   send ── route ── OUTPUT ── output ── POSTROUTING ── neighbour ── deviceSend ── transmit
//
// net/ipv4/ip_input.c, ip_forward.c, ip_output.c, route.c; net/ipv6/ip6_input.c, ip6_output.c, route.c; net/core/dev.c;
// drivers/net/{veth,vxlan,loopback}.c. One way for both families: where they part, a leaf asks p.family.
// All branching is here, leaves are in their modules. T is Traced or Silent (see `trace`).
// Not modelled: fragments, options and extension headers, multicast, source routing, IPsec, queueing and loss on links.

import { bridgeReceive, bridgeSend } from "./bridge";
import { countIn, countOut, deviceKind, deviceMaster, deviceMtu, deviceNetns, devicePeer } from "./device";
import { isMartian, lookupRoute, preferredSource, sourceOnLink, validateSource } from "./fib";
import { isMartian6 } from "./fib6";
import * as icmp from "./icmp";
import { notRepeatable } from "./journey";
import { headerCached, MAC_NONE, resolve } from "./neighbour";
import { conntrackAttach, conntrackUnconfirmedDrop } from "./netfilter/conntrack";
import { hook } from "./netfilter/hooks";
import { rejectWith } from "./netfilter/target";
import { isIcmp } from "./netfilter/tuple";
import { netnsHas } from "./netns";
import { Packet } from "./packet";
import * as queue from "./queue";
import { arrived, crossed, ended } from "./outcome";
import { findQuoted, findSocket, SOCKET_NONE } from "./socket";
import { carry, goesUp, leaves } from "./stage";
import { event, tracing, verdictOfLast } from "./trace";
import { decapsulate, encapsulate, isForTunnel } from "./vxlan";
import * as L from "./layout";

// mcast_solicit (3) requests, retrans_time (1 s) apart.
const NEIGHBOUR_TIMEOUT_NS: i64 = 3_000_000_000;

/** Carries every queued packet to its end. */
export function run<T>(): void {
	for (let slot = queue.dequeue(); slot >= 0; slot = queue.dequeue()) {
		const p = queue.packetAt(slot);
		const action = queue.actionOf(slot);
		if (action == queue.TO_NEIGHBOUR_FAILED) {
			neighbourFailed<T>(p);
			continue;
		}
		const dev = action == queue.TO_DEVICE ? queue.deviceOf(slot) : -1;
		// What is traced is explained, stack by stack.
		if (tracing<T>()) stack<T>(p, dev);
		else carry(p, dev);
	}
}

/** The stack of a netns takes a packet: a frame that comes in by a device, or, with `dev` -1, one that a socket sends. */
export function stack<T>(p: Packet, dev: i32): void {
	if (dev >= 0) receive<T>(p, dev);
	else send<T>(p);
}

/** A frame comes in by a device. */
function receive<T>(p: Packet, dev: i32): void {
	p.netns = deviceNetns(dev);
	p.type = <u8>(p.dmac == dev ? L.PACKET_HOST : L.PACKET_OTHERHOST);
	countIn(dev, p.len);
	if (tracing<T>()) event(p, L.EVENT_IN, 0, 0, dev, -1);
	if (deviceMaster(dev) >= 0) return bridgeReceive<T>(p, dev);
	if (p.flow >= 0) crossed(p);
	ipReceive<T>(p, dev);
}

/** ip_rcv: the stack of a netns takes a packet from a device. */
export function ipReceive<T>(p: Packet, dev: i32): void {
	if (p.type == L.PACKET_OTHERHOST) return end<T>(p, L.VERDICT_DROPPED, L.REASON_OTHERHOST);
	if (netnsHas(p.netns, L.NS_SILENT)) return end<T>(p, L.VERDICT_DROPPED, L.REASON_SILENT);
	if (p.family == 6 && deviceKind(dev) != L.DEVICE_KIND_LO && isMartian6(p)) {
		return end<T>(p, L.VERDICT_DROPPED, L.REASON_MARTIAN);
	}
	p.iif = dev;
	p.oif = -1;
	// ip_sabotage_in: br_netfilter has run this hook already.
	if (!p.has(L.SKB_PREROUTED)) {
		const verdict = hook<T>(p, L.HOOK_PREROUTING);
		if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_PREROUTING, verdict);
	}
	p.clear(L.SKB_PREROUTED);
	routeIn<T>(p, dev);
}

// ip_route_input, ip6_route_input: a packet over lo has its route from the way out.
function routeIn<T>(p: Packet, dev: i32): void {
	if (deviceKind(dev) == L.DEVICE_KIND_LO) {
		p.rtFlags |= <u8>L.RT_LOCAL;
		p.oif = -1;
		return localIn<T>(p);
	}
	if (isMartian(p, dev)) return end<T>(p, L.VERDICT_DROPPED, L.REASON_MARTIAN);
	const type = lookupRoute(p, false);
	if (type == L.RTN_LOCAL) {
		if (!validateSource(p, dev)) return end<T>(p, L.VERDICT_DROPPED, p.reason);
		return localIn<T>(p);
	}
	if (type == L.RTN_BROADCAST || type == L.RTN_MULTICAST) return end<T>(p, L.VERDICT_DROPPED, L.REASON_NO_SOCKET);
	// Any IPv6 stack says that it has no route; an IPv4 one only where it forwards.
	if (p.family == 6 && type != L.RTN_UNICAST) return noRoute<T>(p, type);
	if (!forwards(p)) return end<T>(p, L.VERDICT_DROPPED, L.REASON_NO_IP_FORWARD);
	if (type != L.RTN_UNICAST) return noRoute<T>(p, type);
	if (!validateSource(p, dev)) return end<T>(p, L.VERDICT_DROPPED, p.reason);
	if (tracing<T>()) event(p, L.EVENT_ROUTE, 0, 0, p.oif, -1);
	forward<T>(p);
}

function forwards(p: Packet): bool {
	return netnsHas(p.netns, p.family == 6 ? L.NS_IP6_FORWARD : L.NS_IP_FORWARD);
}

// What a stack answers where it cannot route.
function noRoute<T>(p: Packet, type: i32): void {
	const reason = reasonOf(type);
	if (type != L.RTN_BLACKHOLE) {
		p.reason = reason;
		icmp.sendNoRoute<T>(p, type);
	}
	end<T>(p, L.VERDICT_UNREACHABLE, reason);
}

// ip_forward, ip6_forward.
function forward<T>(p: Packet): void {
	if (p.ttl <= 1) {
		p.reason = <u8>L.REASON_TTL;
		icmp.sendTimeExceeded<T>(p);
		return end<T>(p, L.VERDICT_UNREACHABLE, L.REASON_TTL);
	}
	const mtu = deviceMtu(p.oif);
	if (wireLength(p) > mtu) {
		p.reason = <u8>L.REASON_MTU;
		icmp.sendTooBig<T>(p, <u16>mtu);
		return end<T>(p, L.VERDICT_DROPPED, L.REASON_MTU);
	}
	p.ttl--;
	if (p.oif == p.iif && !p.has(L.SKB_ROUTED) && sourceOnLink(p)) {
		notRepeatable();
		icmp.sendRedirect<T>(p);
		// The redirect arrives before the packet itself goes on.
		run<T>();
	}
	const verdict = hook<T>(p, L.HOOK_FORWARD);
	if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_FORWARD, verdict);
	output<T>(p);
}

// skb_gso_network_seglen: what is longer than its sender's device carries is many segments, as a capture on a veth shows it.
function wireLength(p: Packet): u32 {
	return p.mtu != 0 && p.innerProto == 0 ? min<u32>(p.len, <u32>p.mtu) : p.len;
}

/** ip_local_out: a socket, or the stack itself, sends. A source of 0 is chosen by the route. */
export function send<T>(p: Packet): void {
	p.set(L.SKB_LOCAL_OUT);
	p.iif = -1;
	const type = lookupRoute(p, true);
	if (type != L.RTN_UNICAST && type != L.RTN_LOCAL) return end<T>(p, L.VERDICT_UNREACHABLE, reasonOf(type));
	if (p.src == 0) p.src = preferredSource(p);
	if (p.len > deviceMtu(p.oif)) p.mtu = <u16>min<u32>(deviceMtu(p.oif), 0xffff);
	const verdict = hook<T>(p, L.HOOK_OUTPUT);
	if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_OUTPUT, verdict);
	if (tracing<T>()) event(p, L.EVENT_ROUTE, 0, 0, p.oif, -1);
	output<T>(p);
}

function reasonOf(type: i32): u8 {
	if (type == L.RTN_BLACKHOLE) return <u8>L.REASON_BLACKHOLE;
	if (type == L.RTN_PROHIBIT) return <u8>L.REASON_PROHIBIT;
	if (type == L.RTN_UNREACHABLE) return <u8>L.REASON_UNREACHABLE_ROUTE;
	return <u8>L.REASON_NO_ROUTE;
}

// ip_output: POSTROUTING, then the neighbour.
function output<T>(p: Packet): void {
	// POSTROUTING sees the tunnel device as the one that an encapsulated packet came in by (ip_output: skb->dev).
	if (p.tunnel >= 0 && p.has(L.SKB_LOCAL_OUT)) p.iif = p.smac;
	const verdict = hook<T>(p, L.HOOK_POSTROUTING);
	if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_POSTROUTING, verdict);
	if (deviceKind(p.oif) == L.DEVICE_KIND_LO) return loop(p);
	const next = p.gateway != 0 ? p.gateway : p.dst;
	const mac = resolve(p.oif, next, p.time, p.src);
	if (mac == MAC_NONE) {
		p.set(L.SKB_DELAYED);
		return queue.delay(p, p.time + NEIGHBOUR_TIMEOUT_NS);
	}
	// Bridged packets for this neighbour find its header cached from now on.
	if (deviceKind(p.oif) == L.DEVICE_KIND_BRIDGE) headerCached(p.oif, next);
	p.dmac = mac;
	p.smac = p.oif;
	deviceSend<T>(p, p.oif);
}

// arp_error_report, ndisc_error_report, ipv4_link_failure: the neighbour did not answer.
function neighbourFailed<T>(p: Packet): void {
	p.reason = <u8>L.REASON_NEIGHBOUR_FAILED;
	icmp.sendHostUnreachable<T>(p);
	end<T>(p, L.VERDICT_UNREACHABLE, L.REASON_NEIGHBOUR_FAILED);
}

// loopback_xmit: the packet comes back with its conntrack entry and mark.
function loop(p: Packet): void {
	p.dmac = p.oif;
	p.smac = p.oif;
	p.iif = p.oif;
	queue.enqueue(p, queue.TO_DEVICE, p.oif);
}

function deviceSend<T>(p: Packet, dev: i32): void {
	const kind = deviceKind(dev);
	if (kind == L.DEVICE_KIND_BRIDGE) return bridgeSend<T>(p, dev);
	if (kind == L.DEVICE_KIND_VXLAN) return tunnel<T>(p, dev);
	transmit<T>(p, dev);
}

/** veth_xmit: out of one end and into the other, whose netns knows nothing of this one (skb_scrub_packet). */
export function transmit<T>(p: Packet, dev: i32): void {
	countOut(dev, p.len);
	if (tracing<T>()) event(p, L.EVENT_OUT, 0, 0, dev, -1);
	const peer = devicePeer(dev);
	if (peer < 0) return end<T>(p, L.VERDICT_DROPPED, L.REASON_DEVICE_DOWN);
	if (!tracing<T>()) leaves(p, dev);
	if (p.ct >= 0) conntrackUnconfirmedDrop(p);
	p.ct = L.CT_UNSEEN;
	p.mark = 0;
	p.zone = 0;
	p.flags &= <u8>(L.SKB_REPLY | L.SKB_KERNEL);
	p.physin = -1;
	p.physout = -1;
	p.iif = -1;
	p.oif = -1;
	p.rtFlags = 0;
	queue.enqueue(p, queue.TO_DEVICE, peer);
}

// vxlan_xmit: the frame becomes the payload of a UDP packet that this netns sends.
function tunnel<T>(p: Packet, dev: i32): void {
	countOut(dev, p.len);
	if (tracing<T>()) event(p, L.EVENT_OUT, 0, 0, dev, -1);
	const outer = encapsulate(p, dev);
	if (outer === null) return end<T>(p, L.VERDICT_DROPPED, L.REASON_QUEUE_FULL);
	queue.enqueue(outer, queue.TO_OUTPUT, -1);
}

// ip_local_deliver: INPUT, then whoever the packet is for.
function localIn<T>(p: Packet): void {
	const verdict = hook<T>(p, L.HOOK_INPUT);
	if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_INPUT, verdict);
	if (p.tunnel >= 0 && isForTunnel(p)) return leaveTunnel<T>(p);
	if (!tracing<T>()) goesUp(p);
	takeUp<T>(p);
}

/** A stack has taken the packet up: a program gets it, the stack answers it, or nobody is there for it. */
export function takeUp<T>(p: Packet): void {
	if (p.flow >= 0 && arrived<T>(p)) return deliver<T>(p, -2);
	if (isIcmp(p.proto)) return icmpIn<T>(p);
	const socket = findSocket(p);
	if (socket != SOCKET_NONE) return deliver<T>(p, socket);
	nobodyListens<T>(p);
}

function leaveTunnel<T>(p: Packet): void {
	const dev = decapsulate(p);
	if (dev < 0) return end<T>(p, L.VERDICT_DROPPED, L.REASON_NO_SOCKET);
	const inside = queue.packetAt(p.tunnel);
	p.tunnel = -1;
	inside.netns = p.netns;
	inside.time = p.time;
	inside.dmac = dev;
	if (p.ct >= 0) conntrackUnconfirmedDrop(p);
	queue.releasePacket(p);
	receive<T>(inside, dev);
}

// Queries are answered, errors and answers go to the socket that they are about.
function icmpIn<T>(p: Packet): void {
	icmp.answerQuery<T>(p);
	deliver<T>(p, p.innerProto != 0 ? findQuoted(p) : findSocket(p));
}

function nobodyListens<T>(p: Packet): void {
	p.reason = <u8>L.REASON_PORT_CLOSED;
	if (p.proto == L.PROTO_TCP) {
		const opens = (p.tcp & (L.TCP_SYN | L.TCP_ACK)) == L.TCP_SYN;
		if (!opens) p.reason = <u8>L.REASON_NO_SOCKET;
		if ((p.tcp & L.TCP_RST) == 0) {
			const reset = icmp.resetFor<T>(p);
			if (reset !== null) send<T>(reset);
		}
		return end<T>(p, opens ? L.VERDICT_REJECTED : L.VERDICT_DROPPED, p.reason);
	}
	if (p.proto == L.PROTO_UDP) {
		icmp.sendPortUnreachable<T>(p);
		return end<T>(p, L.VERDICT_REJECTED, L.REASON_PORT_CLOSED);
	}
	p.reason = <u8>L.REASON_PROTO_UNREACHABLE;
	icmp.sendProtocolUnreachable<T>(p);
	end<T>(p, L.VERDICT_REJECTED, L.REASON_PROTO_UNREACHABLE);
}

/** A socket, or a program behind it, has the packet: its way ends here. `socket` as from findSocket; -2: any. */
function deliver<T>(p: Packet, socket: i32): void {
	if (p.ct >= 0) conntrackUnconfirmedDrop(p);
	if (tracing<T>()) {
		event(p, L.EVENT_DELIVER, 0, 0, p.iif, socket);
		verdictOfLast(L.VERDICT_DELIVERED);
	}
	if (p.flow >= 0) ended(p, L.VERDICT_DELIVERED);
	queue.releasePacket(p);
}

/** A hook did not let the packet on: says why, and answers where the rule rejects. */
export function stop<T>(p: Packet, at: i32, verdict: i32): void {
	if (verdict == L.NF_UNKNOWN) return end<T>(p, L.VERDICT_UNKNOWN, p.reason);
	const own = p.has(L.SKB_LOCAL_OUT) && !p.has(L.SKB_KERNEL) && (at == L.HOOK_OUTPUT || at == L.HOOK_POSTROUTING);
	if (verdict == L.NF_REJECT) {
		reject<T>(p, at);
		return end<T>(p, L.VERDICT_REJECTED, L.REASON_RULE);
	}
	end<T>(p, own ? L.VERDICT_BLOCKED_LOCALLY : L.VERDICT_DROPPED, p.reason);
}

// ipt_REJECT, ip6t_REJECT: nf_send_unreach, nf_send_reset.
function reject<T>(p: Packet, at: i32): void {
	const kind = rejectWith(p.rule);
	if (kind != L.REJECT_TCP_RESET) return icmp.sendUnreachable<T>(p, kind);
	if (p.proto != L.PROTO_TCP || (p.tcp & L.TCP_RST) != 0) return;
	const r = icmp.resetFor<T>(p);
	if (r === null) return;
	if (p.has(L.SKB_BRIDGED)) {
		// The reset leaves by the port that the segment came in by, past the hooks, as from the segment's destination.
		r.dmac = p.smac;
		r.smac = p.dmac;
		return transmit<T>(r, p.physin);
	}
	conntrackAttach(r, p);
	send<T>(r);
}

/** The packet ends here. */
export function end<T>(p: Packet, verdict: i32, reason: i32): void {
	p.reason = <u8>reason;
	if (p.ct >= 0) conntrackUnconfirmedDrop(p);
	if (tracing<T>()) {
		event(p, verdict == L.VERDICT_UNKNOWN ? L.EVENT_UNKNOWN : L.EVENT_DROP, 0, 0, -1, p.rule);
		verdictOfLast(verdict);
	}
	if (p.flow >= 0) ended(p, verdict);
	queue.releasePacket(p);
}
