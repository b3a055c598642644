// The order in which pods go, rule by rule (pkg/controller/controller_utils.go: ActivePodsWithRanks).

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import { timeOf } from "../../js/api/time.ts";
import { victims } from "../../js/controllers/replicaset/victims.ts";
import { START } from "./running.ts";

const HOUR = 3600;
const ago = (seconds: number) => timeOf(START - BigInt(seconds) * 1_000_000_000n);

interface Trait {
	node?: string;
	phase?: "Pending" | "Unknown" | "Running";
	/** Seconds that it is ready; none: it is not. */
	ready?: number | undefined;
	cost?: string;
	restarts?: number;
	sidecarRestarts?: number;
	/** Seconds since it was made. */
	age?: number;
	uid?: string;
}

function pod(name: string, trait: Trait): Pod {
	const { node = "n", phase = "Running", cost, restarts = 0, sidecarRestarts = 0, age = HOUR, uid = "u" } = trait;
	const ready = "ready" in trait ? trait.ready : HOUR;
	const Ready =
		ready === undefined ? { status: "False" as const } : { status: "True" as const, lastTransitionTime: ago(ready) };
	return {
		apiVersion: "v1",
		kind: "Pod",
		metadata: {
			name,
			uid,
			creationTimestamp: ago(age),
			...(cost !== undefined && { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
		},
		spec: { containers: [{ name: "c" }], initContainers: [{ name: "s", restartPolicy: "Always" }], nodeName: node },
		status: {
			phase,
			conditions: [{ type: "Ready", ...Ready }],
			containerStatuses: [{ name: "c", restartCount: restarts }],
			initContainerStatuses: [{ name: "s", restartCount: sidecarRestarts }],
		},
	};
}

const RULES: [rule: string, first: Trait, second: Trait][] = [
	["without a node before with one", { node: "" }, { node: "n", phase: "Pending" }],
	["pending before unknown", { phase: "Pending" }, { phase: "Unknown", ready: undefined }],
	["unknown before running", { phase: "Unknown" }, { phase: "Running", ready: undefined }],
	["not ready before ready", { ready: undefined, cost: "100" }, { ready: HOUR }],
	["lower deletion cost first", { cost: "-1", ready: 10 * HOUR }, { ready: 1 }],
	["a cost that is no number is 0", { cost: "01", ready: 1 }, { cost: "0", ready: 10 * HOUR }],
	["ready for less time, by order of magnitude", { ready: 1, restarts: 0 }, { ready: HOUR, restarts: 9 }],
	["ready times of one magnitude: by uid", { ready: 3000, uid: "a" }, { ready: 2900, uid: "b" }],
	["more restarts first", { restarts: 2, age: 2 * HOUR }, { restarts: 1, age: 1 }],
	["then more restarts of a sidecar", { sidecarRestarts: 1, age: 2 * HOUR }, { age: 1 }],
	["younger first, by order of magnitude", { age: 2 }, { age: 2 * HOUR }],
	["ages of one magnitude: by uid", { age: 3000, uid: "a" }, { age: 2900, uid: "b" }],
];

const ofTwo = (one: Pod, other: Pod, related: Pod[] = []) => victims([one, other], related, 1, START)[0]?.metadata.name;

describe("victims of a scale down", () => {
	it.each(RULES)("%s", (_, first, second) => {
		const [a, b] = [pod("first", first), pod("second", second)];
		expect([ofTwo(a, b), ofTwo(b, a)]).toEqual(["first", "first"]);
	});

	it("doubled up on a node before alone, whoever of the owner's pods is there", () => {
		const [a, b] = [pod("crowded", { node: "n1" }), pod("alone", { node: "n2", ready: 1 })];
		const related = [a, b, pod("old", { node: "n1" })];
		expect([ofTwo(a, b, related), ofTwo(b, a, related)]).toEqual(["crowded", "crowded"]);
	});

	it("takes all where all must go", () => {
		expect(victims([pod("a", {}), pod("b", { node: "" })], [], 2, START).map(({ metadata }) => metadata.name)).toEqual([
			"a",
			"b",
		]);
	});
});
