// The ring of trace events. `Traced` and `Silent` are the two type arguments of every function on the packet's way:
// one generic, compiled twice, with and without the writer. The host reads events after a run and resets the ring.
// A full ring stops recording and counts what it could not hold; the host sees `lost`.

import { base, capacity } from "./arena";
import { Packet } from "./packet";
import * as L from "./layout";

export type Traced = u8;
export type Silent = u16;

let count: u32 = 0;
let lost: u32 = 0;

export function eventCount(): u32 {
	return count;
}
export function eventsLost(): u32 {
	return lost;
}
export function eventsReset(): void {
	count = 0;
	lost = 0;
}

/** True in the traced instance; folded at compile time. */
// @ts-ignore: decorator
@inline
export function tracing<T>(): bool {
	return sizeof<T>() == 1;
}

/** Records one event with the packet as it is now. `device`, `rule`: -1 where they do not apply. */
export function event(p: Packet, kind: i32, hook: i32, table: i32, device: i32, rule: i32): void {
	if (count >= capacity(L.TABLE_EVENT)) {
		lost++;
		return;
	}
	write(p, kind, hook, table, device, rule);
	if (p.tunnel >= 0 && count < capacity(L.TABLE_EVENT)) {
		const inside = changetype<Packet>(base(L.TABLE_PACKET) + <usize>(p.tunnel * L.PACKET_STRIDE));
		write(inside, L.EVENT_INSIDE, hook, table, device, rule);
	}
}

function write(p: Packet, kind: i32, hook: i32, table: i32, device: i32, rule: i32): void {
	// count is below the table's capacity here
	const at = base(L.TABLE_EVENT) + <usize>(count * L.EVENT_STRIDE);
	count++;
	const wire = changetype<usize>(p);
	store<u8>(at, <u8>kind, L.EVENT_KIND);
	store<u8>(at, <u8>hook, L.EVENT_HOOK);
	store<u8>(at, <u8>table, L.EVENT_XT);
	store<u8>(at, 0, L.EVENT_VERDICT);
	store<u8>(at, p.reason, L.EVENT_REASON);
	store<u8>(at, p.ct >= 0 ? p.ctinfo : 255, L.EVENT_CTINFO);
	store<u8>(at, p.type, L.EVENT_PACKET_TYPE);
	store<u8>(at, p.flags, L.EVENT_SKB);
	store<i32>(at, p.netns, L.EVENT_NETNS);
	store<i32>(at, device, L.EVENT_DEVICE);
	store<i32>(at, rule, L.EVENT_RULE);
	store<u32>(at, p.id, L.EVENT_PACKET_ID);
	store<i32>(at, p.iif, L.EVENT_IIF);
	store<i32>(at, p.oif, L.EVENT_OIF);
	store<i32>(at, p.physin, L.EVENT_PHYSIN);
	store<i32>(at, p.physout, L.EVENT_PHYSOUT);
	store<u32>(at, p.mark, L.EVENT_MARK);
	store<i32>(at, p.ct, L.EVENT_CT);
	store<i32>(at, p.flow, L.EVENT_FLOW);
	memory.copy(at + L.EVENT_WIRE, wire, 32);
	store<u32>(at, p.seq, L.EVENT_SEQ);
	store<u32>(at, p.ack, L.EVENT_ACK);
	memory.copy(at + L.EVENT_INNER, wire + L.PACKET_INNER_SRC, 14);
	store<u16>(at, p.mtu, L.EVENT_MTU);
	store<i32>(at, p.tunnel, L.EVENT_TUNNEL);
	store<u32>(at, p.gateway, L.EVENT_GATEWAY);
}

/** Stamps the last event with a verdict. */
export function verdictOfLast(verdict: i32): void {
	if (count == 0 || lost > 0) return;
	store<u8>(base(L.TABLE_EVENT) + <usize>((count - 1) * L.EVENT_STRIDE), <u8>verdict, L.EVENT_VERDICT);
}
