// Targets that set marks: MARK, CONNMARK. Every spelling (`--or-mark`, `--set-mark` …) becomes `--set-xmark value/mask`:
// the mask's bits are cleared, then the value's bits are flipped.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, type OptionTable, optionOf, type ValueType } from "../extension.ts";
import { expectKind, flag, hex, masked, readUint, uint } from "../values.ts";
import { inTableOrder } from "./order.ts";

const MARK_SPELLINGS = ["set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark"];

const bits: ValueType = {
	wordCount: 1,
	expected: "a number 0–0xffffffff",
	parse: ([word = ""]) => ({ kind: "uint", value: readUint(word, 0, 0xffffffff, "a number 0–0xffffffff") }),
	print: (value) => (value.kind === "uint" ? hex(value.value) : ""),
};

function markOptions(others: string[]): OptionTable[] {
	const excludes = [...MARK_SPELLINGS, ...others];
	return [
		{ name: "set-xmark", type: masked({ alwaysMask: true }), excludes },
		{ name: "set-mark", type: masked(), excludes },
		{ name: "and-mark", type: bits, excludes },
		{ name: "or-mark", type: bits, excludes },
		{ name: "xor-mark", type: bits, excludes },
	];
}

function asXmark(option: Option): Option {
	const { name, value } = option;
	const xmark = (mark: number, mask: number): Option => ({
		name: "set-xmark",
		not: false,
		value: { kind: "masked", value: mark >>> 0, mask: mask >>> 0 },
	});
	if (name === "set-mark") {
		const { value: mark, mask } = expectKind(value, "masked");
		return xmark(mark, mark | mask);
	}
	if (name === "and-mark") return xmark(0, ~expectKind(value, "uint").value);
	if (name === "or-mark") return xmark(expectKind(value, "uint").value, expectKind(value, "uint").value);
	if (name === "xor-mark") return xmark(expectKind(value, "uint").value, 0);
	return option;
}

const mark: ExtensionTable = {
	name: "MARK",
	kind: "target",
	options: markOptions([]),
	oneOf: [MARK_SPELLINGS],
	canonical: (options) => options.map(asXmark),
};

/** `--set-mark VALUE --mask MASK` is an old spelling of `--set-mark VALUE/MASK`. */
function withMask(option: Option, options: Option[]): Option {
	const mask = optionOf(options, "mask");
	if (mask === undefined || option.name !== "set-mark") return option;
	return { ...option, value: { ...expectKind(option.value, "masked"), mask: expectKind(mask.value, "uint").value } };
}

const CONNMARK_ACTIONS = [...MARK_SPELLINGS, "save-mark", "restore-mark"];
const FULL_MASK = 0xffffffff;

const connmarkOptions: OptionTable[] = [
	...markOptions(["save-mark", "restore-mark"]),
	{ name: "save-mark", type: flag, excludes: CONNMARK_ACTIONS },
	{ name: "restore-mark", type: flag, excludes: CONNMARK_ACTIONS },
	{ name: "left-shift-mark", type: uint({ max: 31 }) },
	{ name: "right-shift-mark", type: uint({ max: 31 }) },
	{ name: "nfmask", type: bits },
	{ name: "ctmask", type: bits },
	{ name: "mask", type: bits, excludes: ["nfmask", "ctmask"] },
];

const connmark: ExtensionTable = {
	name: "CONNMARK",
	kind: "target",
	options: connmarkOptions,
	oneOf: [CONNMARK_ACTIONS],
	canonical: (options) => {
		const copies = optionOf(options, "save-mark") ?? optionOf(options, "restore-mark");
		const shift = options.filter(({ name }) => name.endsWith("-shift-mark")).at(-1);
		const shifts = shift === undefined ? [] : [shift];
		if (copies === undefined) {
			const marks = options.filter(({ name }) => MARK_SPELLINGS.includes(name));
			return inTableOrder([...marks.map((option) => asXmark(withMask(option, options))), ...shifts], connmarkOptions);
		}
		const both = optionOf(options, "mask");
		const maskOption = (name: string): Option => {
			const given = both ?? optionOf(options, name);
			return {
				name,
				not: false,
				value: { kind: "uint", value: given ? expectKind(given.value, "uint").value : FULL_MASK },
			};
		};
		return [copies, maskOption("nfmask"), maskOption("ctmask"), ...shifts];
	},
};

export const markTargets: ExtensionTable[] = [mark, connmark];
