// Prints typed rules as iptables-save does: `-s -d -i -o -p -f`, matches in the order of the rule, then the target.

import type { Counters, Extension, Negatable, Option, Prefix, Rule, Target } from "../ruleset.ts";
import type { Backend, ExtensionTable, OptionTable, PrintContext, ToolVersion } from "./extension.ts";
import { EXTENSIONS } from "./extensions/index.ts";
import { nftForm } from "./nft.ts";
import { protocolName } from "./protocols.ts";

export interface PrintOptions {
	/** The words of its author, where the rule has them. */
	written?: boolean;
	backend?: Backend;
	version?: ToolVersion;
}

/** The words of a rule that follow `-A CHAIN`; "" for a rule without any. */
export function printRule(rule: Rule, options: PrintOptions = {}): string {
	if (options.written && rule.written !== null) return rule.written;
	const context: PrintContext = { backend: options.backend ?? "legacy", version: options.version ?? "1.8.9" };
	const printed = context.backend === "nft" ? nftForm(rule, context) : rule;
	const words: string[] = [];
	if (printed.source) words.push(...negated(printed.source), `-s ${prefixText(printed.source.value)}`);
	if (printed.destination) words.push(...negated(printed.destination), `-d ${prefixText(printed.destination.value)}`);
	if (printed.inInterface) words.push(...negated(printed.inInterface), `-i ${printed.inInterface.value}`);
	if (printed.outInterface) words.push(...negated(printed.outInterface), `-o ${printed.outInterface.value}`);
	if (printed.protocol) words.push(...negated(printed.protocol), `-p ${protocolName(printed.protocol.value)}`);
	if (printed.fragment) words.push(...negated(printed.fragment), "-f");
	for (const match of printed.matches) words.push(printMatch(match, context));
	if (printed.target) words.push(printTarget(printed.target, context));
	return words.join(" ");
}

function negated(value: Negatable<unknown>): string[] {
	return value.not ? ["!"] : [];
}

function prefixText(prefix: Prefix): string {
	return `${prefix.address}/${prefix.mask}`;
}

export function printMatch(match: Extension, context: PrintContext): string {
	return ["-m", match.name, ...extensionWords(match, tableOf("match", match), context)].join(" ");
}

export function printTarget(target: Target, context: PrintContext): string {
	return [target.goto ? "-g" : "-j", target.name, ...extensionWords(target, tableOf("target", target), context)].join(
		" ",
	);
}

/** By name and, where two families share one, by the options that it has. */
function tableOf(kind: "match" | "target", extension: { name: string; options: Option[] }): ExtensionTable | null {
	const named = BY_NAME[kind].get(extension.name) ?? [];
	if (named.length < 2) return named[0] ?? null;
	const fits = (table: ExtensionTable): boolean =>
		extension.options.every(({ name }) => table.options.some((option) => option.name === name));
	return named.find(fits) ?? null;
}

function byName(kind: ExtensionTable["kind"]): ReadonlyMap<string, ExtensionTable[]> {
	const map = new Map<string, ExtensionTable[]>();
	for (const table of EXTENSIONS.filter((each) => each.kind === kind)) {
		map.set(table.name, [...(map.get(table.name) ?? []), table]);
	}
	return map;
}

const BY_NAME = { match: byName("match"), target: byName("target") } as const;

function extensionWords(extension: Extension | Target, table: ExtensionTable | null, context: PrintContext): string[] {
	if (extension.carried !== null) return extension.carried === "" ? [] : [extension.carried];
	const words: string[] = [];
	for (const option of extension.options) {
		const known = table?.options.find(({ name }) => name === option.name);
		if (known === undefined) throw new TypeError(`expected an option of ${extension.name}, got --${option.name}`);
		if (!known.silent?.(option)) words.push(printOption(option, known, context));
	}
	return words;
}

function printOption(option: Option, known: OptionTable, context: PrintContext): string {
	const value = known.type.print(option.value, context);
	return `${option.not ? "! " : ""}--${option.name}${value === "" && option.value.kind === "flag" ? "" : ` ${value}`}`;
}

export function printCounters(counters: Counters | null): string {
	return `[${counters?.packets ?? 0n}:${counters?.bytes ?? 0n}]`;
}
