// Properties of a node's rules: they do not depend on the order of objects, a second sync changes nothing, and a
// partial sync leaves what a full one would.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpointsChange, servicesChange } from "../../js/kube-proxy/changes.ts";
import { syncNode } from "../../js/kube-proxy/saved.ts";
import { type SyncInput, syncProxyRules } from "../../js/kube-proxy/sync.ts";
import { printIptablesSave } from "../../js/net/iptables/index.ts";
import { runs } from "../runs.ts";
import { inputs } from "./clusters.ts";

const RUNS = runs(60);

function without(input: SyncInput, index: number): SyncInput {
	const keep = <T>(list: readonly T[]): T[] => list.filter((_, at) => at !== index);
	return { ...input, services: keep(input.services), endpointSlices: keep(input.endpointSlices) };
}

function withoutEndpoints(input: SyncInput, index: number): SyncInput {
	const endpointSlices = input.endpointSlices.map((slice, at) => (at === index ? { ...slice, endpoints: [] } : slice));
	return { ...input, endpointSlices };
}

/** The rules after `before`, then a sync of only what differs. */
function partially(before: SyncInput, after: SyncInput) {
	const state = syncNode(before);
	const services = servicesChange(state.sync.servicePorts, syncProxyRules(after).servicePorts);
	const endpoints = endpointsChange(before.endpointSlices, after.endpointSlices, after.family).updatedServices;
	return syncNode({ ...after, updatedServices: new Set([...services, ...endpoints]) }, { ruleset: state.ruleset });
}

describe("a sync", () => {
	it("does not depend on the order of objects", () => {
		fc.assert(
			fc.property(inputs, (input) => {
				const reversed = {
					...input,
					services: [...input.services].reverse(),
					endpointSlices: [...input.endpointSlices].reverse(),
				};
				expect(syncProxyRules(reversed).restore).toBe(syncProxyRules(input).restore);
			}),
			RUNS,
		);
	});

	it("twice leaves the rules of once", () => {
		fc.assert(
			fc.property(inputs, (input) => {
				const once = syncNode(input);
				const twice = syncNode(input, { ruleset: once.ruleset });
				expect(printIptablesSave(twice.ruleset)).toBe(printIptablesSave(once.ruleset));
			}),
			RUNS,
		);
	});

	it.each([
		["a Service gone", without],
		["endpoints gone", withoutEndpoints],
	])("of only what changed leaves what a full one leaves: %s", (_, change) => {
		fc.assert(
			fc.property(inputs, fc.nat(3), (input, index) => {
				const changed = change(input, index);
				for (const [before, after] of [
					[input, changed],
					[changed, input],
				] as const) {
					const partial = partially(before, after);
					expect(printIptablesSave(partial.ruleset)).toBe(printIptablesSave(syncNode(after).ruleset));
					expect(partial.sync.ruleCount).toEqual(syncProxyRules(after).ruleCount);
				}
			}),
			RUNS,
		);
	});

	it("counts the rules that the tables have", () => {
		fc.assert(
			fc.property(inputs, (input) => {
				const { ruleset, sync } = syncNode(input);
				const inChains = (name: string): number =>
					(ruleset.tables.find((table) => table.name === name)?.chains ?? [])
						.filter(({ policy, name: chain }) => policy === null && chain !== "KUBE-FIREWALL")
						.reduce((sum, { rules }) => sum + rules.length, 0);
				const guard = input.family === "ipv4" && sync.restore.includes("\n-A KUBE-FIREWALL ") ? 1 : 0;
				expect({ filter: inChains("filter") + guard, nat: inChains("nat") }).toEqual(sync.ruleCount);
			}),
			RUNS,
		);
	});
});
