// The recorded kernel scenarios kept beside these tests, or those of another folder by PODWIRE_KERNEL_DATA.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProbeStep, RecordedResult } from "../../js/net/probe.ts";
import type { Topology } from "../../js/net/topology.ts";

export interface Scenario extends Topology {
	name: string;
	about: string;
	probes: ProbeStep[];
	trace?: boolean;
	pcap?: boolean;
	/** Conntrack entries are recorded with their timeouts. */
	ctTimeouts?: boolean;
}

const folder = process.env.PODWIRE_KERNEL_DATA ?? join(import.meta.dirname, "cases");

export function scenarioNames(): string[] {
	return readdirSync(join(folder, "scenarios"))
		.filter((file) => file.endsWith(".json") && existsSync(join(folder, "results", file)))
		.map((file) => file.slice(0, -".json".length))
		.sort();
}

export function readScenario(name: string): Scenario {
	return JSON.parse(readFileSync(join(folder, "scenarios", `${name}.json`), "utf8"));
}

export function readResult(name: string): RecordedResult {
	return JSON.parse(readFileSync(join(folder, "results", `${name}.json`), "utf8"));
}
