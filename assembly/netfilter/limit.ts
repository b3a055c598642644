// `-m limit` (net/netfilter/xt_limit.c): a bucket of credits that fills with time. Units are the kernel's at HZ=1000:
// 32 credits a millisecond; the host works out cost and cap from rate and burst as user2credits() does.
// Linux: the increase wraps at 32 bits after 37 idle hours; here it does not, because the bucket is full long before.

import { row } from "../arena";
import { Packet } from "../packet";
import * as L from "../layout";

const CREDITS_PER_MS: u64 = 32;

/** Takes one packet's cost; false where the bucket holds less. */
export function limitAllows(p: Packet, match: usize): bool {
	// The host gave the match a row of TABLE_STATE.
	const state = row(L.TABLE_STATE, load<i32>(match, L.MATCH_STATE), L.STATE_STRIDE);
	const cost = <u64>load<u32>(match, L.MATCH_A);
	const cap = <u64>load<u32>(match, L.MATCH_B);
	const now = <u64>(p.time / 1_000_000);
	const last = load<u64>(state, L.STATE_B);
	let credit = load<u64>(state, L.STATE_A);
	if (now > last) credit = min(cap, credit + min((now - last) * CREDITS_PER_MS, cap));
	store<u64>(state, now, L.STATE_B);
	const allowed = credit >= cost;
	store<u64>(state, allowed ? credit - cost : credit, L.STATE_A);
	return allowed;
}
