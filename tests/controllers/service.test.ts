// Services: ClusterIPs, NodePorts, endpoints, load balancers.

import { describe, expect, it } from "vitest";
import type { Endpoints, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { join, named, of, service, up, workload } from "../controllers/up.ts";

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
			slice.endpoints?.length,
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
				.map((slice) => slice.endpoints?.length);
		expect(sizes("a")).toEqual([100, 100, 30]);
		expect(sizes("none")).toEqual([0]);
	});

	it("tells ready from serving, and publishes the unready where asked", () => {
		const conditions = (spec: string) => {
			const realised = up(join(workload("Deployment", "a"), service("a", spec)), { ready: () => false });
			return of<EndpointSlice>(realised, "EndpointSlice")[0]?.endpoints?.[0]?.conditions;
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
		expect(of<EndpointSlice>(realised, "EndpointSlice")[0]?.endpoints?.[0]?.addresses).toEqual(["10.42.1.7"]);
		expect(realised.assumed.some((line) => line.startsWith("endpoints: default/a by its selector"))).toBe(true);
		expect(realised.errors).toEqual([]);
	});
});
