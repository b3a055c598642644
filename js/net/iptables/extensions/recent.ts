// The match `recent`: lists of addresses seen, kept by name.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { expectedAddress, printAddress, readAddress } from "../prefixes.ts";
import { flag, text, uint } from "../values.ts";
import { inTableOrder } from "./order.ts";

const RECENT_ACTIONS = ["set", "rcheck", "update", "remove"];
const RECENT_HITS_MAX = 65535;

const recentMask: ValueType = {
	wordCount: 1,
	expected: "a mask written as an address",
	parse: ([word = ""], context) => {
		const number = readAddress(word, context.family);
		if (number === null) throw new Refusal(expectedAddress(context.family));
		return { kind: "string", value: printAddress(number, context.family) };
	},
	print: (value) => (value.kind === "string" ? value.value : ""),
};

const recentName = text({
	max: 199,
	min: 1,
	expected: "the name of a list, without /",
	check: (name) => {
		if (name.includes("/")) throw new Refusal("the name of a list, without /");
	},
});

const RECENT_NAME: Option = { name: "name", not: false, value: { kind: "string", value: "DEFAULT" } };

const recent: ExtensionTable = {
	name: "recent",
	kind: "match",
	options: [
		{ name: "set", type: flag, negatable: true, excludes: RECENT_ACTIONS },
		{ name: "rcheck", type: flag, negatable: true, excludes: RECENT_ACTIONS },
		{ name: "update", type: flag, negatable: true, excludes: RECENT_ACTIONS },
		{ name: "remove", type: flag, negatable: true, excludes: RECENT_ACTIONS },
		{ name: "seconds", type: uint({ min: 1 }), excludes: ["set", "remove"] },
		{ name: "reap", type: flag, requires: ["seconds"] },
		{ name: "hitcount", type: uint({ max: RECENT_HITS_MAX }) },
		{ name: "rttl", type: flag, excludes: ["set", "remove"] },
		{ name: "name", type: recentName },
		{ name: "mask", type: recentMask },
		{ name: "rsource", type: flag },
		{ name: "rdest", type: flag },
	],
	oneOf: [RECENT_ACTIONS],
	canonical: (options, context) => {
		const side = options.filter(({ name }) => name === "rsource" || name === "rdest").at(-1);
		const isZero = ({ name, value }: Option): boolean =>
			name === "hitcount" && value.kind === "uint" && value.value === 0;
		const kept = options.filter((option) => option.name !== "rsource" && option.name !== "rdest" && !isZero(option));
		const fixed = optionOf(kept, "set") ?? optionOf(kept, "remove");
		if (fixed && optionOf(kept, "hitcount"))
			throw new Refusal(`no --hitcount beside --${fixed.name}`, null, 0, "hitcount");
		if (!optionOf(kept, "name")) kept.push(RECENT_NAME);
		const full = context.family === "ipv4" ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
		if (!optionOf(kept, "mask")) kept.push({ name: "mask", not: false, value: { kind: "string", value: full } });
		kept.push(side ?? { name: "rsource", not: false, value: { kind: "flag" } });
		return inTableOrder(kept, recent.options);
	},
};

export const recentMatches: ExtensionTable[] = [recent];
