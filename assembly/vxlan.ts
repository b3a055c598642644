// VXLAN (RFC 7348; drivers/net/vxlan): an Ethernet frame as the payload of UDP. The outer source port is a hash of the
// inner flow, so that one flow keeps one path. The remote end is known from the tunnel's permanent neighbours.

import { identity } from "./address6";
import { deviceKind, deviceNetns, nextDevice, tunnelLocal, tunnelPort } from "./device";
import { mix } from "./hash";
import { defaultTtl, firstTunnel } from "./netns";
import { Packet } from "./packet";
import { slotOf, takePacket } from "./queue";
import * as L from "./layout";

// Inner Ethernet 14, VXLAN 8, UDP 8, IP 20.
const OVERHEAD: u32 = 50;
const PORT_MIN: u32 = 32768;
const PORT_SPAN: u32 = 28232;

/** The UDP packet that carries p to the tunnel end p.dmac; null where no slot is free. */
export function encapsulate(p: Packet, dev: i32): Packet | null {
	const outer = takePacket();
	if (outer === null) return null;
	outer.netns = deviceNetns(dev);
	outer.proto = <u8>L.PROTO_UDP;
	outer.src = tunnelLocal(dev);
	outer.dst = tunnelLocal(p.dmac);
	outer.sport = sourcePort(p);
	outer.dport = tunnelPort(dev);
	outer.ttl = defaultTtl(outer.netns);
	outer.len = p.len + OVERHEAD;
	outer.payload = p.len + 22;
	outer.time = p.time;
	outer.flow = p.flow;
	outer.flags = (<u8>(L.SKB_KERNEL | L.SKB_LOCAL_OUT)) | (p.flags & (<u8>L.SKB_REPLY));
	outer.mark = p.mark;
	outer.tunnel = slotOf(p);
	outer.smac = dev;
	p.mark = 0;
	p.ct = L.CT_UNSEEN;
	p.flags &= <u8>(L.SKB_REPLY | L.SKB_KERNEL);
	p.physin = -1;
	p.physout = -1;
	return outer;
}

// udp_flow_src_port.
function sourcePort(p: Packet): u16 {
	const addresses = rotl<u64>(identity(p.src), 32) ^ identity(p.dst);
	const flow = mix(addresses) ^ mix(((<u64>p.sport) << 24) | ((<u64>p.dport) << 8) | (<u64>p.proto));
	return <u16>(PORT_MIN + <u32>(((flow >> 32) * <u64>PORT_SPAN) >> 32));
}

/** Is this UDP packet one that a tunnel device of its netns takes? */
export function isForTunnel(p: Packet): bool {
	return p.proto == L.PROTO_UDP && decapsulate(p) >= 0;
}

/** The tunnel device of p.netns that takes it; -1: none. */
export function decapsulate(p: Packet): i32 {
	for (let dev = firstTunnel(p.netns); dev >= 0; dev = nextDevice(dev)) {
		if (deviceKind(dev) == L.DEVICE_KIND_VXLAN && tunnelPort(dev) == p.dport) return dev;
	}
	return -1;
}
