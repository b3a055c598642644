// Manifests to a running cluster: real files come up whole, a dump stays what it was, the same seed gives the same cluster.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { Endpoints, Node, Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { configure, type Flags } from "../../js/manifests/configuration.ts";
import { loadManifests } from "../../js/manifests/load.ts";
import { type Realised, type RealiseOptions, realise } from "../../js/realise.ts";
import { seededRandom } from "../../js/sim/random.ts";

const SHARED = new URL("../../../shared/data/", import.meta.url).pathname;

function up(
	text: string,
	{ flags = {}, seed = 1, ...options }: { flags?: Flags; seed?: number } & RealiseOptions = {},
): Realised {
	const loaded = loadManifests([{ name: "deploy.yaml", text }]);
	expect(loaded.errors).toEqual([]);
	const { configuration, errors } = configure(loaded.objects, flags);
	expect(errors).toEqual([]);
	return realise(loaded.objects, configuration, seededRandom(seed), options);
}

function of<T extends KubernetesObject>(realised: Realised, kind: T["kind"]): T[] {
	return realised.objects.filter((object) => object.kind === kind) as T[];
}

function named<T extends KubernetesObject>(realised: Realised, kind: T["kind"], name: string): T {
	const found = of<T>(realised, kind).find((object) => object.metadata.name === name);
	if (found === undefined) throw new Error(`no ${kind} ${name}`);
	return found;
}

function shared(name: string): string {
	return readFileSync(`${SHARED}${name}`, "utf8");
}

function workload(kind: string, name: string, spec = "", podSpec = ""): string {
	return `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  ${spec}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      ${podSpec}
      containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]
`;
}

function service(name: string, spec = ""): string {
	return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec:\n  selector: {app: ${name}}\n  ports: [{port: 80, targetPort: http}]\n  ${spec}\n`;
}

function node(name: string, rest = "", labels = ""): string {
	return `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {kubernetes.io/hostname: ${name}${labels}}}\n${rest}\n`;
}

function join(...documents: string[]): string {
	return documents.join("---\n");
}

describe.skipIf(!existsSync(SHARED))("real manifests", () => {
	const files = existsSync(SHARED) ? readdirSync(`${SHARED}manifests`).filter((name) => name.endsWith(".yaml")) : [];
	it.each(files)("%s comes up whole", (name) => {
		const realised = up(shared(`manifests/${name}`));
		expect(realised.errors).toEqual([]);
		for (const pod of of<Pod>(realised, "Pod"))
			expect([pod.metadata.name, pod.status?.phase]).toEqual([pod.metadata.name, "Running"]);
		for (const { spec } of of<Service>(realised, "Service")) {
			if (spec?.type !== "ExternalName")
				expect(spec?.clusterIP).toMatch(/^None$|^10\.(9[6-9]|1[01][0-9])\.|^fd00:10:96::/);
		}
		expect(realised.topology.nodes.map((entry) => entry.name)).toEqual(["node-1", "node-2", "node-3"]);
	});

	it("brings Online Boutique up as a cluster would", () => {
		const realised = up(shared("manifests/online-boutique.yaml"));
		const pods = of<Pod>(realised, "Pod");
		expect(pods).toHaveLength(12);
		const cart = pods.find((pod) => pod.metadata.labels?.app === "cartservice");
		expect(cart?.metadata.name).toMatch(
			/^cartservice-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/,
		);
		const slices = of<EndpointSlice>(realised, "EndpointSlice").filter(
			(slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === "cartservice",
		);
		expect(slices).toHaveLength(1);
		expect(slices[0]?.endpoints[0]).toMatchObject({
			addresses: [cart?.status?.podIP],
			conditions: { ready: true, serving: true, terminating: false },
			nodeName: cart?.spec?.nodeName,
			targetRef: { kind: "Pod", name: cart?.metadata.name, namespace: "default", uid: cart?.metadata.uid },
		});
		expect(slices[0]?.ports).toEqual([{ name: "grpc", port: 7070, protocol: "TCP" }]);
		const external = named<Service>(realised, "Service", "frontend-external");
		expect(external.status?.loadBalancer?.ingress).toEqual([{ ip: "203.0.113.1", ipMode: "VIP" }]);
		expect(realised.topology.router.lb).toEqual({ "203.0.113.1": ["node-1", "node-2", "node-3"] });
		expect(external.spec?.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30086);
		const spread = ["node-1", "node-2", "node-3"].map(
			(name) => pods.filter((pod) => pod.spec?.nodeName === name).length,
		);
		expect(spread).toEqual([4, 4, 4]);
		expect(new Set(pods.map((pod) => pod.status?.podIP)).size).toBe(12);
	});

	it("leaves a dump as it was: nothing invented, nothing changed", () => {
		const realised = up(shared("shop/cluster.yaml"));
		const loaded = loadManifests([{ name: "cluster.yaml", text: shared("shop/cluster.yaml") }]);
		expect(realised.errors).toEqual([]);
		expect(realised.events).toEqual([]);
		const added = realised.objects.filter(
			(object) => !loaded.objects.some((manifest) => manifest.object.metadata.uid === object.metadata.uid),
		);
		expect(added).toEqual([]);
		expect(realised.objects).toEqual(loaded.objects.map((manifest) => manifest.object));
	});

	it("gives a dump the network that its nodes really had", () => {
		const { topology, assumed } = up(shared("shop/cluster.yaml"));
		expect(topology.fabric).toEqual({ kind: "routed" });
		for (const spec of topology.nodes) {
			const addr = shared(`shop/node-state/${spec.name}/ip-addr.txt`);
			const route = shared(`shop/node-state/${spec.name}/ip-route.txt`);
			expect(addr).toContain(`inet ${spec.ip}/32 scope global eth0`);
			expect(addr).toContain(`inet ${spec.podCIDR.replace("0/24", "1/24")} scope global ${spec.bridge}`);
			expect(route).toContain(`${spec.podCIDR} dev ${spec.bridge}`);
			expect(spec.routes).toBeUndefined();
			const veths = [...addr.matchAll(/netns ks[0-9]+-pod-(\S+)/g)].map((match) => match[1]).sort();
			const pods = topology.pods
				.filter((pod) => pod.node === spec.name)
				.map((pod) => pod.name.replace(/^.*\//, ""))
				.sort();
			expect(pods).toEqual(veths);
		}
		const router = shared("shop/node-state/router/ip-route.txt");
		expect(topology.router.lb).toEqual({ "203.0.113.80": ["node-1", "node-2", "node-3"] });
		for (const { ip, podCIDR } of topology.nodes) expect(router).toContain(`${podCIDR} via ${ip}`);
		expect(topology.router.nat11).toEqual({
			"192.0.2.11": "203.0.113.11",
			"192.0.2.12": "203.0.113.12",
			"192.0.2.13": "203.0.113.13",
		});
		for (const [inside, outside] of Object.entries(topology.router.nat11 ?? {})) {
			expect(shared("shop/node-state/router/iptables-save.txt")).toContain(
				`-d ${outside}/32 -j DNAT --to-destination ${inside}`,
			);
		}
		expect(topology.nodes[0]?.listen).toContainEqual({ proto: "tcp", port: 6443 });
		expect(assumed.filter((line) => !line.startsWith("listens:"))).toEqual([]);
	});
});

describe("workloads", () => {
	it("is the same for the same seed, and another for another", () => {
		const text = join(workload("Deployment", "a", "replicas: 3"), service("a"));
		expect(up(text)).toEqual(up(text));
		const names = (seed: number) => of<Pod>(up(text, { seed }), "Pod").map((pod) => pod.metadata.name);
		expect(names(2)).not.toEqual(names(1));
	});

	it("names and orders StatefulSet pods, with their host names", () => {
		const realised = up(workload("StatefulSet", "db", "replicas: 2\n  serviceName: db\n  ordinals: {start: 5}"));
		const pods = of<Pod>(realised, "Pod");
		expect(pods.map((pod) => [pod.metadata.name, pod.spec?.hostname, pod.spec?.subdomain])).toEqual([
			["db-5", "db-5", "db"],
			["db-6", "db-6", "db"],
		]);
		expect(pods[0]?.metadata.labels?.["apps.kubernetes.io/pod-index"]).toBe("5");
	});

	it("runs a DaemonSet on every node that it may use, tainted and cordoned ones by its tolerations", () => {
		const nodes = [
			node("a"),
			node("b", "spec: {taints: [{key: dedicated, value: x, effect: NoSchedule}]}"),
			node("c", "spec: {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}"),
			node("d", "", ", disk: ssd"),
		];
		const on = (podSpec: string) =>
			of<Pod>(up(join(...nodes, workload("DaemonSet", "agent", "", podSpec))), "Pod").map((pod) => pod.spec?.nodeName);
		expect(on("")).toEqual(["a", "c", "d"]);
		expect(on("tolerations: [{operator: Exists}]")).toEqual(["a", "b", "c", "d"]);
		expect(on("nodeSelector: {disk: ssd}")).toEqual(["d"]);
	});

	it("adopts a bare pod that a ReplicaSet selects", () => {
		const bare =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: own, labels: {app: a}}\nspec: {containers: [{name: c}]}\n";
		expect(of<Pod>(up(join(bare, workload("ReplicaSet", "a", "replicas: 2"))), "Pod")).toHaveLength(2);
	});

	it("makes no pods of a paused Deployment, none of zero replicas, one by default", () => {
		const count = (spec: string) => of<Pod>(up(workload("Deployment", "a", spec)), "Pod").length;
		expect([count("paused: true"), count("replicas: 0"), count("")]).toEqual([0, 0, 1]);
	});

	it("writes the status back", () => {
		const realised = up(workload("Deployment", "a", "replicas: 3"), {
			ready: (pod) => pod.spec?.nodeName !== "node-2",
		});
		expect(named<Deployment>(realised, "Deployment", "a").status).toMatchObject({
			replicas: 3,
			readyReplicas: 2,
			unavailableReplicas: 1,
		});
	});
});

describe("scheduler", () => {
	const placed = (podSpec: string, nodes: string[], spec = "replicas: 1") =>
		up(join(...nodes, workload("Deployment", "a", spec, podSpec)));
	const messages = (realised: Realised) => realised.events.map((event) => `${event.reason}: ${event.message}`);

	it.each([
		[
			"a node selector",
			"nodeSelector: {disk: ssd}",
			["FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."],
		],
		[
			"required affinity",
			"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [n1, n2]}]}]}}}",
			["FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."],
		],
		[
			"a gate",
			"schedulingGates: [{name: wait}]",
			["SchedulingGated: Scheduling is blocked due to non-empty scheduling gates: wait"],
		],
	])("says why not: %s", (_name, podSpec, expected) => {
		const realised = placed(podSpec, [node("n1"), node("n2")]);
		expect(messages(realised)).toEqual(expected);
		expect(of<Pod>(realised, "Pod")[0]?.status?.phase).toBe("Pending");
		expect(realised.topology.pods).toEqual([]);
	});

	it("counts reasons over nodes", () => {
		const nodes = [
			node("n1", "spec: {taints: [{key: k, value: v, effect: NoExecute}]}"),
			node("n2", "spec: {unschedulable: true}"),
			node("n3", "status: {allocatable: {cpu: 100m, memory: 1Gi, pods: '110'}}"),
		];
		const realised = placed("", nodes, "replicas: 1").events;
		expect(realised).toEqual([]);
		const hungry = workload("Deployment", "a").replace("image: i", "image: i, resources: {requests: {cpu: 200m}}");
		expect(messages(up(join(...nodes, hungry)))).toEqual([
			"FailedScheduling: 0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable.",
		]);
	});

	it("gives a host port to one pod a node", () => {
		const text = workload("Deployment", "a", "replicas: 4").replace(
			"containerPort: 8080",
			"containerPort: 8080, hostPort: 80",
		);
		const realised = up(text);
		expect(new Set(of<Pod>(realised, "Pod").map((pod) => pod.spec?.nodeName)).size).toBe(4);
		expect(messages(realised)).toEqual([
			"FailedScheduling: 0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
		]);
		expect([...realised.portmap.keys()]).toEqual(["node-1", "node-2", "node-3"]);
		const pod = of<Pod>(realised, "Pod").find((candidate) => candidate.spec?.nodeName === "node-1");
		expect(realised.portmap.get("node-1")).toContain(
			`-p tcp -m tcp --dport 80 -j DNAT --to-destination ${pod?.status?.podIP}:8080`,
		);
	});

	it("keeps pods apart and together as they ask", () => {
		const apart =
			"affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: a}}, topologyKey: kubernetes.io/hostname}]}}";
		expect(messages(up(workload("Deployment", "a", "replicas: 4", apart)))).toEqual([
			"FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
		]);
		const together = apart.replace("podAntiAffinity", "podAffinity");
		const nodes = of<Pod>(up(workload("Deployment", "a", "replicas: 3", together)), "Pod").map(
			(pod) => pod.spec?.nodeName,
		);
		expect(new Set(nodes).size).toBe(1);
	});

	it("spreads the pods of one controller evenly over nodes and zones", () => {
		const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`, "", `, topology.kubernetes.io/zone: z${i % 2}`));
		const pods = of<Pod>(
			up(join(...nodes, workload("Deployment", "a", "replicas: 4"), workload("Deployment", "b", "replicas: 9"))),
			"Pod",
		);
		const a = pods.filter((pod) => pod.metadata.labels?.app === "a").map((pod) => pod.spec?.nodeName ?? "");
		expect(new Set(a).size).toBe(4);
		expect(a.filter((name) => Number(name.slice(1)) % 2 === 0)).toHaveLength(2);
	});
});

describe("addresses", () => {
	it("gives nodes their networks in order, round what is taken", () => {
		const nodes = [node("a"), node("b", "spec: {podCIDR: 10.244.1.0/24}"), node("c")];
		expect(of<Node>(up(join(...nodes)), "Node").map((entry) => entry.spec?.podCIDR)).toEqual([
			"10.244.0.0/24",
			"10.244.1.0/24",
			"10.244.2.0/24",
		]);
	});

	it.each([
		["10.244.1.0/24", "deploy.yaml:9:17: spec.podCIDR: 10.244.1.0/24 is already the pod network of node a"],
		["10.244.0.0/16", "deploy.yaml:9:17: spec.podCIDR: 10.244.0.0/16 overlaps 10.244.1.0/24 of node a"],
	])("names a pod network that clashes: %s", (cidr, message) => {
		const [error] = up(join(node("a", "spec: {podCIDR: 10.244.1.0/24}"), node("b", `spec: {podCIDR: ${cidr}}`))).errors;
		expect(error?.message).toBe(message);
	});

	it("says when the cluster CIDR is used up", () => {
		const errors = up(join(node("a"), node("b"), node("c")), { flags: { podCIDR: "10.1.0.0/23" } }).errors;
		expect(errors.map((error) => error.detail)).toEqual([
			"no remaining CIDRs in the cluster CIDR 10.1.0.0/23 (--pod-cidr)",
		]);
	});

	it("gives pods addresses as host-local does and says when there is none left", () => {
		const realised = up(join(node("a", "spec: {podCIDR: 10.9.0.0/29}"), workload("Deployment", "a", "replicas: 7")));
		const ips = of<Pod>(realised, "Pod").map((pod) => pod.status?.podIP);
		expect(ips).toEqual(["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6", undefined, undefined]);
		expect(realised.events[0]).toMatchObject({
			reason: "FailedCreatePodSandBox",
			message: "failed to allocate for range 0: no IP addresses available in range set: 10.9.0.1-10.9.0.6",
		});
		expect(realised.errors).toHaveLength(2);
		expect(realised.errors[0]?.path).toBe("spec.podCIDR");
	});

	it("routes an observed pod outside every pod network by a /32, and says so", () => {
		const pod =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p, uid: u}\nspec: {nodeName: a, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 172.20.0.9, hostIP: 192.0.2.11}\n";
		const { topology, assumed } = up(join(node("a"), node("b"), pod));
		expect(topology.router.routes).toEqual(["172.20.0.9/32 via 192.0.2.11"]);
		expect(topology.nodes[0]?.routes).toEqual(["172.20.0.9 dev cbr0 scope link"]);
		expect(assumed).toContainEqual(
			"route: 172.20.0.9 of pod default/p is outside the pod network 10.244.0.0/24 of a, so it gets a /32 route",
		);
		const l2 = up(join(node("a"), node("b"), pod), { flags: { fabric: "l2" } }).topology;
		expect(l2.nodes[1]?.routes).toEqual(["10.244.0.0/24 via 192.0.2.11", "172.20.0.9 via 192.0.2.11"]);
	});

	it("knows nodes by their observed pods where the dump has no Node", () => {
		const pod = (name: string, host: number) =>
			`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, uid: ${name}}\nspec: {nodeName: w${host}, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 10.42.${host}.7, hostIP: 10.0.0.${host}}\n`;
		const { topology, configuration } = up(join(pod("a", 1), pod("b", 2)));
		expect(topology.nodes.map((entry) => [entry.name, entry.ip, entry.podCIDR])).toEqual([
			["w1", "10.0.0.1", "10.42.1.0/24"],
			["w2", "10.0.0.2", "10.42.2.0/24"],
		]);
		expect(configuration.podCIDRs.source).toBe("smallest prefix that holds every Node's podCIDR");
	});

	it("refuses two nodes or two pods with one address", () => {
		const address = "status: {addresses: [{type: InternalIP, address: 192.0.2.50}]}";
		expect(up(join(node("a", address), node("b", address))).errors[0]?.detail).toBe(
			"192.0.2.50 is already the address of node a",
		);
		const pod = (name: string) =>
			`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, uid: ${name}}\nspec: {nodeName: a, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 10.244.0.9}\n`;
		expect(up(join(node("a"), pod("p"), pod("q"))).errors[0]?.detail).toBe(
			"10.244.0.9 is already the address of pod default/p",
		);
	});

	it("names a node that is not there", () => {
		const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: node-9, containers: [{name: c}]}\n";
		expect(up(join(node("node-1"), pod)).errors[0]?.detail).toBe("no node is named node-9; did you mean node-1?");
	});
});

describe("services", () => {
	it("keeps what is given and draws the rest from the upper bands", () => {
		const realised = up(
			join(
				service("a"),
				service("b", "clusterIP: 10.96.0.10"),
				service("c", "type: NodePort"),
				service("d", "clusterIP: None"),
				service("e", "type: LoadBalancer\n  externalTrafficPolicy: Local"),
			),
		);
		const ip = (name: string) => named<Service>(realised, "Service", name).spec?.clusterIP;
		expect([ip("b"), ip("d")]).toEqual(["10.96.0.10", "None"]);
		const e = named<Service>(realised, "Service", "e").spec;
		const ports = [
			named<Service>(realised, "Service", "c").spec?.ports?.[0]?.nodePort,
			e?.ports?.[0]?.nodePort,
			e?.healthCheckNodePort,
		];
		expect(new Set(ports).size).toBe(3);
		for (const port of ports) expect(port).toBeGreaterThanOrEqual(30086);
		expect(realised.topology.nodes[0]?.listen).toContainEqual({ proto: "tcp", port: e?.healthCheckNodePort });
	});

	it.each([
		[
			"a ClusterIP that is taken",
			join(service("a", "clusterIP: 10.96.0.10"), service("b", "clusterIP: 10.96.0.10")),
			"10.96.0.10 is already allocated to Service default/a",
		],
		[
			"the API server's ClusterIP",
			service("a", "clusterIP: 10.96.0.1"),
			"10.96.0.1 is already allocated to Service default/kubernetes",
		],
		[
			"a ClusterIP outside",
			service("a", "clusterIP: 10.1.0.1"),
			"10.1.0.1 is not in the service CIDR 10.96.0.0/12 (--service-cidr)",
		],
		[
			"a NodePort that is taken",
			join(
				service("a", "type: NodePort").replace("port: 80,", "port: 80, nodePort: 30100,"),
				service("b", "type: NodePort").replace("port: 80,", "port: 80, nodePort: 30100,"),
			),
			"30100 is already allocated to Service default/a",
		],
		[
			"a NodePort outside",
			service("a", "type: NodePort").replace("port: 80,", "port: 80, nodePort: 8080,"),
			"8080 is not in the node port range 30000-32767",
		],
	])("refuses %s", (_name, text, message) => {
		const { errors } = up(text);
		expect(errors.map((error) => error.detail)).toEqual([message]);
		expect(errors[0]?.line).toBeGreaterThan(0);
	});

	it("resolves a named target port for each pod, one slice a port set", () => {
		const other = workload("Deployment", "b")
			.replaceAll("app: b", "app: a")
			.replace("8080", "9090")
			.replace("matchLabels: {app: a}", "matchLabels: {app: a, v: b}")
			.replace("labels: {app: a}", "labels: {app: a, v: b}");
		const realised = up(join(workload("Deployment", "a", "replicas: 2"), other, service("a")));
		const ports = of<EndpointSlice>(realised, "EndpointSlice").map((slice) => [
			slice.ports?.[0]?.port,
			slice.endpoints.length,
		]);
		expect(ports.sort()).toEqual([
			[8080, 2],
			[9090, 1],
		]);
		expect(named<Endpoints>(realised, "Endpoints", "a").subsets).toHaveLength(2);
	});

	it("fills slices to 100 and keeps an empty one where there is no endpoint", () => {
		const realised = up(join(workload("Deployment", "a", "replicas: 230"), service("a"), service("none")));
		const sizes = (name: string) =>
			of<EndpointSlice>(realised, "EndpointSlice")
				.filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === name)
				.map((slice) => slice.endpoints.length);
		expect(sizes("a")).toEqual([100, 100, 30]);
		expect(sizes("none")).toEqual([0]);
	});

	it("tells ready from serving, and publishes the unready where asked", () => {
		const conditions = (spec: string) => {
			const realised = up(join(workload("Deployment", "a"), service("a", spec)), { ready: () => false });
			return of<EndpointSlice>(realised, "EndpointSlice")[0]?.endpoints[0]?.conditions;
		};
		expect(conditions("")).toEqual({ ready: false, serving: false, terminating: false });
		expect(conditions("publishNotReadyAddresses: true")).toEqual({ ready: true, serving: false, terminating: false });
	});

	it("mirrors Endpoints that a person wrote", () => {
		const text = join(
			"apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {ports: [{port: 5432}]}\n",
			"apiVersion: v1\nkind: Endpoints\nmetadata: {name: db}\nsubsets: [{addresses: [{ip: 198.51.100.9}], ports: [{port: 5432}]}]\n",
		);
		const [slice, ...rest] = of<EndpointSlice>(up(text), "EndpointSlice");
		expect(rest).toEqual([]);
		expect(slice?.metadata.labels?.["endpointslice.kubernetes.io/managed-by"]).toBe(
			"endpointslicemirroring-controller.k8s.io",
		);
		expect(slice?.endpoints).toEqual([{ addresses: ["198.51.100.9"], conditions: { ready: true } }]);
	});

	it("sends a load balancer's packets to nodes with endpoints only, under Local", () => {
		const text = join(
			workload("Deployment", "a"),
			service("a", "type: LoadBalancer\n  externalTrafficPolicy: Local"),
			service("b", "type: LoadBalancer\n  externalTrafficPolicy: Local"),
		);
		expect(up(text).topology.router.lb).toEqual({
			"203.0.113.1": ["node-1"],
			"203.0.113.2": ["node-1", "node-2", "node-3"],
		});
	});

	it("infers endpoints of a dump that has none (kubectl get all)", () => {
		const observed = (text: string) =>
			`${text.replace("metadata: {", "metadata: {uid: u, ")}status: {loadBalancer: {}}\n`;
		const pod =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p, uid: v, labels: {app: a}}\nspec: {nodeName: w, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}\nstatus: {phase: Running, podIP: 10.42.1.7, hostIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}\n";
		const realised = up(join(observed(service("a", "clusterIP: 10.43.0.7")), pod));
		expect(of<EndpointSlice>(realised, "EndpointSlice")[0]?.endpoints[0]?.addresses).toEqual(["10.42.1.7"]);
		expect(realised.assumed.some((line) => line.startsWith("endpoints: default/a by its selector"))).toBe(true);
		expect(realised.errors).toEqual([]);
	});
});

describe("listeners", () => {
	it("takes a pod that declares no port to listen on any, unless told to be strict", () => {
		const text = workload("Deployment", "a").replace(", ports: [{name: http, containerPort: 8080}]", "");
		expect(up(text).topology.pods[0]).toMatchObject({ listenAny: true, listen: [] });
		expect(up(text).assumed.some((line) => line.startsWith("listens: pod default/a-"))).toBe(true);
		expect(up(text, { strictPorts: true }).topology.pods[0]?.listenAny).toBeUndefined();
	});

	it("lets a hostNetwork pod listen on its node", () => {
		const { topology } = up(workload("DaemonSet", "agent", "", "hostNetwork: true"));
		expect(topology.pods).toEqual([]);
		expect(topology.nodes.every((entry) => entry.listen?.some((listener) => listener.port === 8080))).toBe(true);
	});
});
