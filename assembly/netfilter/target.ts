// What an extension target does to a packet (net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c). Standard targets, jumps
// and gotos are the walk's own; REJECT's answer is sent by the caller of the walk.

import { hi6, intern6, lo6 } from "../address6";
import { row } from "../arena";
import { device } from "../device";
import { selectAddress } from "../fib";
import { firstAddress6 } from "../fib6";
import { asksBeyond, notAlike } from "../journey";
import { Packet } from "../packet";
import { event, tracing } from "../trace";
import { natRecordDevice, natSetup } from "./nat";
import * as L from "../layout";

/** XT_CONTINUE: the walk goes on with the next rule. */
export const XT_CONTINUE: i32 = -1;

const LOOPBACK: u32 = 0x7f000001;

/** Runs a rule's target; a verdict, or XT_CONTINUE. */
export function act<T>(p: Packet, rule: usize, hook: i32, table: i32, index: i32): i32 {
	switch (<i32>load<u8>(rule, L.RULE_TARGET)) {
		case L.TARGET_REJECT:
			return L.NF_REJECT;
		case L.TARGET_MARK:
			p.mark = (p.mark & ~load<u32>(rule, L.RULE_B)) ^ load<u32>(rule, L.RULE_A);
			return XT_CONTINUE;
		case L.TARGET_CONNMARK:
			return connmark(p, rule);
		case L.TARGET_DNAT:
			return nat(p, rule, L.MANIP_DST, load<u32>(rule, L.RULE_A), load<u32>(rule, L.RULE_B));
		case L.TARGET_SNAT:
			return nat(p, rule, L.MANIP_SRC, load<u32>(rule, L.RULE_A), load<u32>(rule, L.RULE_B));
		case L.TARGET_MASQUERADE:
			return masquerade(p, rule);
		case L.TARGET_REDIRECT:
			return redirect(p, rule, hook);
		case L.TARGET_NETMAP:
			return netmap(p, rule, hook);
		case L.TARGET_CT:
			return track(p, rule);
		case L.TARGET_LOG:
			if (tracing<T>()) event(p, L.EVENT_LOG, hook, table, -1, index);
			return XT_CONTINUE;
		case L.TARGET_TRACE:
			asksBeyond();
			p.set(L.SKB_TRACE);
			return XT_CONTINUE;
		default:
			return L.NF_UNKNOWN;
	}
}

function connmark(p: Packet, rule: usize): i32 {
	asksBeyond();
	if (p.ct < 0) return XT_CONTINUE;
	notAlike();
	const ct = row(L.TABLE_CT, p.ct, L.CT_STRIDE);
	const mark = load<u32>(ct, L.CT_MARK);
	const mode = load<u32>(rule, L.RULE_A);
	const ctmask = load<u32>(rule, L.RULE_C);
	if (mode == 0) store<u32>(ct, (mark & ~ctmask) ^ load<u32>(rule, L.RULE_B), L.CT_MARK);
	else if (mode == 1) store<u32>(ct, (mark & ~ctmask) ^ (p.mark & load<u32>(rule, L.RULE_D)), L.CT_MARK);
	else p.mark = (p.mark & ~load<u32>(rule, L.RULE_D)) ^ (mark & ctmask);
	return XT_CONTINUE;
}

function nat(p: Packet, rule: usize, manip: i32, low: u32, high: u32): i32 {
	const ports = load<u32>(rule, L.RULE_E) & L.NAT_PORTS;
	const min = ports ? <i32>load<u32>(rule, L.RULE_C) : 0;
	const max = ports ? <i32>load<u32>(rule, L.RULE_D) : 0;
	return natSetup(p, manip, low, high, min, max, load<i32>(rule, L.RULE_E));
}

// nf_nat_masquerade_ipv4: the outgoing device's address nearest to the next hop; a device without one drops.
// nf_nat_masquerade_ipv6: what a socket towards the destination would get.
function masquerade(p: Packet, rule: usize): i32 {
	if (p.src == 0) return L.NF_ACCEPT;
	const address = p.oif < 0 ? 0 : selectAddress(p.oif, p.family == 4 && p.gateway != 0 ? p.gateway : p.dst, p.family);
	if (address == 0) return L.NF_DROP;
	natRecordDevice(p, p.oif);
	return nat(p, rule, L.MANIP_SRC, address, address);
}

// nf_nat_redirect: to this host; a device without an address drops.
function redirect(p: Packet, rule: usize, hook: i32): i32 {
	let address = p.family == 6 ? <u32>max<i32>(0, intern6(0, 1)) : LOOPBACK;
	if (hook != L.HOOK_OUTPUT) {
		if (p.iif < 0) address = 0;
		else address = p.family == 6 ? firstAddress6(p.iif) : load<u32>(device(p.iif), L.DEVICE_ADDRESS);
	}
	if (address == 0) return L.NF_DROP;
	return nat(p, rule, L.MANIP_DST, address, address);
}

// xt_NETMAP: the network part is replaced, the host part kept.
function netmap(p: Packet, rule: usize, hook: i32): i32 {
	const manip = hook == L.HOOK_PREROUTING || hook == L.HOOK_OUTPUT ? L.MANIP_DST : L.MANIP_SRC;
	const mask = load<u32>(rule, L.RULE_B);
	const old = manip == L.MANIP_DST ? p.dst : p.src;
	let address = (old & ~mask) | (load<u32>(rule, L.RULE_A) & mask);
	if (p.family == 6) {
		const mapped = netmapped6(old, row(L.TABLE_WORD, load<i32>(rule, L.RULE_A), 4));
		// No number is left for the address: what would come of the packet is not known.
		if (mapped < 0) return L.NF_UNKNOWN;
		address = mapped;
	}
	return natSetup(p, manip, address, address, 0, 0, 0);
}

// The words are the network and its mask.
function netmapped6(old: u32, words: usize): i32 {
	const maskHi = load<u64>(words, 16);
	const maskLo = load<u64>(words, 24);
	return intern6(
		(hi6(old) & ~maskHi) | (load<u64>(words) & maskHi),
		(lo6(old) & ~maskLo) | (load<u64>(words, 8) & maskLo),
	);
}

// xt_CT: only a packet that conntrack has not seen yet takes it.
function track(p: Packet, rule: usize): i32 {
	asksBeyond();
	if (p.ct != L.CT_UNSEEN) return XT_CONTINUE;
	if (load<u32>(rule, L.RULE_A) & 1) {
		p.ct = L.CT_UNTRACKED;
		p.ctinfo = <u8>L.CTINFO_UNTRACKED;
	} else p.zone = <u16>load<u32>(rule, L.RULE_B);
	return XT_CONTINUE;
}

/** What a REJECT rule answers: REJECT_TCP_RESET, or an ICMP code of destination-unreachable. */
export function rejectWith(rule: i32): i32 {
	return <i32>load<u32>(row(L.TABLE_RULE, rule, L.RULE_STRIDE), L.RULE_A);
}
