// A packet on its way: the wire record (32 bytes, 4 x u64) and what an skb carries beside its bytes
// (include/linux/skbuff.h, struct sk_buff; struct nf_bridge_info). A view on a row of TABLE_PACKET.
// ICMP: sport is the echo id, dport is type << 8 | code, so that tuples of all protocols have one shape.

import * as L from "./layout";


@unmanaged
export class Packet {
	src: u32;
	dst: u32;
	sport: u16;
	dport: u16;
	proto: u8;
	family: u8;
	ttl: u8;
	tcp: u8;
	len: u32;
	payload: u32;
	time: i64;
	netns: i32;
	iif: i32;
	oif: i32;
	physin: i32;
	physout: i32;
	mark: u32;
	ct: i32;
	ctinfo: u8;
	type: u8;
	flags: u8;
	tos: u8;
	dmac: i32;
	smac: i32;
	seq: u32;
	ack: u32;
	window: u16;
	zone: u16;
	innerSrc: u32;
	innerDst: u32;
	innerSport: u16;
	innerDport: u16;
	innerProto: u8;
	innerTtl: u8;
	mtu: u16;
	flow: i32;
	id: u32;
	gateway: u32;
	rtType: u8;
	rtFlags: u8;
	reason: u8;
	portId: u8;
	rule: i32;
	spare: u32;
	tunnel: i32;


	@inline get icmpType(): u8 {
		return <u8>(this.dport >> 8);
	}


	@inline get icmpCode(): u8 {
		return <u8>this.dport;
	}

	/** src | dst << 32 */
	@inline get addresses(): u64 {
		return load<u64>(changetype<usize>(this));
	}


	@inline set addresses(value: u64) {
		store<u64>(changetype<usize>(this), value);
	}

	/** sport | dport << 16 */
	@inline get ports(): u32 {
		return load<u32>(changetype<usize>(this), L.PACKET_SPORT);
	}


	@inline set ports(value: u32) {
		store<u32>(changetype<usize>(this), value, L.PACKET_SPORT);
	}

	/** The highest sequence number that a TCP segment acknowledges, SACK blocks among them; 0: no higher than `ack`. */
	@inline get sack(): u32 {
		return this.innerSrc;
	}


	@inline set sack(value: u32) {
		this.innerSrc = value;
	}


	@inline has(flag: i32): bool {
		return (this.flags & (<u8>flag)) != 0;
	}


	@inline set(flag: i32): void {
		this.flags |= <u8>flag;
	}


	@inline clear(flag: i32): void {
		this.flags &= ~(<u8>flag);
	}
}

// The two descriptions of the record must agree; a drift fails the build.
function verify(): void {
	if (offsetof<Packet>("tcp") != L.PACKET_TCP) ERROR("PACKET_TCP");
	if (offsetof<Packet>("time") != L.PACKET_TIME) ERROR("PACKET_TIME");
	if (offsetof<Packet>("ct") != L.PACKET_CT) ERROR("PACKET_CT");
	if (offsetof<Packet>("dmac") != L.PACKET_DMAC) ERROR("PACKET_DMAC");
	if (offsetof<Packet>("zone") != L.PACKET_ZONE) ERROR("PACKET_ZONE");
	if (offsetof<Packet>("innerSrc") != L.PACKET_SACK) ERROR("PACKET_SACK");
	if (offsetof<Packet>("mtu") != L.PACKET_MTU) ERROR("PACKET_MTU");
	if (offsetof<Packet>("gateway") != L.PACKET_GATEWAY) ERROR("PACKET_GATEWAY");
	if (offsetof<Packet>("tunnel") != L.PACKET_TUNNEL) ERROR("PACKET_TUNNEL");
	if (offsetof<Packet>() != L.PACKET_STRIDE) ERROR("PACKET_STRIDE");
}
verify();
