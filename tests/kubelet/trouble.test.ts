// What goes wrong on a node, by itself or by annotations that are events: crashes, hangs, reboots, ports and addresses that are
// taken.

import { describe, expect, it } from "vitest";
import type { Container, Node, Pod, PodSpec, Probe } from "../../js/api/core.ts";
import { isReady } from "../../js/api/pod.ts";
import { type AtWork, atWork } from "../cluster/running.ts";

const container = (rest: Partial<Container> = {}): Container => ({
	...{ name: "c", image: "web:1", ports: [{ containerPort: 80 }] },
	...rest,
});

const pod = (name: string, spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}): Pod => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { namespace: "d", name, labels: { app: "web" }, annotations },
	spec: { containers: [container()], ...spec },
});

function make(world: AtWork, ...pods: Pod[]): void {
	for (const one of pods) world.store.create("pods", one);
	world.simulation.settle();
}

/** As `kubectl annotate` does. */
function annotate(world: AtWork, path: string, annotations: Record<string, string | null>): void {
	world.patch(path, { metadata: { annotations } });
}

const A = "/api/v1/namespaces/d/pods/a";
const statusOf = (world: AtWork, name: string, at = 0) => world.pod(name)?.status?.containerStatuses?.[at];
const node = (world: AtWork, name: string) => world.store.get<Node>("nodes", "", name);
const isUp = (world: AtWork, name: string) =>
	node(world, name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
const heard = (world: AtWork, word: string) => world.heard.filter((line) => line.includes(word));

describe("a crash", () => {
	it("ends what runs, which starts again at once, and the next time after a while", () => {
		const world = atWork();
		make(world, pod("a"));
		annotate(world, A, { "podwire.dev/crash": "1" });
		world.simulation.settle();
		expect(statusOf(world, "a")).toMatchObject({
			ready: true,
			restartCount: 1,
			lastState: { terminated: { exitCode: 1, reason: "Error" } },
		});
		const address = world.pod("a")?.status?.podIP;
		world.simulation.advance(5000);
		annotate(world, A, { "podwire.dev/crash": "2" });
		world.simulation.advance(0);
		expect(statusOf(world, "a")?.state).toMatchObject({ waiting: { reason: "CrashLoopBackOff" } });
		expect(isReady(world.pod("a") as Pod)).toBe(false);
		world.simulation.advance(11_000);
		expect(statusOf(world, "a")).toMatchObject({ ready: true, restartCount: 2 });
		expect(world.pod("a")?.status?.podIP).toBe(address);
	});

	it("happens when the value changes, not because there is one", () => {
		const world = atWork();
		make(world, pod("a", {}, { "podwire.dev/crash": "1" }));
		annotate(world, A, { other: "x" });
		world.simulation.settle();
		annotate(world, A, { "podwire.dev/crash": null });
		world.simulation.settle();
		expect(statusOf(world, "a")?.restartCount).toBe(0);
	});

	it("is of one container where it is named", () => {
		const world = atWork();
		make(world, pod("a", { containers: [container(), container({ name: "x", ports: [] })] }));
		annotate(world, A, { "podwire.dev/crash.x": "1" });
		world.simulation.settle();
		expect([statusOf(world, "a")?.restartCount, statusOf(world, "a", 1)?.restartCount]).toEqual([0, 1]);
	});

	it("ends a pod that is not to run again", () => {
		const world = atWork();
		make(world, pod("a", { restartPolicy: "Never" }));
		annotate(world, A, { "podwire.dev/crash": "1" });
		world.simulation.settle();
		expect(world.pod("a")?.status?.phase).toBe("Failed");
	});
});

describe("a hang", () => {
	const probe: Probe = { httpGet: { path: "/", port: 80 }, periodSeconds: 5 };

	it("lasts until a liveness probe has it killed; SIGTERM does not help", () => {
		const world = atWork();
		make(world, pod("a", { containers: [container({ livenessProbe: probe, readinessProbe: probe })] }));
		annotate(world, A, { "podwire.dev/hang": "1" });
		world.simulation.advance(1000);
		const hung = () => world.pod("a")?.status?.conditions?.find(({ type }) => type === "podwire.dev/Hung")?.status;
		expect(hung()).toBe("True");
		world.simulation.advance(16_000);
		expect(heard(world, "Unhealthy").at(-1)).toBe(
			'Warning Unhealthy Pod d/a: Liveness probe failed: Get "http://10.244.0.2:80/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
		);
		expect(isReady(world.pod("a") as Pod)).toBe(false);
		expect(heard(world, "Killing")).toEqual([
			"Normal Killing Pod d/a: Container c failed liveness probe, will be restarted",
		]);
		const unlive = heard(world, "Liveness probe failed").length;
		world.simulation.advance(31_000);
		world.simulation.advance(5000);
		// While it is being stopped it is not asked any more.
		expect(heard(world, "Liveness probe failed")).toHaveLength(unlive);
		expect(statusOf(world, "a")).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137 } } });
		expect(hung()).toBe("False");
		expect(isReady(world.pod("a") as Pod)).toBe(true);
	});

	it.each([
		["tcpSocket", { tcpSocket: { port: 80 } }, "dial tcp 10.244.0.2:80: i/o timeout"],
		["exec", { exec: { command: ["cat", "/x"] } }, 'command timed out: "cat /x" timed out after 1s'],
	])("is what a probe by %s hears nothing of", (_, handler, text) => {
		const world = atWork();
		make(world, pod("a", { containers: [container({ readinessProbe: { ...handler, periodSeconds: 5 } })] }));
		annotate(world, A, { "podwire.dev/hang": "1" });
		world.simulation.advance(6000);
		expect(heard(world, "Unhealthy").at(-1)).toBe(`Warning Unhealthy Pod d/a: Readiness probe failed: ${text}`);
	});
});

describe("a probe", () => {
	it.each([
		["tcpSocket", { tcpSocket: { port: 81 } }, "dial tcp 10.244.0.2:81: connect: connection refused"],
		[
			"httpGet",
			{ httpGet: { port: 81 } },
			'Get "http://10.244.0.2:81/": dial tcp 10.244.0.2:81: connect: connection refused',
		],
	])("of a port that nobody listens on is refused: %s", (_, handler, text) => {
		const world = atWork();
		make(world, pod("a", { containers: [container({ readinessProbe: handler })] }));
		expect(new Set(heard(world, "Unhealthy"))).toEqual(
			new Set([`Warning Unhealthy Pod d/a: Readiness probe failed: ${text}`]),
		);
		expect(world.pod("a")?.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
			status: "False",
			reason: "ContainersNotReady",
			message: "containers with unready status: [c]",
		});
	});
});

describe("two containers that listen on one port", () => {
	it("share a netns: the later one finds it taken, ends, and is tried again and again", () => {
		const world = atWork();
		make(world, pod("a", { containers: [container(), container({ name: "x" })] }));
		const message = "listen tcp :80: bind: address already in use";
		world.simulation.advance(5000);
		expect(statusOf(world, "a", 1)).toMatchObject({
			ready: false,
			state: { waiting: { reason: "CrashLoopBackOff" } },
			lastState: { terminated: { exitCode: 1, reason: "Error", message } },
		});
		expect(statusOf(world, "a")).toMatchObject({ ready: true, restartCount: 0 });
		expect(heard(world, "BackOff").length).toBeGreaterThan(0);
		expect(isReady(world.pod("a") as Pod)).toBe(false);
		// Where the first one goes, the other has its turn.
		world.simulation.runUntil(() => "waiting" in ((statusOf(world, "a", 1)?.state ?? {}) as object));
		annotate(world, A, { "podwire.dev/crash.c": "1" });
		world.simulation.settle();
		annotate(world, A, { "podwire.dev/crash.c": "2" });
		world.simulation.advance(60_000);
		expect([statusOf(world, "a")?.ready, statusOf(world, "a", 1)?.ready].filter(Boolean)).toHaveLength(1);
	});

	it("of another protocol do not clash, nor do init containers", () => {
		const world = atWork();
		const udp = container({ name: "x", ports: [{ containerPort: 80, protocol: "UDP" }] });
		make(world, pod("a", { initContainers: [container({ name: "i" })], containers: [container(), udp] }));
		expect(isReady(world.pod("a") as Pod)).toBe(true);
	});
});

describe("two pods with one host port on one node", () => {
	const taking = { containers: [container({ ports: [{ containerPort: 80, hostPort: 8080 }] })] };

	it("are not both placed there", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a", taking), pod("b", taking));
		expect(world.pod("b")?.status?.conditions).toMatchObject([
			{
				type: "PodScheduled",
				status: "False",
				reason: "Unschedulable",
				message:
					"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
			},
		]);
	});

	it("are refused by the kubelet where one came past the scheduler", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a", taking));
		make(world, pod("b", { ...taking, nodeName: "node-1" }));
		const why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
		expect(world.pod("b")?.status).toMatchObject({
			phase: "Failed",
			reason: "NodePorts",
			message: `Pod was rejected: ${why}`,
		});
		expect(world.heard.at(-1)).toBe(`Warning NodePorts Pod d/b: ${why}`);
		expect(world.pod("a")?.status?.phase).toBe("Running");
		world.store.delete("pods", world.pod("b") as Pod);
		world.simulation.settle();
		expect(world.pods().map(({ metadata }) => metadata.name)).toEqual(["a"]);
	});
});

describe("a pod that asks for an address", () => {
	const asking = (name: string, ips: string) => pod(name, {}, { "podwire.dev/ips": ips });

	it("has it where it is free, and the next ones follow it", () => {
		const world = atWork({ nodes: 1 });
		make(world, asking("a", "10.244.0.40"), pod("b"));
		expect(world.pods().map(({ status }) => status?.podIP)).toEqual(["10.244.0.40", "10.244.0.41"]);
	});

	it.each([
		// host-local takes the next one before it sees that another one was asked for.
		["out of the range", "10.9.9.9", "failed to allocate all requested IPs: 10.9.9.9", "10.244.0.4"],
		[
			"that another one has",
			"10.244.0.2",
			"failed to allocate for range 0: requested IP address 10.244.0.2 is not available in range set 10.244.0.1-10.244.0.254",
			"10.244.0.3",
		],
		[
			"that is the bridge's",
			"10.244.0.1",
			"failed to allocate for range 0: requested ip 10.244.0.1 is subnet's gateway",
			"10.244.0.3",
		],
	])("%s waits, and is told why", (_, ips, text, next) => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a"), asking("b", ips));
		expect(heard(world, "FailedCreatePodSandBox").at(-1)?.split(" failed (add): ")[1]).toBe(text);
		expect(world.pod("b")?.status?.phase).toBe("Pending");
		expect(statusOf(world, "b")?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
		expect(world.pod("b")?.status?.conditions?.find(({ type }) => type === "PodReadyToStartContainers")?.status).toBe(
			"False",
		);
		// What it could not have keeps nobody else from one.
		make(world, pod("c"));
		expect(world.pod("c")?.status?.podIP).toBe(next);
	});
});

describe("addresses of a node", () => {
	it("go round: the next one after the last, those that were given back when it wraps", () => {
		const world = atWork({ nodes: 1, nodeMask: 29 });
		const next = (name: string) => {
			make(world, pod(name));
			return world.pod(name)?.status?.podIP?.split(".")[3];
		};
		const gone = (name: string) => {
			world.store.delete("pods", world.pod(name) as Pod);
			world.simulation.settle();
		};
		expect([next("a"), next("b"), next("c")]).toEqual(["2", "3", "4"]);
		gone("a");
		expect([next("e"), next("f"), next("g")]).toEqual(["5", "6", "2"]);
		expect(next("h")).toBeUndefined();
		gone("c");
		world.simulation.advance(11_000);
		expect(world.pod("h")?.status).toMatchObject({ phase: "Running", podIP: "10.244.0.4" });
	});
});

describe("a reboot", () => {
	const reboot = (world: AtWork, value: string, takes?: string) =>
		annotate(world, "/api/v1/nodes/node-1", {
			"podwire.dev/reboot": value,
			...(takes === undefined ? {} : { "podwire.dev/reboot-takes": takes }),
		});

	it("has the node not ready while it lasts, and its pods in new sandboxes with new addresses", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a"), pod("b"));
		expect(world.pods().map(({ status }) => status?.podIP)).toEqual(["10.244.0.2", "10.244.0.3"]);
		reboot(world, "1");
		world.simulation.advance(39_000);
		expect(isUp(world, "node-1")).toBe("True");
		world.simulation.advance(2000);
		expect(isUp(world, "node-1")).toBe("Unknown");
		expect(world.pods().map(isReady)).toEqual([false, false]);
		world.simulation.settle();
		expect(world.now()).toBeLessThan(70_000);
		expect(isUp(world, "node-1")).toBe("True");
		expect(node(world, "node-1")?.spec?.taints).toBeUndefined();
		expect(world.pods().map(({ status }) => status?.podIP)).toEqual(["10.244.0.4", "10.244.0.5"]);
		expect(world.pods().map(isReady)).toEqual([true, true]);
		expect(statusOf(world, "a")).toMatchObject({
			restartCount: 1,
			lastState: { terminated: { exitCode: 255, reason: "Unknown" } },
		});
		expect(heard(world, "SandboxChanged")).toEqual(
			["a", "b"].map(
				(name) => `Normal SandboxChanged Pod d/${name}: Pod sandbox changed, it will be killed and re-created.`,
			),
		);
		const { bootID } = node(world, "node-1")?.status?.nodeInfo ?? {};
		expect(heard(world, "Rebooted")).toEqual([
			`Warning Rebooted Node /node-1: Node node-1 has been rebooted, boot id: ${bootID}`,
		]);
		expect(heard(world, "Node node-1 status is now")).toEqual([
			"Normal NodeNotReady Node /node-1: Node node-1 status is now: NodeNotReady",
			"Normal NodeReady Node /node-1: Node node-1 status is now: NodeReady",
		]);
	});

	it("that is short leaves the node ready, and runs init containers again", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a", { initContainers: [container({ name: "i", ports: [] })] }));
		reboot(world, "1", "20s");
		world.simulation.settle();
		expect(heard(world, "NodeNotReady")).toEqual([]);
		expect(world.pod("a")?.status?.initContainerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
		expect(isReady(world.pod("a") as Pod)).toBe(true);
		reboot(world, "2");
		world.simulation.settle();
		expect(statusOf(world, "a")?.restartCount).toBe(2);
	});

	it("ends pods that are not to run again, and leaves those alone that are done", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a", { restartPolicy: "Never" }));
		make(world, pod("b", { restartPolicy: "Never" }, { "podwire.dev/exits-after": "1s" }));
		reboot(world, "1");
		world.simulation.settle();
		expect(world.pods().map(({ status }) => status?.phase)).toEqual(["Failed", "Succeeded"]);
		expect(heard(world, "SandboxChanged")).toEqual([]);
	});

	it("that lasts too long has pods go, and ends them when it is over", () => {
		const world = atWork({ nodes: 2 });
		const tolerations = ["unreachable", "not-ready"].map((key) => ({
			...{ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
		})) as PodSpec["tolerations"];
		make(world, pod("a", { nodeName: "node-1", tolerations } as Partial<PodSpec>));
		reboot(world, "1", "10m");
		world.simulation.advance(339_000);
		expect(world.pod("a")?.metadata.deletionTimestamp).toBeUndefined();
		world.simulation.advance(3000);
		expect(world.pod("a")?.metadata.deletionTimestamp).toBeDefined();
		world.simulation.advance(200_000);
		expect(world.pod("a")).toBeDefined();
		world.simulation.advance(100_000);
		expect(world.pod("a")).toBeUndefined();
	});

	it("that is over within the next millisecond is waited for", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a"));
		world.simulation.wake("kubelet", "d/a", 20_000);
		world.clock.moveTo(world.clock.now() + 20_000n);
		reboot(world, "1", "20s");
		expect(world.simulation.settle({ steps: 10_000 })).toBe(true);
		expect(statusOf(world, "a")?.restartCount).toBe(1);
	});

	it("goes on in a fork", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a"));
		reboot(world, "1");
		world.simulation.advance(30_000);
		const fork = world.fork();
		for (const one of [world, fork]) one.simulation.settle();
		expect(fork.store.get<Pod>("pods", "d", "a")?.status).toEqual(world.pod("a")?.status);
		expect(world.pod("a")?.status?.podIP).toBe("10.244.0.3");
	});
});
