// `-m conntrack` and `-m state` (net/netfilter/xt_conntrack.c): the packet's state, its connection's status, tuples,
// expiry and direction. A packet without an entry is INVALID or UNTRACKED, and everything but the state is false for it.

import { masked6 } from "../address6";
import { row } from "../arena";
import { asksBeyond, asksSourcePort, notAlike, notRepeatable } from "../journey";
import { Packet } from "../packet";
import { settleDeadline } from "./settle";
import * as L from "../layout";

const NS_PER_S: i64 = 1_000_000_000;

// What packets that are alike agree in
const ALIKE: u32 = L.CTM_HAS_STATE | L.CTM_HAS_DIR | L.CTM_HAS_PROTO | L.CTM_HAS_STATUS;

/** Evaluates the CTM_* block at a row of TABLE_WORD. */
export function conntrackMatches(p: Packet, block: i32): bool {
	const b = row(L.TABLE_WORD, block, 4);
	const present = load<u32>(b, L.CTM_PRESENT << 2);
	if (present & L.CTM_HAS_STATE) {
		const wanted = load<u32>(b, L.CTM_STATE << 2);
		if (((stateBits(p) & wanted) != 0) == not(b, L.CTM_HAS_STATE)) return false;
	}
	if (present == L.CTM_HAS_STATE) return true;
	asksBeyond();
	if (p.ct < 0) return (present & L.CTM_HAS_STATE) != 0;
	const ct = row(L.TABLE_CT, p.ct, L.CT_STRIDE);
	if (present & L.CTM_HAS_DIR) {
		const reply: u32 = <i32>p.ctinfo >= L.CTINFO_IS_REPLY ? 1 : 0;
		if (reply != load<u32>(b, L.CTM_DIR << 2)) return false;
	}
	if (present & ~ALIKE) notAlike();
	const placed = p.family == 6 ? addresses6(b, ct, present) : addresses(b, ct, present);
	if (!placed || !protocol(b, ct, present)) return false;
	if (present & L.CTM_HAS_STATUS) {
		const status = (<u32>load<u16>(ct, L.CT_STATUS)) & load<u32>(b, L.CTM_STATUS << 2);
		if ((status != 0) == not(b, L.CTM_HAS_STATUS)) return false;
	}
	return !(present & L.CTM_HAS_EXPIRE) || expires(p, b, ct);
}

/** CTS_* bits of the packet: its state, and SNAT or DNAT where its connection is translated. */
function stateBits(p: Packet): u32 {
	if (p.ct == L.CT_UNTRACKED) return L.CTS_UNTRACKED;
	if (p.ct < 0) return L.CTS_INVALID;
	const status = <u32>load<u16>(row(L.TABLE_CT, p.ct, L.CT_STRIDE), L.CT_STATUS);
	let bits: u32 = (<u32>1) << ((<u32>p.ctinfo % L.CTINFO_IS_REPLY) + 1);
	if (status & L.IPS_SRC_NAT) bits |= L.CTS_SNAT;
	if (status & L.IPS_DST_NAT) bits |= L.CTS_DNAT;
	return bits;
}

// @ts-ignore: decorator
@inline
function not(b: usize, bit: u32): bool {
	return (load<u32>(b, L.CTM_INVERT << 2) & bit) != 0;
}

function addresses(b: usize, ct: usize, present: u32): bool {
	if (present & L.CTM_HAS_ORIGSRC && !address(b, L.CTM_ORIGSRC, load<u32>(ct, L.CT_ORIG), L.CTM_HAS_ORIGSRC))
		return false;
	if (present & L.CTM_HAS_ORIGDST && !address(b, L.CTM_ORIGDST, load<u32>(ct, L.CT_ORIG + 4), L.CTM_HAS_ORIGDST))
		return false;
	if (present & L.CTM_HAS_REPLSRC && !address(b, L.CTM_REPLSRC, load<u32>(ct, L.CT_REPLY), L.CTM_HAS_REPLSRC))
		return false;
	return !(present & L.CTM_HAS_REPLDST) || address(b, L.CTM_REPLDST, load<u32>(ct, L.CT_REPLY + 4), L.CTM_HAS_REPLDST);
}

function addresses6(b: usize, ct: usize, present: u32): bool {
	return (
		address6(b, present, L.CTM_ORIGSRC, load<u32>(ct, L.CT_ORIG), L.CTM_HAS_ORIGSRC) &&
		address6(b, present, L.CTM_ORIGDST, load<u32>(ct, L.CT_ORIG + 4), L.CTM_HAS_ORIGDST) &&
		address6(b, present, L.CTM_REPLSRC, load<u32>(ct, L.CT_REPLY), L.CTM_HAS_REPLSRC) &&
		address6(b, present, L.CTM_REPLDST, load<u32>(ct, L.CT_REPLY + 4), L.CTM_HAS_REPLDST)
	);
}

// The first of the two words says where address and mask are.
function address6(b: usize, present: u32, word: i32, id: u32, bit: u32): bool {
	if (!(present & bit)) return true;
	return masked6(id, row(L.TABLE_WORD, load<i32>(b + <usize>(word << 2)), 4)) != not(b, bit);
}

function address(b: usize, word: i32, ip: u32, bit: u32): bool {
	const at = b + <usize>(word << 2);
	return (((ip ^ load<u32>(at)) & load<u32>(at, 4)) == 0) != not(b, bit);
}

function protocol(b: usize, ct: usize, present: u32): bool {
	if (present & L.CTM_HAS_PROTO) {
		const proto = load<u32>(ct, L.CT_ORIG + 12) & 0xff;
		if ((proto == load<u32>(b, L.CTM_PROTO << 2)) == not(b, L.CTM_HAS_PROTO)) return false;
	}
	if (present & (L.CTM_HAS_ORIGSPORT | L.CTM_HAS_REPLDPORT)) asksSourcePort();
	if (present & L.CTM_HAS_ORIGSPORT && !port(b, L.CTM_ORIGSPORT, load<u16>(ct, L.CT_ORIG + 8), L.CTM_HAS_ORIGSPORT))
		return false;
	if (present & L.CTM_HAS_ORIGDPORT && !port(b, L.CTM_ORIGDPORT, load<u16>(ct, L.CT_ORIG + 10), L.CTM_HAS_ORIGDPORT))
		return false;
	if (present & L.CTM_HAS_REPLSPORT && !port(b, L.CTM_REPLSPORT, load<u16>(ct, L.CT_REPLY + 8), L.CTM_HAS_REPLSPORT))
		return false;
	return (
		!(present & L.CTM_HAS_REPLDPORT) || port(b, L.CTM_REPLDPORT, load<u16>(ct, L.CT_REPLY + 10), L.CTM_HAS_REPLDPORT)
	);
}

function port(b: usize, word: i32, value: u32, bit: u32): bool {
	const range = load<u32>(b + <usize>(word << 2));
	return (value >= (range & 0xffff) && value <= range >>> 16) != not(b, bit);
}

function expires(p: Packet, b: usize, ct: usize): bool {
	notRepeatable();
	settleDeadline(ct);
	const left = max<i64>(0, load<i64>(ct, L.CT_DEADLINE) - p.time) / NS_PER_S;
	const low = <i64>load<u32>(b, L.CTM_EXPIRE_MIN << 2);
	const high = <i64>load<u32>(b, L.CTM_EXPIRE_MAX << 2);
	return (left >= low && left <= high) != not(b, L.CTM_HAS_EXPIRE);
}
