// What a rule asks of a packet before anything with an effect is looked at: addresses, protocol, devices, and the ports of
// its first matches. The walk may pass over a rule where one of these fails, in whatever order they are compared.

import { row } from "../arena";
import { keyHash } from "../netfilter/chainindex";
import { exactName } from "../netfilter/pattern";
import * as L from "../layout";

const EXACT: u32 = 0xffffffff;
const PROTO: u32 = 0xff0000;
const PORT: u32 = 0xffff;

/** Which fields a rule asks for exactly, FIELD_* bits. */
export function fieldsOf(rule: usize): u32 {
	let fields: u32 = 0;
	if (maskOf(rule, L.WORD_SRC) == EXACT) fields |= L.FIELD_SRC;
	if (maskOf(rule, L.WORD_DST) == EXACT) fields |= L.FIELD_DST;
	if (maskOf(rule, L.WORD_L4) == (PROTO | PORT)) fields |= L.FIELD_L4;
	if (iifOf(rule) >= 0) fields |= L.FIELD_IIF;
	if (oifOf(rule) >= 0) fields |= L.FIELD_OIF;
	return fields;
}

/** The hash under which a packet with just what the rule asks for is looked up. */
export function hashOf(rule: usize, fields: u32): u64 {
	return keyHash(
		fields,
		fields & L.FIELD_SRC ? valueOf(rule, L.WORD_SRC) : 0,
		fields & L.FIELD_DST ? valueOf(rule, L.WORD_DST) : 0,
		fields & L.FIELD_L4 ? valueOf(rule, L.WORD_L4) : 0,
		<u32>(fields & L.FIELD_IIF ? iifOf(rule) : -1),
		<u32>(fields & L.FIELD_OIF ? oifOf(rule) : -1),
	);
}

/** Do two rules ask for the same in these fields? */
export function sameKey(a: usize, b: usize, fields: u32): bool {
	return (
		fieldsOf(a) == fieldsOf(b) &&
		(!(fields & L.FIELD_SRC) || valueOf(a, L.WORD_SRC) == valueOf(b, L.WORD_SRC)) &&
		(!(fields & L.FIELD_DST) || valueOf(a, L.WORD_DST) == valueOf(b, L.WORD_DST)) &&
		(!(fields & L.FIELD_L4) || valueOf(a, L.WORD_L4) == valueOf(b, L.WORD_L4)) &&
		iifOf(a) == iifOf(b) &&
		oifOf(a) == oifOf(b)
	);
}

/** The bits of a word (WORD_*) that a rule asks for; 0: of this word nothing, or nothing that one comparison could tell. */
export function maskOf(rule: usize, word: u32): u32 {
	const not = load<u8>(rule, L.RULE_INVERT);
	if (word == L.WORD_SRC) return not & L.INV_SRC ? 0 : load<u32>(rule, L.RULE_SMASK);
	if (word == L.WORD_DST) return not & L.INV_DST ? 0 : load<u32>(rule, L.RULE_DMASK);
	const proto = load<u8>(rule, L.RULE_PROTO) != 0 && !(not & L.INV_PROTO) ? PROTO : 0;
	return proto | (exactPort(rule) >= 0 ? PORT : 0);
}

/** What those bits have to be. */
export function valueOf(rule: usize, word: u32): u32 {
	const mask = maskOf(rule, word);
	if (mask == 0) return 0;
	if (word == L.WORD_SRC) return load<u32>(rule, L.RULE_SRC);
	if (word == L.WORD_DST) return load<u32>(rule, L.RULE_DST);
	const port = mask & PORT ? <u32>exactPort(rule) : 0;
	return (mask & PROTO ? (<u32>load<u8>(rule, L.RULE_PROTO)) << 16 : 0) | port;
}

function iifOf(rule: usize): i32 {
	const pattern = load<i32>(rule, L.RULE_IIF);
	return pattern < 0 || load<u8>(rule, L.RULE_INVERT) & L.INV_IIF ? -1 : exactName(pattern);
}

function oifOf(rule: usize): i32 {
	const pattern = load<i32>(rule, L.RULE_OIF);
	return pattern < 0 || load<u8>(rule, L.RULE_INVERT) & L.INV_OIF ? -1 : exactName(pattern);
}

// The one destination port that its matches allow, -1 for none. A match that remembers packets or may be carried ends the
// search: with it a packet of another port makes a difference.
function exactPort(rule: usize): i32 {
	let at = row(L.TABLE_MATCH, load<i32>(rule, L.RULE_MATCH_FIRST), L.MATCH_STRIDE);
	const end = at + <usize>(<u32>load<u8>(rule, L.RULE_MATCH_COUNT) * L.MATCH_STRIDE);
	for (; at < end; at += L.MATCH_STRIDE) {
		const kind = <i32>load<u16>(at, L.MATCH_KIND);
		if (kind == L.MATCH_TCP || kind == L.MATCH_UDP) {
			const ports = load<u32>(at, L.MATCH_B);
			if ((ports & PORT) == ports >>> 16 && !(load<u16>(at, L.MATCH_INVERT) & 2)) return <i32>(ports & PORT);
		} else if (!hasNoEffect(kind)) return -1;
	}
	return -1;
}

function hasNoEffect(kind: i32): bool {
	switch (kind) {
		case L.MATCH_ICMP:
		case L.MATCH_MULTIPORT:
		case L.MATCH_MARK:
		case L.MATCH_CONNMARK:
		case L.MATCH_CONNTRACK:
		case L.MATCH_ADDRTYPE:
		case L.MATCH_PHYSDEV:
		case L.MATCH_IPRANGE:
		case L.MATCH_PREFIX6:
		case L.MATCH_LENGTH:
		case L.MATCH_TTL:
		case L.MATCH_PKTTYPE:
		case L.MATCH_TOS:
		case L.MATCH_DSCP:
			return true;
		default:
			return false;
	}
}
