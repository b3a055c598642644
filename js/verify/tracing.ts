// A recording with `"trace": true` was made with `-j TRACE` as the first rule of raw PREROUTING and OUTPUT, and with the
// tables raw and mangle loaded. This takes the traces of tracing out again: that rule, the step numbers that count it, and
// the steps and policies of tables that the node's own text does not have.

import type { ProbeResult, TracedPacketJson } from "../net/probe.ts";
import { VARIES } from "../net/probe.ts";
import type { Topology } from "../net/topology.ts";

/** By netns: the tables that its own text loads. */
export type TablesOf = Record<string, readonly string[]>;

export function tablesOf(topology: Topology): TablesOf {
	const tables: TablesOf = {};
	for (const node of topology.nodes) {
		tables[`node:${node.name}`] = [...(node.iptables ?? "").matchAll(/^\*(\w+)/gm)].map((match) => match[1] as string);
	}
	return tables;
}

/** The result as it would have been recorded without tracing. */
export function withoutTracing(result: ProbeResult, tables: TablesOf): ProbeResult {
	const untraced: ProbeResult = { ...result };
	if (result.ruleHits) {
		untraced.ruleHits = {};
		for (const [netns, hits] of Object.entries(result.ruleHits)) {
			untraced.ruleHits[netns] = hits === VARIES ? hits : hits.filter((hit) => isOwnHit(hit, tables[netns]));
		}
	}
	if (result.trace) {
		untraced.trace = {};
		for (const [netns, packets] of Object.entries(result.trace)) {
			const own = packets
				.map((packet) => ownSteps(packet, tables[netns] ?? []))
				.filter((packet) => packet.steps.length > 0);
			if (own.length > 0) untraced.trace[netns] = own;
		}
	}
	return untraced;
}

const TRACE_RULE = /^\d+ raw -A (?:PREROUTING|OUTPUT) -j TRACE$/;

function isOwnHit(hit: string, tables: readonly string[] | undefined): boolean {
	if (TRACE_RULE.test(hit)) return false;
	const policy = /^\d+ (\w+) \w+ policy /.exec(hit);
	return policy === null || tables === undefined || tables.includes(policy[1] as string);
}

function ownSteps(packet: TracedPacketJson, tables: readonly string[]): TracedPacketJson {
	const own = (step: string) => tables.includes(/^\w+\/(\w+)/.exec(step)?.[1] ?? "");
	return {
		packet: packet.packet,
		hookPath: packet.hookPath.filter(own),
		steps: packet.steps.filter((step) => own(step) && !TRACE_STEP.test(step)).map(uncountTraceRule),
	};
}

const TRACE_STEP = /^(PREROUTING|OUTPUT)\/raw \1:rule:1 /;

function uncountTraceRule(step: string): string {
	return step.replace(
		/^((PREROUTING|OUTPUT)\/raw \2:(?:rule|policy)):(\d+) /,
		(_, head: string, _hook, number: string) => `${head}:${Number(number) - 1} `,
	);
}
