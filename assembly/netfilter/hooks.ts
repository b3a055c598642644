// What runs at each netfilter hook, in kernel priority order (include/uapi/linux/netfilter_ipv4.h; netfilter_ipv6.h has the same):
//   PREROUTING   raw -300, conntrack -200, mangle -150, nat DST -100
//   INPUT        mangle -150, filter 0, security 50, nat SRC 100, confirm MAX
//   FORWARD      mangle -150, filter 0, security 50
//   OUTPUT       raw -300, conntrack -200, mangle -150 (re-routes), nat DST -100 (re-routes), filter 0, security 50
//   POSTROUTING  mangle -150, nat SRC 100, confirm MAX
// Defragmentation (-400), SELinux and helpers are not modelled.

import { netnsHas } from "../netns";
import { reroute } from "../fib";
import { Packet } from "../packet";
import { bind } from "../outcome";
import { event, tracing } from "../trace";
import { conntrackConfirm, conntrackIn } from "./conntrack";
import { walk } from "./iptables";
import { natInitialized, natManip, natNull } from "./nat";
import * as L from "../layout";

/** Runs a hook. NF_ACCEPT: go on. Otherwise p.reason and p.rule say why, and the caller ends the packet. */
export function hook<T>(p: Packet, at: i32): i32 {
	if (!netnsHas(p.netns, p.family == 6 ? L.NS_IPTABLES6 : L.NS_IPTABLES)) return L.NF_ACCEPT;
	if (at == L.HOOK_PREROUTING) return prerouting<T>(p);
	if (at == L.HOOK_INPUT) return input<T>(p);
	if (at == L.HOOK_FORWARD) return forwarding<T>(p);
	if (at == L.HOOK_OUTPUT) return output<T>(p);
	return postrouting<T>(p);
}

function prerouting<T>(p: Packet): i32 {
	let verdict = walk<T>(p, L.HOOK_PREROUTING, L.XT_RAW);
	if (verdict == L.NF_ACCEPT) verdict = track<T>(p, L.HOOK_PREROUTING);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_PREROUTING, L.XT_MANGLE);
	if (verdict == L.NF_ACCEPT) verdict = nat<T>(p, L.HOOK_PREROUTING, L.MANIP_DST);
	return verdict;
}

function input<T>(p: Packet): i32 {
	let verdict = walk<T>(p, L.HOOK_INPUT, L.XT_MANGLE);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_INPUT, L.XT_FILTER);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_INPUT, L.XT_SECURITY);
	if (verdict == L.NF_ACCEPT) verdict = nat<T>(p, L.HOOK_INPUT, L.MANIP_SRC);
	return verdict == L.NF_ACCEPT ? confirm(p) : verdict;
}

function forwarding<T>(p: Packet): i32 {
	let verdict = walk<T>(p, L.HOOK_FORWARD, L.XT_MANGLE);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_FORWARD, L.XT_FILTER);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_FORWARD, L.XT_SECURITY);
	return verdict;
}

function output<T>(p: Packet): i32 {
	// The hook's outgoing interface is the one that it was entered with, whatever a re-route decides meanwhile.
	const oif = p.oif;
	let routed = oif;
	let verdict = walk<T>(p, L.HOOK_OUTPUT, L.XT_RAW);
	if (verdict == L.NF_ACCEPT) verdict = track<T>(p, L.HOOK_OUTPUT);
	if (verdict == L.NF_ACCEPT) {
		const mark = p.mark;
		verdict = walk<T>(p, L.HOOK_OUTPUT, L.XT_MANGLE);
		if (verdict == L.NF_ACCEPT && p.mark != mark) {
			if (!reroute(p)) verdict = L.NF_DROP;
			routed = p.oif;
			p.oif = oif;
		}
	}
	if (verdict == L.NF_ACCEPT) {
		const dst = p.dst;
		verdict = nat<T>(p, L.HOOK_OUTPUT, L.MANIP_DST);
		if (verdict == L.NF_ACCEPT && p.dst != dst) {
			if (!reroute(p)) verdict = L.NF_DROP;
			routed = p.oif;
			p.oif = oif;
		}
	}
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_OUTPUT, L.XT_FILTER);
	if (verdict == L.NF_ACCEPT) verdict = walk<T>(p, L.HOOK_OUTPUT, L.XT_SECURITY);
	p.oif = routed;
	return verdict;
}

function postrouting<T>(p: Packet): i32 {
	let verdict = walk<T>(p, L.HOOK_POSTROUTING, L.XT_MANGLE);
	if (verdict == L.NF_ACCEPT) verdict = nat<T>(p, L.HOOK_POSTROUTING, L.MANIP_SRC);
	return verdict == L.NF_ACCEPT ? confirm(p) : verdict;
}

function track<T>(p: Packet, at: i32): i32 {
	if (!netnsHas(p.netns, p.family == 6 ? L.NS_CONNTRACK6 : L.NS_CONNTRACK)) return L.NF_ACCEPT;
	const verdict = conntrackIn(p, at);
	if (p.flow >= 0) bind(p);
	if (tracing<T>()) event(p, L.EVENT_CONNTRACK, at, 0, -1, -1);
	return verdict;
}

function confirm(p: Packet): i32 {
	if (p.ct < 0) return L.NF_ACCEPT;
	if (conntrackConfirm(p)) return L.NF_ACCEPT;
	if (p.reason == L.REASON_NONE) p.reason = <u8>L.REASON_NAT_EXHAUSTED;
	return L.NF_DROP;
}

// nf_nat_inet_fn: rules are asked once a connection and direction of rewriting; a connection that no rule takes gets a
// null binding, which still finds it a free tuple.
function nat<T>(p: Packet, at: i32, manip: i32): i32 {
	if (p.ct < 0 || !netnsHas(p.netns, p.family == 6 ? L.NS_NAT6 : L.NS_NAT)) return L.NF_ACCEPT;
	const related = p.ctinfo == L.CTINFO_RELATED || p.ctinfo == L.CTINFO_RELATED_REPLY;
	const icmpError = related && p.innerProto != 0 && (p.proto == L.PROTO_ICMP || p.proto == L.PROTO_ICMPV6);
	const asks = p.ctinfo == L.CTINFO_NEW || related;
	if (!icmpError && asks && !natInitialized(p, manip)) {
		const verdict = walk<T>(p, at, L.XT_NAT);
		if (verdict != L.NF_ACCEPT) return verdict;
		if (!natInitialized(p, manip) && natNull(p, at) != L.NF_ACCEPT) return exhausted(p);
	}
	const src = p.src;
	const dst = p.dst;
	const ports = ((<u32>p.sport) << 16) | (<u32>p.dport);
	if (natManip(p, at) != L.NF_ACCEPT) return exhausted(p);
	if (tracing<T>()) {
		if (p.src != src || p.dst != dst || (((<u32>p.sport) << 16) | (<u32>p.dport)) != ports)
			event(p, L.EVENT_NAT, at, L.XT_NAT, -1, -1);
	}
	return L.NF_ACCEPT;
}

function exhausted(p: Packet): i32 {
	if (p.reason == L.REASON_NONE) p.reason = <u8>L.REASON_NAT_EXHAUSTED;
	return L.NF_DROP;
}
