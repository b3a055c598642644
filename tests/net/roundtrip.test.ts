// Every iptables text of the shared data reads and prints back byte for byte (lines that start with # aside).

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyRestore, parseIptablesSave, printIptablesSave } from "../../js/net/iptables/index.ts";
import { sharedData } from "./shared.ts";

interface ScenarioNode {
	name: string;
	iptables?: string | null;
}

function withoutComments(text: string): string {
	return text
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith("#"))
		.join("\n");
}

/** The text with each table's rules grouped by chain, in the order of its chain lines: what a printer must make of it. */
function grouped(text: string): string {
	const out: string[] = [];
	let chains: string[] = [];
	let rules: string[] = [];
	for (const line of withoutComments(text).split("\n")) {
		if (line.startsWith("*")) {
			chains = [];
			rules = [];
			out.push(line);
		} else if (line.startsWith(":")) {
			chains.push(line.slice(1).split(" ")[0] as string);
			out.push(line);
		} else if (line === "COMMIT") {
			for (const chain of chains) out.push(...rules.filter((rule) => rule.split(" ")[1] === chain));
			out.push(line);
		} else rules.push(line);
	}
	return out.join("\n");
}

describe.skipIf(sharedData === null)("iptables texts of the shared data", () => {
	const scenarios = `${sharedData}kernel/scenarios/`;
	for (const file of sharedData === null ? [] : readdirSync(scenarios)) {
		test(`kernel/scenarios/${file}`, () => {
			const scenario = JSON.parse(readFileSync(scenarios + file, "utf8")) as { nodes: ScenarioNode[] };
			for (const node of scenario.nodes) {
				if (!node.iptables) continue;
				const ruleset = parseIptablesSave(node.iptables, { file: `${file} ${node.name}` });
				expect(withoutComments(printIptablesSave(ruleset, { written: true }))).toBe(grouped(node.iptables));
			}
		});
	}

	const states = `${sharedData}shop/node-state/`;
	for (const node of sharedData === null ? [] : readdirSync(states)) {
		for (const [file, counters] of [
			["iptables-save.txt", false],
			["iptables-save-c.end.txt", true],
		] as const) {
			test(`shop/node-state/${node}/${file}`, () => {
				const text = readFileSync(`${states}${node}/${file}`, "utf8");
				const ruleset = parseIptablesSave(text, { file });
				expect(withoutComments(printIptablesSave(ruleset, { counters }))).toBe(withoutComments(text));
				expect(
					ruleset.tables
						.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
						.filter(({ written }) => written !== null),
				).toEqual([]);
			});
		}
	}

	test("the reload of the shop's nodes applies", () => {
		for (const node of readdirSync(states).filter((name) => name.startsWith("node-"))) {
			const before = parseIptablesSave(readFileSync(`${states}${node}/iptables-save.txt`, "utf8"));
			const reload = readFileSync(`${states}${node}/reload.iptables-restore.txt`, "utf8");
			const after = applyRestore(before, reload, { noflush: true, file: "reload" });
			const end = parseIptablesSave(readFileSync(`${states}${node}/iptables-save-c.end.txt`, "utf8"));
			const rules = (ruleset: typeof end): string[] =>
				printIptablesSave(ruleset)
					.split("\n")
					.filter((line) => line.startsWith("-A "))
					.sort();
			expect(rules(after)).toEqual(rules(end));
		}
	});
});
