// Strategic merge patches against the real one: `kubectl patch --local` runs upstream's code without a server.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { StrategicPatchError } from "../../js/apiserver/patch/directive.ts";
import type { JsonObject } from "../../js/apiserver/patch/json.ts";
import { mergePatch } from "../../js/apiserver/patch/merge.ts";
import { strategicMergePatch } from "../../js/apiserver/patch/strategic.ts";
import { kubectl35 } from "../e2e/kubectl/binary.ts";
import { runs } from "../runs.ts";

const kubectl = kubectl35();

const pick = <T>(...values: T[]) => fc.constantFrom(...values);
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const named = <T>(item: fc.Arbitrary<T>, key: (item: T) => unknown, maxLength = 4) =>
	fc.uniqueArray(item, { maxLength, selector: key });

const ports = named(
	fc.record({
		containerPort: pick(80, 81, 82, 83),
		name: some(pick("http", "metrics")),
		protocol: some(pick("TCP", "UDP")),
	}),
	(port) => port.containerPort,
);
const env = named(fc.record({ name: pick("A", "B", "C"), value: some(pick("1", "2")) }), ({ name }) => name);
const container = fc.record({
	name: pick("a", "b", "c", "d"),
	image: some(pick("x", "y")),
	args: some(fc.array(pick("-v", "-q"), { maxLength: 3 })),
	ports: some(ports),
	env: some(env),
	resources: some(fc.record({ limits: fc.dictionary(pick("cpu", "memory"), pick("1", "2"), { maxKeys: 2 }) })),
});
const volume = fc
	.tuple(
		pick("v", "w", "x"),
		pick(
			{},
			{ emptyDir: {} },
			{ emptyDir: { medium: "Memory" } },
			{ configMap: { name: "m" } },
			{ hostPath: { path: "/" } },
		),
	)
	.map(([name, source]) => ({ name, ...source }));
const metadata = fc.record({
	name: fc.constant("subject"),
	labels: some(fc.dictionary(pick("app", "tier", "zone"), pick("1", "2"), { maxKeys: 3 })),
	finalizers: some(fc.uniqueArray(pick("e/a", "e/b", "e/c"), { maxLength: 3 })),
});
const podSpec = {
	containers: named(container, ({ name }) => name),
	volumes: some(named(volume, ({ name }) => name, 3)),
	tolerations: some(fc.array(fc.record({ key: pick("k", "l"), operator: fc.constant("Exists") }), { maxLength: 2 })),
	nodeSelector: some(fc.dictionary(pick("disk", "zone"), pick("1", "2"), { maxKeys: 2 })),
};
const pod = fc.record({
	apiVersion: fc.constant("v1"),
	kind: fc.constant("Pod"),
	metadata,
	spec: fc.record(podSpec),
});

/** A member or nothing, or null to remove it. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
	fc.oneof(
		{ weight: 3, arbitrary: fc.constant(undefined) },
		{ weight: 5, arbitrary },
		{ weight: 1, arbitrary: fc.constant(null) },
	);
const directed = <T extends object>(item: fc.Arbitrary<T>, key: string) =>
	fc
		.tuple(item, fc.nat(9))
		.map(([value, chance]) =>
			chance === 0 ? { [key]: (value as Record<string, unknown>)[key], $patch: "delete" } : value,
		);
const containerPatch = fc.record({
	name: pick("a", "b", "c", "d"),
	image: maybe(pick("x", "z")),
	args: maybe(fc.array(pick("-v", "-q"), { maxLength: 3 })),
	ports: maybe(
		named(
			directed(fc.record({ containerPort: pick(80, 81, 84), name: maybe(pick("http", "grpc")) }), "containerPort"),
			(port) => (port as { containerPort: number }).containerPort,
		),
	),
	env: maybe(
		named(
			directed(fc.record({ name: pick("A", "B", "C"), value: maybe(pick("3")) }), "name"),
			(item) => (item as { name: string }).name,
		),
	),
	resources: maybe(fc.record({ limits: maybe(fc.dictionary(pick("cpu", "memory"), pick("3"), { maxKeys: 2 })) })),
});
const byName = (item: object) => (item as { name?: string }).name;
const patches = fc
	.record({
		containers: maybe(named(directed(containerPatch, "name"), byName)),
		volumes: maybe(
			named(
				fc.tuple(volume, fc.boolean(), pick("hostPath", "configMap", "emptyDir")).map(([value, retains, gone]) => {
					const source = Object.keys(value).find((name) => name !== "name");
					if (!retains || source === undefined) return value;
					// As `kubectl apply` says that a volume has another source.
					return { ...(gone === source ? {} : { [gone]: null }), ...value, $retainKeys: ["name", source] };
				}),
				byName,
				3,
			),
		),
		tolerations: maybe(podSpec.tolerations),
		nodeSelector: maybe(
			fc.oneof(
				fc.dictionary(pick("disk", "zone"), pick("3", null), { maxKeys: 2 }),
				fc.constant({ $patch: "replace", disk: "9" }),
			),
		),
		order: fc.option(fc.shuffledSubarray(["a", "b", "c", "d"]), { nil: undefined, freq: 1 }),
		labels: maybe(fc.dictionary(pick("app", "tier"), pick("3", null), { maxKeys: 2 })),
		finalizers: maybe(fc.uniqueArray(pick("e/a", "e/d"), { maxLength: 2 })),
		gone: some(fc.uniqueArray(pick("e/a", "e/b"), { minLength: 1, maxLength: 2 })),
	})
	.map(({ order, labels, finalizers, gone, ...spec }) =>
		JSON.parse(
			JSON.stringify({
				metadata: {
					labels,
					finalizers,
					...(gone && !finalizers ? { "$deleteFromPrimitiveList/finalizers": gone } : {}),
				},
				spec: { ...spec, ...(order ? { "$setElementOrder/containers": order.map((name) => ({ name })) } : {}) },
			}),
		),
	);

/** What kubectl makes of each pod: the object, or the refusal of the whole. */
function real(binary: string, folder: string, pods: readonly object[], patch: object): string[] | { refusal: string } {
	const files = pods.flatMap((object, i) => {
		const file = join(folder, `${i}.json`);
		writeFileSync(file, JSON.stringify(object));
		return ["-f", file];
	});
	const args = ["patch", "--local", "--type=strategic", "-o", "json", ...files, "-p", JSON.stringify(patch)];
	const { stdout, stderr, status } = spawnSync(binary, args, { encoding: "utf8" });
	if (status !== 0) return { refusal: stderr };
	return stdout.split(/^(?=\{$)/m);
}

const clean = (value: object) => JSON.parse(JSON.stringify(value)) as JsonObject;

describe.skipIf(kubectl === null)("a strategic merge patch (skipped where there is no kubectl 1.35)", () => {
	it("makes what kubectl makes, of 2,000 pairs", () => {
		const folder = mkdtempSync(join(tmpdir(), "podwire-strategic-"));
		const group = fc.tuple(fc.array(pod.map(clean), { minLength: 16, maxLength: 16 }), patches);
		let pairs = 0;
		let refused = 0;
		try {
			for (const [pods, patch] of fc.sample(group, runs(125))) {
				const expected = real(kubectl as string, folder, pods, patch);
				const ours = () => pods.map((object) => strategicMergePatch(kubernetes, "core.v1.Pod", object, patch));
				pairs += pods.length;
				if (!Array.isArray(expected)) {
					refused++;
					expect(ours, `${JSON.stringify(patch)}: ${expected.refusal}`).toThrow(StrategicPatchError);
					continue;
				}
				const results = ours();
				expect(expected.length).toBe(results.length);
				for (const [i, result] of results.entries())
					expect(result, `${JSON.stringify(pods[i])} patched by ${JSON.stringify(patch)}`).toEqual(
						JSON.parse(expected[i] as string),
					);
			}
		} finally {
			rmSync(folder, { recursive: true });
		}
		expect(pairs).toBe(runs(2000).numRuns);
		expect(refused).toBeLessThan(runs(60).numRuns);
	});

	it("is kubectl's, as asked", () => {
		expect(execFileSync(kubectl as string, ["version", "--client"], { encoding: "utf8" })).toMatch(/v1\.35\./);
	});
});

describe("a JSON merge patch", () => {
	it("does what RFC 7386 shows in its appendix", () => {
		const cases: [unknown, unknown, unknown][] = [
			[{ a: "b" }, { a: "c" }, { a: "c" }],
			[{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
			[{ a: "b" }, { a: null }, {}],
			[{ a: ["b"] }, { a: "c" }, { a: "c" }],
			[{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
			[
				["a", "b"],
				["c", "d"],
				["c", "d"],
			],
			[{ a: "foo" }, null, null],
			[{ e: null }, { a: 1 }, { e: null, a: 1 }],
			[[1, 2], { a: "b", c: null }, { a: "b" }],
			[{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
		];
		for (const [target, patch, expected] of cases)
			expect(mergePatch(target as never, patch as never)).toEqual(expected);
	});

	it("keeps a key named __proto__ a key", () => {
		const patched = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
		expect(Object.keys(patched as object)).toEqual(["__proto__"]);
		expect(({} as Record<string, unknown>).polluted).toBeUndefined();
	});
});
