// How many replicas the use of pods asks for, and which HorizontalPodAutoscalers are refused.

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import { byAverage, byUtilization } from "../../js/controllers/podautoscaler/replicas.ts";
import { running } from "./running.ts";
import { autoscaler, AUTOSCALERS as RESOURCE } from "./workloads.ts";

describe("validation", () => {
	const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } };
	const policies = [{ type: "Pods", value: 1, periodSeconds: 15 }];

	it.each<[string, object, string]>([
		[
			"a window without end",
			{ behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } },
			"spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
		],
		[
			"another choice",
			{ behavior: { scaleUp: { selectPolicy: "Any" } } },
			'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min"',
		],
		[
			"no policies",
			{ behavior: { scaleUp: { policies: [] } } },
			"spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
		],
		[
			"a policy of nothing",
			{ behavior: { scaleUp: { policies: [{ ...policies[0], value: 0 }] } } },
			"spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
		],
		[
			"a long period",
			{ behavior: { scaleUp: { policies: [{ ...policies[0], periodSeconds: 1801 }] } } },
			"spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
		],
		["a negative tolerance", { behavior: { scaleUp: { tolerance: "-1" } } }, "must be greater than or equal to 0"],
		[
			"two sources",
			{
				metrics: [
					{
						type: "Resource",
						resource: cpu,
						pods: { metric: { name: "x" }, target: { type: "AverageValue", averageValue: "1" } },
					},
				],
			},
			"spec.metrics[0].pods: Forbidden: must populate the given metric source only",
		],
		[
			"two targets",
			{ metrics: [{ type: "Resource", resource: { name: "cpu", target: { ...cpu.target, averageValue: "1" } } }] },
			"spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
		],
		[
			"an external metric without a target",
			{ metrics: [{ type: "External", external: { metric: { name: "x" }, target: { type: "Value" } } }] },
			"spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target",
		],
		[
			"a target of nothing",
			{
				metrics: [
					{ type: "Pods", pods: { metric: { name: "x" }, target: { type: "AverageValue", averageValue: "0" } } },
				],
			},
			'spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive',
		],
		[
			"a container without name",
			{ metrics: [{ type: "ContainerResource", containerResource: { ...cpu, container: "" } }] },
			"spec.metrics[0].containerResource.container: Required value: must specify a container",
		],
	])("%s", (_, spec, message) => {
		expect(() => running([]).store.create(RESOURCE, autoscaler(50, spec))).toThrow(message);
	});
});

describe("replicas by a metric", () => {
	const NOW = Date.parse("2026-01-01T01:00:00Z");
	const ago = (seconds: number) => `${new Date(NOW - seconds * 1000).toISOString().slice(0, 19)}Z`;
	/** `started`, `since`: seconds ago. */
	const one = (name: string, ready: boolean | null, started = 3600, since = 3600, phase = "Running"): Pod =>
		({
			apiVersion: "v1",
			kind: "Pod",
			metadata: { namespace: "d", name },
			status: {
				phase,
				startTime: ago(started),
				...(ready !== null && {
					conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: ago(since) }],
				}),
			},
		}) as Pod;
	const ready = (count: number) => Array.from({ length: count }, (_, i) => one(`r${i}`, true));
	const starting = (count: number) => Array.from({ length: count }, (_, i) => one(`s${i}`, false, 60, 60));
	const pending = (count: number) => Array.from({ length: count }, (_, i) => one(`p${i}`, null, 60, 60, "Pending"));
	const silent = (count: number) => Array.from({ length: count }, (_, i) => one(`m${i}`, true));
	const failed = (count: number) => Array.from({ length: count }, (_, i) => one(`f${i}`, false, 60, 60, "Failed"));

	// Use in per cent of the requests, against 50.
	it.each<[string, Pod[], number, number, number]>([
		["twice as much as wanted", ready(3), 100, 3, 6],
		["within the tolerance", ready(3), 55, 3, 3],
		["just outside of it", ready(3), 56, 3, 4],
		["just outside of it, below", ready(10), 44, 10, 9],
		["half as much", ready(4), 25, 4, 2],
		["pods that start count as idle on the way up", [...ready(3), ...starting(3)], 100, 6, 6],
		["and make fewer new ones", [...ready(3), ...starting(1)], 150, 4, 9],
		["and not on the way down", [...ready(4), ...starting(2)], 25, 6, 2],
		["pending pods likewise", [...ready(3), ...pending(1)], 150, 4, 9],
		["pods without a value count as idle on the way up", [...ready(3), ...silent(1)], 150, 4, 9],
		["and as all of their request on the way down", [...ready(4), ...silent(1)], 10, 5, 3],
		["which may leave things as they are", [...ready(2), ...silent(2)], 25, 4, 4],
		["those that have failed do not count", [...ready(2), ...failed(2)], 100, 4, 4],
	])("%s", (_, all, percent, current, expected) => {
		const usage = new Map(
			all
				.filter(({ metadata }) => !metadata.name?.startsWith("m"))
				.map(({ metadata }) => [metadata.name ?? "", percent * 2]),
		);
		const requests = new Map(all.map(({ metadata }) => [metadata.name ?? "", 200]));
		const tolerances = { up: 0.1, down: 0.1 };
		const question = { pods: all, usage, resource: "cpu", tolerances, current, now: BigInt(NOW) * 1_000_000n };
		expect(byUtilization(question, 50, requests)).toMatchObject({ replicas: expected, utilization: percent });
	});

	it.each([
		["ready", one("a", true, 60, 30), true],
		["not ready, since its start", one("a", false, 3600, 3595), false],
		["not ready any more, long after its start", one("a", false, 3600, 1200), true],
		["not ready any more, in its first five minutes", one("a", false, 200, 20), false],
	])("the CPU of a pod that is %s: %s", (_, pod, counts) => {
		const usage = new Map([["a", 100]]);
		const question = {
			pods: [pod],
			usage,
			resource: "cpu",
			tolerances: { up: 0.1, down: 0.1 },
			current: 1,
			now: BigInt(NOW) * 1_000_000n,
		};
		expect(typeof byAverage(question, 50)).toBe(counts ? "object" : "string");
		expect(byAverage({ ...question, resource: "memory" }, 50)).toMatchObject({ replicas: 2 });
	});
});
