// How endpoints are spread over EndpointSlices that are there: what is placed stays, and nothing is evened out.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Endpoint, EndpointSlice } from "../../js/api/discovery.ts";
import { ENDPOINTS_MAX, reconcileSlices } from "../../js/controllers/slices.ts";
import { runs } from "../runs.ts";

const LABELS = { a: "b" };
const ports = [{ name: "", port: 80, protocol: "TCP" as const }];
const endpoint = (id: number, ready = true): Endpoint => ({
	addresses: [`10.0.${id >> 8}.${id & 255}`],
	conditions: { ready },
	targetRef: { kind: "Pod", namespace: "d", name: `p${id}` },
});
const slice = (name: string, ids: readonly number[], labels: Record<string, string> = LABELS): EndpointSlice => ({
	apiVersion: "discovery.k8s.io/v1",
	kind: "EndpointSlice",
	metadata: { name, labels },
	addressType: "IPv4",
	endpoints: ids.map((id) => endpoint(id)),
	ports,
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const group = (ids: readonly number[]) => ({ ports, endpoints: ids.map((id) => endpoint(id)) });
const sizes = (slices: readonly { endpoints?: readonly unknown[] | null }[]) =>
	slices.map(({ endpoints }) => endpoints?.length);

describe("slices", () => {
	it("stay as they are where nothing changed", () => {
		const changes = reconcileSlices(
			[slice("a", range(0, 60)), slice("b", range(60, 70))],
			[group(range(0, 70))],
			LABELS,
		);
		expect(changes).toEqual({ create: [], update: [], delete: [] });
	});

	it("that changed are filled first, then the fullest that takes the rest, then new ones", () => {
		const existing = [slice("a", range(0, 98)), slice("b", range(100, 140)), slice("c", range(200, 290))];
		// One goes from a, twelve come: three fill a up, nine fit into c.
		const wanted = [...range(1, 98), ...range(100, 140), ...range(200, 290), ...range(300, 312)];
		const changes = reconcileSlices(existing, [group(wanted)], LABELS);
		expect(changes.update.map(({ metadata, endpoints }) => [metadata.name, endpoints?.length])).toEqual([
			["a", 100],
			["c", 99],
		]);
		expect([changes.create, changes.delete]).toEqual([[], []]);
		const more = reconcileSlices(
			existing,
			[group([...range(0, 98), ...range(100, 140), ...range(200, 290), ...range(300, 370)])],
			LABELS,
		);
		expect([sizes(more.update), sizes(more.create)]).toEqual([[], [70]]);
	});

	it("are never merged", () => {
		const existing = [slice("a", range(0, 100)), slice("b", range(100, 200))];
		const changes = reconcileSlices(existing, [group([0, 100])], LABELS);
		expect(sizes(changes.update)).toEqual([1, 1]);
	});

	it("change with the labels of their Service", () => {
		expect(
			reconcileSlices([slice("a", [1], { a: "c" })], [group([1])], LABELS).update.map(
				({ metadata }) => metadata.labels,
			),
		).toEqual([LABELS]);
	});

	it("of other ports are used again", () => {
		const other = { ports: [{ name: "", port: 81, protocol: "TCP" as const }], endpoints: [endpoint(1)] };
		const changes = reconcileSlices([slice("a", [1])], [other], LABELS);
		expect(changes.update).toMatchObject([{ metadata: { name: "a" }, ports: [{ port: 81 }] }]);
		expect([changes.create, changes.delete]).toEqual([[], []]);
	});

	it("without endpoints are one, and empty", () => {
		const gone = reconcileSlices([slice("a", [1]), slice("b", [2])], [], LABELS);
		expect([sizes(gone.update), gone.delete.map(({ metadata }) => metadata.name)]).toEqual([[0], ["b"]]);
		const empty = { ...slice("a", []), ports: [] };
		expect(reconcileSlices([empty], [], LABELS)).toEqual({ create: [], update: [], delete: [] });
		expect(sizes(reconcileSlices([], [], LABELS).create)).toEqual([0]);
	});

	it("hold what is wanted, each once, and none is over-full", () => {
		const ids = fc.uniqueArray(fc.nat(600), { maxLength: 300 });
		fc.assert(
			fc.property(fc.array(ids, { minLength: 1, maxLength: 4 }), (steps) => {
				let slices: EndpointSlice[] = [];
				for (const wanted of steps) {
					const changes = reconcileSlices(slices, wanted.length > 0 ? [group(wanted)] : [], LABELS);
					const gone = new Set([...changes.delete, ...changes.update].map(({ metadata }) => metadata.name));
					const names = slices.map(({ metadata }) => metadata.name);
					const made = changes.create.map((one, i) => ({ ...slice(`n${i}-${names.join()}`, []), ...one }));
					slices = [...slices.filter(({ metadata }) => !gone.has(metadata.name)), ...changes.update, ...made];
					const held = slices.flatMap(({ endpoints }) => endpoints?.map(({ targetRef }) => targetRef?.name) ?? []);
					expect(held.sort()).toEqual(wanted.map((id) => `p${id}`).sort());
					expect(slices.length).toBeGreaterThan(0);
					for (const { endpoints } of slices) expect(endpoints?.length).toBeLessThanOrEqual(ENDPOINTS_MAX);
				}
			}),
			runs(200),
		);
	});
});
