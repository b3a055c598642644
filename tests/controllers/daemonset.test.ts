// The DaemonSet controller: on which nodes, with which tolerations, and how it is updated.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ControllerRevision, DaemonSet } from "../../js/api/apps.ts";
import type { Node, Pod, Taint } from "../../js/api/core.ts";
import { isReady } from "../../js/api/pod.ts";
import { components } from "../../js/controllers/components.ts";
import { runs } from "../runs.ts";
import { type KubeletOptions, kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { alive, change, daemonSet, pods, template } from "./workloads.ts";

const node = (name: string, taints: Taint[] = [], labels: Record<string, string> = {}): Node => ({
	apiVersion: "v1",
	kind: "Node",
	metadata: { name, labels },
	spec: { taints },
});
const up = (nodes: Node[], options?: KubeletOptions) => {
	const cluster = running([...components(), kubelet(options)]);
	for (const one of nodes) cluster.store.create("nodes", one);
	return cluster;
};
const get = ({ store }: Running) => store.get<DaemonSet>("daemonsets.apps", "d", "agent") as DaemonSet;
const write = (cluster: Running, spec: Partial<DaemonSet["spec"]>) =>
	change<DaemonSet>(cluster, "daemonsets.apps", "agent", spec);
const places = (cluster: Running) =>
	pods(cluster)
		.map(({ spec }) => spec?.nodeName)
		.sort();
const images = (cluster: Running) =>
	pods(cluster)
		.map(({ spec }) => spec?.containers[0]?.image)
		.sort();
const THREE = ["n1", "n2", "n3"].map((name) => node(name));

describe("a DaemonSet", () => {
	it("has a pod on every node, pinned to it and tolerant of the node's own troubles", () => {
		const cluster = up(THREE);
		cluster.store.create("daemonsets.apps", daemonSet());
		expect(cluster.simulation.settle()).toBe(true);
		expect(places(cluster)).toEqual(["n1", "n2", "n3"]);
		const [one] = pods(cluster) as [Pod];
		expect(one.metadata.labels?.["pod-template-generation"]).toBe("1");
		expect(one.metadata.name).toMatch(/^agent-.{5}$/);
		expect(one.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
			nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [one.spec?.nodeName] }] }],
		});
		expect(
			one.spec?.tolerations?.map(({ key, effect }) => `${key?.replace("node.kubernetes.io/", "")}:${effect}`),
		).toEqual([
			"not-ready:NoExecute",
			"unreachable:NoExecute",
			"disk-pressure:NoSchedule",
			"memory-pressure:NoSchedule",
			"pid-pressure:NoSchedule",
			"unschedulable:NoSchedule",
		]);
		expect(get(cluster).status).toEqual({
			desiredNumberScheduled: 3,
			currentNumberScheduled: 3,
			numberMisscheduled: 0,
			numberReady: 3,
			updatedNumberScheduled: 3,
			numberAvailable: 3,
			observedGeneration: 1,
		});
	});

	it("follows nodes, their labels and taints", () => {
		const cluster = up([node("n1", [], { disk: "ssd" }), node("n2")]);
		const spec = { ...template().spec, containers: template().spec?.containers ?? [], nodeSelector: { disk: "ssd" } };
		cluster.store.create("daemonsets.apps", daemonSet({ template: { ...template(), spec } }));
		cluster.simulation.settle();
		expect(places(cluster)).toEqual(["n1"]);
		cluster.store.create("nodes", node("n3", [], { disk: "ssd" }));
		cluster.store.create("nodes", node("n4", [{ key: "gpu", effect: "NoSchedule" }], { disk: "ssd" }));
		cluster.simulation.settle();
		expect(places(cluster)).toEqual(["n1", "n3"]);
		const taint = (name: string, effect: Taint["effect"]) => {
			const now = cluster.store.get<Node>("nodes", "", name) as Node;
			cluster.store.update("nodes", { ...now, spec: { ...now.spec, taints: [{ key: "maintenance", effect }] } });
			cluster.simulation.settle();
		};
		// A pod that runs stays where none would be made any more; NoExecute sends it away.
		taint("n1", "NoSchedule");
		expect(places(cluster)).toEqual(["n1", "n3"]);
		expect(get(cluster).status).toMatchObject({ desiredNumberScheduled: 1, numberMisscheduled: 1 });
		taint("n3", "NoExecute");
		expect(places(cluster)).toEqual(["n1"]);
	});

	it("rolls over node by node: as many as maxUnavailable at a time", () => {
		const cluster = up(THREE);
		cluster.store.create("daemonsets.apps", daemonSet());
		cluster.simulation.settle();
		write(cluster, { template: template("web:2") });
		expect(cluster.simulation.runUntil(() => pods(cluster).filter(isReady).length < 2, 60_000)).toBe(false);
		expect(images(cluster)).toEqual(["web:2", "web:2", "web:2"]);
		expect(get(cluster).status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3 });
	});

	it("surges: the new pod is ready beside the old one before that goes", () => {
		const cluster = up(THREE);
		const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
		cluster.store.create("daemonsets.apps", daemonSet({ updateStrategy }));
		cluster.simulation.settle();
		write(cluster, { template: template("web:2") });
		const wrong = () => alive(cluster).filter(isReady).length < 3 || alive(cluster).length > 4;
		expect(cluster.simulation.runUntil(wrong, 60_000)).toBe(false);
		expect(images(cluster)).toEqual(["web:2", "web:2", "web:2"]);
		expect(places(cluster)).toEqual(["n1", "n2", "n3"]);
	});

	it("on OnDelete waits for its pods to be deleted", () => {
		const cluster = up(THREE);
		cluster.store.create("daemonsets.apps", daemonSet({ updateStrategy: { type: "OnDelete" } }));
		cluster.simulation.settle();
		write(cluster, { template: template("web:2") });
		cluster.simulation.settle();
		expect(get(cluster).status?.updatedNumberScheduled).toBeUndefined();
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.settle();
		expect(images(cluster)).toEqual(["web:1", "web:1", "web:2"]);
		expect(get(cluster).status?.updatedNumberScheduled).toBe(1);
	});

	it("keeps revisions: as many as its history, and those that pods live by", () => {
		const cluster = up(THREE);
		cluster.store.create("daemonsets.apps", daemonSet({ revisionHistoryLimit: 1 }));
		for (let n = 1; n <= 4; n++) {
			write(cluster, { template: template(`web:${n}`) });
			cluster.simulation.settle();
		}
		const list = cluster.store.list<ControllerRevision>("controllerrevisions.apps", "d");
		expect(list.map(({ revision }) => revision).sort()).toEqual([3, 4]);
		write(cluster, { template: template("web:3") });
		cluster.simulation.settle();
		const again = cluster.store.list<ControllerRevision>("controllerrevisions.apps", "d");
		expect(again.map(({ revision }) => revision).sort()).toEqual([4, 5]);
	});

	it("replaces pods that failed, later each time", () => {
		const cluster = up([node("n1")]);
		cluster.store.create("daemonsets.apps", daemonSet());
		const times: bigint[] = [];
		for (let n = 0; n < 4; n++) {
			cluster.simulation.settle();
			const [one] = pods(cluster) as [Pod];
			cluster.store.updateStatus("pods", { ...one, status: { ...one.status, phase: "Failed" } });
			const before = cluster.simulation.clock.now();
			cluster.simulation.runUntil(() => pods(cluster)[0]?.metadata.uid !== one.metadata.uid);
			times.push((cluster.simulation.clock.now() - before) / 1_000_000n);
		}
		// Ready after 2 s: by then 1 s has passed; then 2 s have, then 4 s have not.
		expect(times).toEqual([0n, 0n, 0n, 2000n]);
		const [event] = cluster.events.filter((line) => line.includes("FailedDaemonPod"));
		expect(event).toMatch(
			/^Warning FailedDaemonPod DaemonSet d\/agent: Found failed daemon pod d\/agent-.{5} on node n1, will try to kill it$/,
		);
	});

	it("at rest has one pod on every node where one belongs, whatever happened", () => {
		const action = fc.oneof(
			fc.record({ does: fc.constant("image" as const), n: fc.nat(3) }),
			fc.record({ does: fc.constant("kill" as const), n: fc.nat(9) }),
			fc.record({
				does: fc.constant("taint" as const),
				n: fc.nat(3),
				effect: fc.constantFrom("NoSchedule", "NoExecute", null),
			}),
			fc.record({ does: fc.constant("wait" as const), n: fc.nat(5000) }),
		);
		fc.assert(
			fc.property(fc.boolean(), fc.array(action, { maxLength: 12 }), (surges, actions) => {
				const cluster = up(["n0", "n1", "n2", "n3"].map((name) => node(name)));
				const rollingUpdate = surges ? { maxSurge: "50%", maxUnavailable: 0 } : { maxUnavailable: 2 };
				cluster.store.create(
					"daemonsets.apps",
					daemonSet({ updateStrategy: { type: "RollingUpdate", rollingUpdate } }),
				);
				let image = "web:1";
				for (const one of actions) {
					const all = pods(cluster);
					if (one.does === "wait") cluster.simulation.advance(one.n);
					if (one.does === "kill" && all.length > 0) cluster.store.delete("pods", all[one.n % all.length] as Pod);
					if (one.does === "image") {
						image = `web:${one.n}`;
						write(cluster, { template: template(image) });
					}
					if (one.does === "taint") {
						const now = cluster.store.get<Node>("nodes", "", `n${one.n}`) as Node;
						const taints = one.effect === null ? [] : [{ key: "k", effect: one.effect }];
						cluster.store.update("nodes", { ...now, spec: { ...now.spec, taints } as Node["spec"] });
					}
				}
				expect(cluster.simulation.settle()).toBe(true);
				const nodes = cluster.store.list<Node>("nodes");
				const open = nodes.filter(({ spec }) => (spec?.taints ?? []).length === 0).map(({ metadata }) => metadata.name);
				const closed = nodes
					.filter(({ spec }) => spec?.taints?.[0]?.effect === "NoExecute")
					.map(({ metadata }) => metadata.name);
				expect(new Set(places(cluster)).size).toBe(pods(cluster).length);
				expect(places(cluster)).toEqual(expect.arrayContaining(open));
				expect(places(cluster).filter((name) => closed.includes(name))).toEqual([]);
				const there = pods(cluster).filter(({ spec }) => open.includes(spec?.nodeName));
				expect(there.every((one) => isReady(one) && one.spec?.containers[0]?.image === image)).toBe(true);
				expect(get(cluster).status).toMatchObject({ desiredNumberScheduled: open.length, numberReady: open.length });
			}),
			runs(60),
		);
	});
});
