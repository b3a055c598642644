// A Linux bridge and br_netfilter (net/bridge/br_input.c, br_forward.c, br_netfilter_hooks.c): learning, forwarding,
// flooding, the hairpin flag, promiscuous mode, and bridged IP packets through the iptables hooks.
// VLAN filtering, STP and multicast snooping are not modelled.

import { countIn, countOut, deviceHas, deviceMaster, deviceNetns, nextDevice } from "./device";
import { learn, portOf } from "./fdb";
import { lookupRoute } from "./fib";
import { end, ipReceive, stop, transmit } from "./forward";
import { headerCached, MAC_NONE, resolve } from "./neighbour";
import { conntrackHold } from "./netfilter/conntrack";
import { hook } from "./netfilter/hooks";
import { firstDevice, netnsHas } from "./netns";
import { Packet } from "./packet";
import { clonePacket, releasePacket } from "./queue";
import { event, tracing } from "./trace";
import * as L from "./layout";

/** br_handle_frame: a frame comes in by a port. */
export function bridgeReceive<T>(p: Packet, port: i32): void {
	const bridge = deviceMaster(port);
	learn(bridge, p.smac, port);
	p.iif = bridge;
	// What is for another station looks like the node's own to the hooks (br_netfilter: pkt_otherhost).
	const own = p.dmac == bridge;
	p.type = <u8>L.PACKET_HOST;
	if (netnsHas(p.netns, p.family == 6 ? L.NS_BRIDGE_NF6 : L.NS_BRIDGE_NF)) {
		p.set(L.SKB_BRIDGED);
		p.physin = port;
		const dst = p.dst;
		const verdict = hook<T>(p, L.HOOK_PREROUTING);
		if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_PREROUTING, verdict);
		p.set(L.SKB_PREROUTED);
		if (p.dst != dst && !redirectFrame<T>(p, bridge)) return;
	}
	bridgeInput<T>(p, bridge, port, own);
}

// br_nf_pre_routing_finish: after a DNAT the frame needs a new link-layer destination: the new endpoint's where it is on
// this bridge, the bridge's own where it must be routed. False: the packet has ended.
function redirectFrame<T>(p: Packet, bridge: i32): bool {
	const type = lookupRoute(p, false);
	p.set(L.SKB_ROUTED);
	if (type == L.RTN_UNICAST && p.oif == bridge) {
		const next = p.gateway != 0 ? p.gateway : p.dst;
		const mac = resolve(bridge, next, p.time, p.src);
		if (mac == MAC_NONE) {
			end<T>(p, L.VERDICT_UNREACHABLE, L.REASON_NEIGHBOUR_FAILED);
			return false;
		}
		p.dmac = mac;
		p.smac = bridge;
		if (!headerCached(bridge, next) && tracing<T>()) event(p, L.EVENT_OUT, 0, 0, bridge, -1);
		return true;
	}
	if (type != L.RTN_UNICAST && type != L.RTN_LOCAL) {
		end<T>(p, L.VERDICT_UNREACHABLE, L.REASON_NO_ROUTE);
		return false;
	}
	p.dmac = bridge;
	return true;
}

// br_handle_frame_finish: up to the bridge's own stack, out of a port, or both. `own`: it came for the bridge's address.
function bridgeInput<T>(p: Packet, bridge: i32, port: i32, own: bool): void {
	if (p.dmac == bridge) return passUp<T>(p, bridge);
	const copy = deviceHas(bridge, L.DEV_PROMISC) ? overheard<T>(p, bridge, own) : null;
	const to = portOf(bridge, p.dmac);
	if (to < 0) floodFrame<T>(p, bridge, port);
	else if (to == port && !deviceHas(port, L.DEV_HAIRPIN)) end<T>(p, L.VERDICT_DROPPED, L.REASON_HAIRPIN);
	else bridgeForward<T>(p, bridge, to);
	if (copy === null) return;
	if (own) return passUp<T>(copy, bridge);
	event(copy, L.EVENT_IN, 0, 0, bridge, -1);
	releasePacket(copy);
}

// A promiscuous bridge's stack gets a copy of what passes by, once that is on its way. It drops what was never for it
// (PACKET_OTHERHOST), which only a sniffer sees, but takes a frame that came for the bridge and that a DNAT sent on: by the old
// type it is still the stack's own. What the copy knows of its connection is taken from it first (br_nf_local_in, since
// Linux 6.9), so that no rule of nat sees it, and the INVALID ones do.
function overheard<T>(p: Packet, bridge: i32, own: bool): Packet | null {
	if (!own) countIn(bridge, p.len);
	const copy = own || tracing<T>() ? clonePacket(p) : null;
	if (copy === null) return null;
	copy.ct = L.CT_NONE;
	if (!own) copy.type = <u8>L.PACKET_OTHERHOST;
	return copy;
}

// br_pass_frame_up: the frame is for the bridge itself.
function passUp<T>(p: Packet, bridge: i32): void {
	countIn(bridge, p.len);
	if (tracing<T>()) event(p, L.EVENT_IN, 0, 0, bridge, -1);
	ipReceive<T>(p, bridge);
}

// br_forward with br_netfilter: FORWARD and POSTROUTING see the bridge as both interfaces, and the ports.
function bridgeForward<T>(p: Packet, bridge: i32, to: i32): void {
	if (p.has(L.SKB_BRIDGED)) {
		p.oif = bridge;
		p.physout = to;
		let verdict = hook<T>(p, L.HOOK_FORWARD);
		if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_FORWARD, verdict);
		const iif = p.iif;
		const physin = p.physin;
		p.iif = -1;
		p.physin = -1;
		verdict = hook<T>(p, L.HOOK_POSTROUTING);
		p.iif = iif;
		p.physin = physin;
		if (verdict != L.NF_ACCEPT) return stop<T>(p, L.HOOK_POSTROUTING, verdict);
	}
	transmit<T>(p, to);
}

/** br_dev_xmit: the node itself, or its routing, sends by the bridge. */
export function bridgeSend<T>(p: Packet, bridge: i32): void {
	countOut(bridge, p.len);
	if (tracing<T>()) event(p, L.EVENT_OUT, 0, 0, bridge, -1);
	const to = portOf(bridge, p.dmac);
	if (to < 0) return floodFrame<T>(p, bridge, -1);
	transmit<T>(p, to);
}

// An unknown destination goes out of every other port; what is not for a receiver ends there.
function floodFrame<T>(p: Packet, bridge: i32, except: i32): void {
	for (let port = firstDevice(deviceNetns(bridge)); port >= 0; port = nextDevice(port)) {
		if (port == except || deviceMaster(port) != bridge) continue;
		const copy = clonePacket(p);
		if (copy === null) break;
		conntrackHold(copy);
		if (except >= 0) bridgeForward<T>(copy, bridge, port);
		else transmit<T>(copy, port);
	}
	end<T>(p, L.VERDICT_DROPPED, L.REASON_NO_BRIDGE_PORT);
}
