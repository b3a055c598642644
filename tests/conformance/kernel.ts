// Kernel scenarios: the network of a file built in the engine, its probes sent in order, each held against what a real
// Linux kernel did (the result file of the same name).

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadModule } from "../../bindings/node.ts";
import { openMachine } from "../../js/lab.ts";
import { isAction, type ProbeResult, type ProbeStep, type RecordedResult } from "../../js/net/probe.ts";
import type { NodeSpec, Topology } from "../../js/net/topology.ts";
import { compareProbe } from "../../js/verify/compare.ts";
import { Prober } from "../../js/wire/prober.ts";
import { fromObjects, hasObjects } from "./kernel-objects.ts";
import type { Result } from "./result.ts";

export interface Scenario extends Topology {
	name: string;
	probes: ProbeStep[];
	ctTimeouts?: boolean;
	trace?: boolean;
}

const TABLES = {
	raw: ["PREROUTING", "OUTPUT"],
	mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
};

/** What the recording did to see every rule: raw and mangle are loaded, and raw traces every packet first. */
function traced(node: NodeSpec): NodeSpec {
	if (typeof node.iptables !== "string") return node;
	let text = node.iptables;
	for (const [table, chains] of Object.entries(TABLES)) {
		if (new RegExp(`^\\*${table}$`, "m").test(text)) continue;
		text = `*${table}\n${chains.map((chain) => `:${chain} ACCEPT [0:0]\n`).join("")}COMMIT\n${text}`;
	}
	const raw = /^\*raw\n(?:[:#].*\n)*/m.exec(text);
	if (raw === null) return { ...node, iptables: text };
	const at = raw.index + raw[0].length;
	return { ...node, iptables: `${text.slice(0, at)}-A PREROUTING -j TRACE\n-A OUTPUT -j TRACE\n${text.slice(at)}` };
}

/** Result files lie beside the scenarios' folder, in `results/`. */
export function recordedFor(path: string): RecordedResult | null {
	const file = join(dirname(dirname(path)), "results", basename(path));
	return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** Judges every probe of a scenario; where its cluster is given as objects too, once more from these alone. */
export async function checkKernel(content: never, path: string): Promise<Result[]> {
	const scenario = content as Scenario;
	const recorded = recordedFor(path);
	if (recorded === null) return [{ name: scenario.name, status: "skipped", reason: "no recorded result" }];
	const results = await judgeScenario(scenario, recorded);
	if (!hasObjects(scenario)) return results;
	return [
		...results,
		...(await judgeScenario({ ...scenario, ...fromObjects(scenario) }, recorded, { suffix: " from objects" })),
	];
}

export interface ScenarioOptions {
	/** Appended to each result's name. */
	suffix?: string;
	/** Of every choice that chance makes. */
	seed?: bigint;
}

/** Runs a scenario's probes on a fresh engine and holds each against its recording. */
export async function judgeScenario(
	scenario: Scenario,
	recorded: RecordedResult,
	{ suffix = "", seed = 1n }: ScenarioOptions = {},
): Promise<Result[]> {
	const topology = scenario.trace ? { ...scenario, nodes: scenario.nodes.map(traced) } : scenario;
	const machine = openMachine(await loadModule(), topology, { windows: true, seed });
	const prober = new Prober(machine, { timeouts: scenario.ctTimeouts ?? false });
	const results: Result[] = [];
	let index = 0;
	for (const step of scenario.probes) {
		if (isAction(step)) {
			prober.step(step);
			continue;
		}
		const expected = recorded.probes[index++];
		if (expected === undefined) continue;
		results.push(judge(`${scenario.name} probe ${index - 1}${suffix}`, expected, () => prober.step(step)));
	}
	return results;
}

function judge(name: string, expected: ProbeResult, ask: () => ProbeResult | null): Result {
	const got = ask();
	const differences = got === null ? [{ path: "probe", expected: "a result", got }] : compareProbe(expected, got);
	const [first] = differences;
	if (first === undefined) return { name, status: "passed" };
	const { from, proto, dst, port } = expected.probe;
	const reason = `${from} ${proto} ${dst}:${port ?? ""}: ${first.path}${differences.length > 1 ? ` and ${differences.length - 1} more` : ""}`;
	return { name, status: "failed", expected: first.expected, got: first.got, reason };
}
