// Placement by order and counts against one that looks at everything.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node, Pod, PodSpec, Taint } from "../../js/api/core.ts";
import { Scheduler } from "../../js/scheduler/schedule.ts";
import { Siblings } from "../../js/scheduler/siblings.ts";
import { placeOf } from "../reference/scheduler.ts";
import { runs } from "../runs.ts";

const HOST = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";

const taints = fc.array(
	fc.record<Taint>({
		key: fc.constantFrom("t", "u"),
		effect: fc.constantFrom("NoSchedule", "PreferNoSchedule", "PreferNoSchedule"),
	}),
	{ maxLength: 2 },
);
const nodes = fc
	.record({
		number: fc.nat(9),
		zone: fc.constantFrom("a", "b", "c", null),
		disk: fc.constantFrom("ssd", "hdd"),
		taints: fc.oneof({ weight: 3, arbitrary: fc.constant<Taint[]>([]) }, { weight: 1, arbitrary: taints }),
		unschedulable: fc.constantFrom(false, false, false, true),
		pods: fc.constantFrom("2", "4", "110", "110"),
		cpu: fc.constantFrom("300m", "1000m", "8000m"),
	})
	.map(
		({ number, zone, disk, pods, cpu, ...spec }): Node => ({
			apiVersion: "v1",
			kind: "Node",
			metadata: {
				name: `n${number}`,
				labels: { [HOST]: `n${number}`, disk, ...(zone === null ? {} : { [ZONE]: zone }) },
			},
			spec,
			status: { allocatable: { pods, cpu } },
		}),
	);

const terms = (key: string, app: string) => ({
	requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app } }, topologyKey: key }],
});
const key = fc.constantFrom(HOST, ZONE);
const app = fc.constantFrom("x", "y");
const extras = fc.oneof(
	{ weight: 6, arbitrary: fc.constant<Partial<PodSpec>>({}) },
	fc.constantFrom<Partial<PodSpec>>(
		{ nodeSelector: { disk: "ssd" } },
		{ tolerations: [{ key: "t", operator: "Exists" }] },
		{
			affinity: {
				nodeAffinity: {
					preferredDuringSchedulingIgnoredDuringExecution: [
						{ weight: 5, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["hdd"] }] } },
					],
				},
			},
		},
	),
	fc.nat(9).map((number): Partial<PodSpec> => {
		const matchFields = [{ key: "metadata.name", operator: "In" as const, values: [`n${number}`, "n1"] }];
		const nodeSelectorTerms = [{ matchFields }];
		return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } };
	}),
	fc.tuple(key, app).map(([by, of]): Partial<PodSpec> => ({ affinity: { podAntiAffinity: terms(by, of) } })),
	fc.tuple(key, app).map(([by, of]): Partial<PodSpec> => ({ affinity: { podAffinity: terms(by, of) } })),
	fc
		.tuple(fc.constantFrom("podAffinity", "podAntiAffinity"), key, app, fc.integer({ min: 1, max: 100 }))
		.map(([kind, topologyKey, of, weight]): Partial<PodSpec> => {
			const podAffinityTerm = { labelSelector: { matchLabels: { app: of } }, topologyKey };
			return {
				affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
			};
		}),
	fc.tuple(key, app).map(([topologyKey, of]): Partial<PodSpec> => {
		const labelSelector = { matchLabels: { app: of } };
		const constraint = { topologyKey, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" as const, labelSelector };
		return { topologySpreadConstraints: [constraint] };
	}),
);
const pods = fc
	.record({ app, owner: fc.constantFrom("r", "s", null), cpu: fc.constantFrom("0m", "200m"), port: fc.nat(4), extras })
	.map((made): Omit<Pod, "metadata"> & { metadata: Pod["metadata"] } => ({
		apiVersion: "v1",
		kind: "Pod",
		metadata: {
			namespace: "d",
			labels: { app: made.app },
			...(made.owner !== null && {
				ownerReferences: [
					{ apiVersion: "apps/v1", kind: "ReplicaSet", name: made.owner, uid: made.owner, controller: true },
				],
			}),
		},
		spec: {
			containers: [
				{
					name: "c",
					resources: { requests: { cpu: made.cpu } },
					ports: made.port === 4 ? [{ containerPort: 80, hostPort: 80 }] : [],
				},
			],
			...made.extras,
		},
	}));

/** A ReplicaSet `r` of the pods that are `x`, and a Service `s` of those that are `y`. */
const siblings = new Siblings({
	services: () => [
		{ apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name: "s" }, spec: { selector: { app: "y" } } },
	],
	owner: (_, __, name) =>
		name === "r"
			? { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: {}, spec: { selector: { matchLabels: { app: "x" } } } }
			: undefined,
});

/** The same, of one that has a Service or a controller. */
function siblingLabels({ metadata }: Pod): Record<string, string> | null {
	if (metadata.ownerReferences?.[0]?.name === "r") return { app: "x" };
	return metadata.labels?.["app"] === "y" ? { app: "y" } : null;
}

type Step = { place: Pod } | { node: Node } | { without: number } | { ends: number } | { fork: true };
const steps = fc.array(
	fc.oneof(
		{ weight: 8, arbitrary: pods.map((place): Step => ({ place })) },
		{ weight: 1, arbitrary: nodes.map((node): Step => ({ node })) },
		{ weight: 1, arbitrary: fc.nat(9).map((without): Step => ({ without })) },
		{ weight: 2, arbitrary: fc.nat(40).map((ends): Step => ({ ends })) },
		{ weight: 1, arbitrary: fc.constant<Step>({ fork: true }) },
	),
	{ maxLength: 50 },
);

describe("the scheduler", () => {
	it("finds the node that a look at all of them finds, whatever comes and goes", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(nodes, { selector: ({ metadata }) => metadata.name, maxLength: 8 }),
				steps,
				(first, list) => {
					let scheduler = Scheduler.over(first, new Map(), siblings);
					let ground = { nodes: [...first], pods: [] as Pod[], siblings: siblingLabels };
					for (const [i, step] of list.entries()) {
						if ("fork" in step) {
							const other = scheduler;
							scheduler = Scheduler.of(scheduler.state, siblings);
							// What becomes of the first one is no matter to its copy.
							for (const node of [...ground.nodes]) other.removeNode(node.metadata.name ?? "");
						} else if ("node" in step) {
							scheduler.setNode(step.node);
							const at = ground.nodes.findIndex(({ metadata }) => metadata.name === step.node.metadata.name);
							if (at < 0) ground.nodes.push(step.node);
							else ground.nodes[at] = step.node;
						} else if ("without" in step) {
							const name = `n${step.without}`;
							scheduler.removeNode(name);
							ground = {
								...ground,
								nodes: ground.nodes.filter(({ metadata }) => metadata.name !== name),
								pods: ground.pods.filter(({ spec }) => spec?.nodeName !== name),
							};
						} else if ("ends" in step) {
							const [pod] = ground.pods.splice(step.ends % Math.max(1, ground.pods.length), 1);
							if (pod !== undefined) scheduler.release(pod);
						} else {
							const pod = { ...step.place, metadata: { ...step.place.metadata, name: `p${i}`, uid: `p${i}` } };
							const expected = placeOf(ground, pod);
							const placed = scheduler.place(pod);
							expect("kind" in placed ? placed.spec?.nodeName : null).toBe(expected);
							if ("kind" in placed) ground.pods.push(placed);
						}
					}
				},
			),
			runs(300),
		);
	});
});
