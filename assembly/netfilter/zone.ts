// Which table of flows a packet is looked up in: (network namespace, conntrack zone, family) as one 24-bit number,
// so that one hash serves every netns (include/net/netfilter/nf_conntrack_zones.h). Zone 0, the usual one, is the netns
// index itself; other zones are interned on first use. Zones per direction (CT --zone-orig) are not modelled.

const ZONES_MAX: i32 = 1024;
const FAMILY6: u32 = 0x400000;
const INTERNED: u32 = 0x800000;

// Each 8 bytes: netns u32, zone u16, family u16. The count stands first, so that a copy of memory is a copy of the state.
const TABLE: usize = memory.data(8 + ZONES_MAX * 8, 8);

/** The zone number of a packet, or -1 where more distinct (netns, zone) pairs are used than ZONES_MAX. */
// @ts-ignore: decorator
@inline
export function zoneOf(netns: i32, zone: u32, family: u32): i32 {
	if (zone == 0) return <i32>((<u32>netns) | (family == 6 ? FAMILY6 : 0));
	return internZone(netns, zone, family);
}

function internZone(netns: i32, zone: u32, family: u32): i32 {
	const key = (<u64>(<u32>netns)) | ((<u64>(zone | (family << 16))) << 32);
	const count = load<i32>(TABLE);
	for (let i = 0; i < count; i++) {
		if (load<u64>(TABLE + 8 + <usize>(i << 3)) == key) return <i32>(INTERNED | (<u32>i));
	}
	if (count >= ZONES_MAX) return -1;
	store<u64>(TABLE + 8 + <usize>(count << 3), key);
	store<i32>(TABLE, count + 1);
	return <i32>(INTERNED | (<u32>count));
}

/** Forgets every interned zone; only with an empty table. */
export function zoneReset(): void {
	store<i32>(TABLE, 0);
}
