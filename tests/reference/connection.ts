// The matches `conntrack` and `state` of the slow evaluator.

import type { Option, Value } from "../../js/net/ruleset.ts";
import { prefixHolds } from "./header.ts";
import type { RuleConnection, RulePacket } from "./rules.ts";

export function stateOf(p: RulePacket): string {
	return p.ct === "none" ? "INVALID" : p.ct === "untracked" ? "UNTRACKED" : p.ct.state;
}

export function connection(p: RulePacket, options: readonly Option[]): boolean {
	const { ct } = p;
	return options.every(({ name, not, value }) => {
		if (name === "ctstate") {
			const translated =
				typeof ct === "string" ? [] : ct.status.map((bit) => ({ SRC_NAT: "SNAT", DST_NAT: "DNAT" })[bit] ?? "");
			return value.kind === "words" && [stateOf(p), ...translated].some((state) => value.words.includes(state)) !== not;
		}
		// Without a connection only the state is asked: the rest is not looked at where a state was given.
		if (typeof ct === "string") return options.some((option) => option.name === "ctstate");
		return ctHolds(ct, name, value) !== not;
	});
}

function ctHolds(ct: RuleConnection, name: string, value: Value): boolean {
	if (value.kind === "prefix") {
		const sides: Record<string, string> = {
			ctorigsrc: ct.orig.src,
			ctorigdst: ct.orig.dst,
			ctreplsrc: ct.repl.src,
			ctrepldst: ct.repl.dst,
		};
		return prefixHolds(value.prefix, sides[name] ?? "");
	}
	if (name === "ctproto") return value.kind === "uint" && value.value === ct.proto;
	if (name === "ctdir") return value.kind === "string" && (value.value === "REPLY") === ct.reply;
	if (name === "ctstatus") return value.kind === "words" && value.words.some((status) => ct.status.includes(status));
	const numbers: Record<string, number> = {
		ctorigsrcport: ct.orig.sport,
		ctorigdstport: ct.orig.dport,
		ctreplsrcport: ct.repl.sport,
		ctrepldstport: ct.repl.dport,
		ctexpire: ct.expires,
	};
	const asked = numbers[name];
	if (asked === undefined) throw new Error(`the reference does not know --${name}`);
	return value.kind === "range" && asked >= value.min && asked <= value.max;
}
