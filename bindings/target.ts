// Typed targets to the target fields of a rule row: a code and up to five arguments, by target (`assembly/layout.ts`).
// A form that is not evaluated throws Carried.

import * as L from "../assembly/layout.ts";
import type { Target, Value } from "../js/net/ruleset.ts";
import type { MatchContext } from "./matchrow.ts";
import { Carried, network, network6, Options } from "./option.ts";

export interface TargetFields {
	target: number;
	args: number[];
}

/** What targets need to know beside their options. */
export type TargetContext = Pick<MatchContext, "interned" | "addresses" | "family">;

type Encoder = (options: Options, context: TargetContext) => TargetFields;

const FULL_MASK = 0xffffffff;

const VERDICTS: Readonly<Record<string, number>> = {
	ACCEPT: L.TARGET_ACCEPT,
	DROP: L.TARGET_DROP,
	RETURN: L.TARGET_RETURN,
};

/** What a packet that reaches a carried target gets. */
export const UNKNOWN_TARGET: TargetFields = { target: L.TARGET_UNKNOWN, args: [] };

/** The fields of a verdict or an extension target; jumps are the caller's. Throws Carried. */
export function encodeTarget(target: Target, context: TargetContext): TargetFields {
	if (target.kind === "verdict") {
		const code = VERDICTS[target.name];
		if (code === undefined) throw new Carried(target.name, "this target");
		return { target: code, args: [] };
	}
	const options = new Options(target);
	const encoder = ENCODERS[target.name];
	if (encoder === undefined) throw new Carried(target.name, "this target");
	const fields = encoder(options, context);
	options.done();
	return fields;
}

const REJECTS: Readonly<Record<string, number>> = {
	"icmp-net-unreachable": L.REJECT_NET,
	"icmp-host-unreachable": L.REJECT_HOST,
	"icmp-proto-unreachable": L.REJECT_PROTO,
	"icmp-port-unreachable": L.REJECT_PORT,
	"icmp-net-prohibited": L.REJECT_NET_PROHIBITED,
	"icmp-host-prohibited": L.REJECT_HOST_PROHIBITED,
	"icmp-admin-prohibited": L.REJECT_ADMIN_PROHIBITED,
	"tcp-reset": L.REJECT_TCP_RESET,
};

const REJECTS6: Readonly<Record<string, number>> = {
	"icmp6-no-route": L.REJECT6_NO_ROUTE,
	"icmp6-adm-prohibited": L.REJECT6_ADM_PROHIBITED,
	"icmp6-addr-unreachable": L.REJECT6_ADDR,
	"icmp6-port-unreachable": L.REJECT6_PORT,
	"icmp6-policy-fail": L.REJECT6_POLICY_FAIL,
	"icmp6-reject-route": L.REJECT6_REJECT_ROUTE,
	"tcp-reset": L.REJECT_TCP_RESET,
};

const LOG_OPTIONS: readonly [string, Value["kind"]][] = [
	["log-prefix", "string"],
	["log-level", "uint"],
	["log-tcp-sequence", "flag"],
	["log-tcp-options", "flag"],
	["log-ip-options", "flag"],
	["log-uid", "flag"],
	["log-macdecode", "flag"],
];

const ENCODERS: Readonly<Record<string, Encoder>> = {
	REJECT: (options, { family }) => {
		const given = options.take("reject-with", "string")?.value.value;
		const how = given ?? (family === "ipv6" ? "icmp6-port-unreachable" : "icmp-port-unreachable");
		const code = (family === "ipv6" ? REJECTS6 : REJECTS)[how];
		if (code === undefined) throw new Carried("REJECT", how);
		return { target: L.TARGET_REJECT, args: [code] };
	},
	MARK: (options) => {
		const { value } = options.need("set-xmark", "masked");
		return { target: L.TARGET_MARK, args: [value.value, value.mask] };
	},
	CONNMARK: encodeConnmark,
	DNAT: (options, context) => encodeNat(options, context, L.TARGET_DNAT, "to-destination"),
	SNAT: (options, context) => encodeNat(options, context, L.TARGET_SNAT, "to-source"),
	MASQUERADE: (options, context) => encodeNat(options, context, L.TARGET_MASQUERADE, "to-ports"),
	REDIRECT: (options, context) => encodeNat(options, context, L.TARGET_REDIRECT, "to-ports"),
	NETMAP: (options, { family, interned }) => {
		const { prefix } = options.need("to", "prefix").value;
		if (family === "ipv6") return { target: L.TARGET_NETMAP, args: [interned.words(network6(prefix)), 0] };
		const { address, mask } = network(prefix);
		return { target: L.TARGET_NETMAP, args: [address, mask] };
	},
	CT: (options) => {
		const notrack = options.flag("notrack");
		const zone = options.take("zone", "uint")?.value.value ?? 0;
		return { target: L.TARGET_CT, args: [Number(notrack), zone] };
	},
	NOTRACK: () => ({ target: L.TARGET_CT, args: [1, 0] }),
	LOG: (options) => {
		for (const [name, kind] of LOG_OPTIONS) options.take(name, kind);
		return { target: L.TARGET_LOG, args: [] };
	},
	TRACE: () => ({ target: L.TARGET_TRACE, args: [] }),
};

const CONNMARK_SET = 0;
const CONNMARK_SAVE = 1;
const CONNMARK_RESTORE = 2;

function encodeConnmark(options: Options): TargetFields {
	const set = options.take("set-xmark", "masked");
	if (set !== null) return { target: L.TARGET_CONNMARK, args: [CONNMARK_SET, set.value.value, set.value.mask, 0] };
	const mode = options.flag("save-mark") ? CONNMARK_SAVE : options.flag("restore-mark") ? CONNMARK_RESTORE : null;
	if (mode === null) throw new Carried("CONNMARK", "a form without --set-xmark, --save-mark or --restore-mark");
	const mask = (name: string) => options.take(name, "uint")?.value.value ?? FULL_MASK;
	const nfmask = mask("nfmask");
	return { target: L.TARGET_CONNMARK, args: [mode, 0, mask("ctmask"), nfmask] };
}

function encodeNat(options: Options, { addresses, family }: TargetContext, target: number, name: string): TargetFields {
	const to = options.take(name, "nat")?.value ?? null;
	let flags =
		(options.flag("random") ? L.NAT_RANDOM : 0) |
		(options.flag("random-fully") ? L.NAT_RANDOM_FULLY : 0) |
		(options.flag("persistent") ? L.NAT_PERSISTENT : 0);
	if (to === null) return { target, args: [0, 0, 0, 0, flags] };
	if (to.baseport !== null) throw new Carried("DNAT", "a shifted port range");
	if (to.portMin !== null) flags |= L.NAT_PORTS;
	const min = to.addressMin === null ? 0 : addresses.number(to.addressMin);
	const max = to.addressMax === null ? min : addresses.number(to.addressMax);
	if (family === "ipv6" && min !== max) throw new Carried("NAT", "a range of IPv6 addresses");
	return { target, args: [min, max, to.portMin ?? 0, to.portMax ?? to.portMin ?? 0, flags] };
}
