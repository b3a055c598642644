// Pods: what is filled in, what is refused, what may change.

import { changed, type Given, one, type Scene } from "./question.ts";

const pod = (spec: object, metadata: object = {}): Given => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { name: "web", ...metadata },
	spec: { containers: [{ name: "web", image: "nginx" }], ...spec },
});
const of = (...containers: object[]) =>
	pod({ containers: containers.map((one, i) => ({ name: `c${i}`, image: "nginx", ...one })) });

export const PODS: Scene[] = [
	one("a Pod", pod({})),
	one("a Pod without spec", { apiVersion: "v1", kind: "Pod", metadata: { name: "web" } }),
	one(
		"a Pod with everything defaulted",
		pod({
			containers: [
				{
					name: "web",
					image: "registry.example:5000/nginx",
					ports: [{ containerPort: 80 }],
					env: [
						{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
						{ name: "A.B", value: "1" },
					],
					livenessProbe: { httpGet: { port: 80 } },
					readinessProbe: { tcpSocket: { port: "http" }, failureThreshold: 5 },
					startupProbe: { grpc: { port: 9 } },
					lifecycle: { preStop: { httpGet: { port: 80 } } },
					resources: { limits: { cpu: "0.5", memory: "1024Mi" } },
				},
			],
			initContainers: [
				{ name: "init", image: "busybox:latest" },
				{
					name: "side",
					image: "x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
					restartPolicy: "Always",
				},
			],
			volumes: [
				{ name: "a" },
				{ name: "b", secret: { secretName: "s" } },
				{ name: "c", configMap: { name: "c" } },
				{ name: "d", hostPath: { path: "/d" } },
				{ name: "e", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
				{ name: "f", downwardAPI: { items: [{ path: "x", fieldRef: { fieldPath: "metadata.name" } }] } },
			],
			serviceAccountName: "bot",
		}),
	),
	one(
		"a Pod on its node's network",
		pod({ hostNetwork: true, containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] }),
	),
	one(
		"a Pod on its node's network with another hostPort",
		pod({
			hostNetwork: true,
			containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80, hostPort: 81 }] }],
		}),
	),
	one("no containers", pod({ containers: [] })),
	one("bad containers", of({ name: "" }, { name: "A" }, { name: "b", image: "" }, { name: "b", image: " x" })),
	one(
		"bad ports",
		of({
			ports: [
				{ containerPort: 0 },
				{ containerPort: 70000, name: "toolongaportname-" },
				{ containerPort: 1, protocol: "ICMP", hostPort: 70000, hostIP: "x" },
				{ containerPort: 2, name: "a" },
				{ containerPort: 3, name: "a" },
			],
		}),
	),
	one(
		"bad environment",
		of({
			env: [
				{ name: "" },
				{ name: "A=B", value: "" },
				{ name: "C", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
				{ name: "D", valueFrom: {} },
				{ name: "E", valueFrom: { fieldRef: { fieldPath: "spec.x" } } },
				{ name: "F", valueFrom: { configMapKeyRef: { name: "", key: "" }, secretKeyRef: { name: "s", key: "a/b" } } },
			],
			envFrom: [{}, { configMapRef: { name: "" } }, { prefix: "x=", secretRef: { name: "A_B" } }],
		}),
	),
	one(
		"bad probes",
		of(
			{
				livenessProbe: {},
				readinessProbe: { exec: {}, tcpSocket: { port: 0 } },
				startupProbe: { tcpSocket: { port: 80 }, successThreshold: 2 },
			},
			{
				livenessProbe: {
					httpGet: { port: "x--y", scheme: "FTP", httpHeaders: [{ name: "a b" }] },
					successThreshold: 3,
					initialDelaySeconds: -1,
					terminationGracePeriodSeconds: -1,
				},
				readinessProbe: { grpc: { port: 0 }, terminationGracePeriodSeconds: 5 },
			},
		),
	),
	one("bad lifecycle", of({ lifecycle: { preStop: {}, postStart: { exec: {}, sleep: { seconds: -1 } } } })),
	one(
		"bad resources",
		of({
			resources: {
				limits: { cpu: "1", memory: "-1", disk: "1", "hugepages-2Mi": "3Mi" },
				requests: { cpu: "2", "example.com/gpu": "1", "a_b/c": "1" },
			},
		}),
	),
	one(
		"fractions of devices",
		of({ resources: { limits: { "example.com/gpu": "500m" }, requests: { "example.com/gpu": "500m" } } }),
	),
	one(
		"a request below a device's limit",
		of({ resources: { limits: { "example.com/gpu": "2" }, requests: { "example.com/gpu": "1" } } }),
	),
	one("another pull policy", of({ imagePullPolicy: "Sometimes", terminationMessagePolicy: "Nowhere" })),
	one(
		"bad mounts",
		pod({
			volumes: [{ name: "a", emptyDir: {} }],
			containers: [
				{
					name: "web",
					image: "x",
					volumeMounts: [
						{ name: "", mountPath: "" },
						{ name: "b", mountPath: "/b" },
						{ name: "a", mountPath: "/b", subPath: "../x" },
					],
				},
			],
		}),
	),
	one(
		"bad volumes",
		pod({
			volumes: [
				{ name: "A" },
				{ name: "b", emptyDir: {}, secret: { secretName: "" } },
				{ name: "c", hostPath: { path: "a/../b", type: "Odd" } },
				{ name: "c", nfs: { server: "", path: "x" } },
				{ name: "d", secret: { secretName: "", defaultMode: 9999 } },
				{ name: "e", configMap: { items: [{ key: "", path: "/x" }] } },
			],
		}),
	),
	one(
		"bad policies",
		pod({ restartPolicy: "Maybe", dnsPolicy: "Other", terminationGracePeriodSeconds: -1, activeDeadlineSeconds: 0 }),
	),
	one("dnsPolicy None without config", pod({ dnsPolicy: "None" })),
	one(
		"bad dns",
		pod({
			dnsConfig: {
				nameservers: ["1.1.1.1", "2.2.2.2", "3.3.3.3", "x"],
				searches: ["a_b", "."],
				options: [{ value: "x" }],
			},
		}),
	),
	one(
		"bad names",
		pod({
			serviceAccountName: "A_B",
			nodeName: "N_1",
			hostname: "a.b",
			subdomain: "C",
			priorityClassName: "",
			nodeSelector: { "a b": "c d" },
			imagePullSecrets: [{}],
		}),
	),
	one(
		"bad tolerations",
		pod({
			tolerations: [
				{},
				{ key: "a b", operator: "Exists" },
				{ key: "a", operator: "Exists", value: "x" },
				{ key: "a", operator: "Near", value: "x" },
				{ key: "a", value: "b c", effect: "Never" },
				{ key: "a", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 1 },
			],
		}),
	),
	one(
		"tolerations of its own",
		pod({
			tolerations: [
				{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 },
			],
		}),
	),
	one("a toleration of everything", pod({ tolerations: [{ operator: "Exists" }] })),
	one(
		"bad affinity",
		pod({
			affinity: {
				nodeAffinity: {
					requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] },
					preferredDuringSchedulingIgnoredDuringExecution: [
						{
							weight: 0,
							preference: {
								matchExpressions: [
									{ key: "a", operator: "Gt", values: ["1", "2"] },
									{ key: "b", operator: "Near" },
								],
								matchFields: [
									{ key: "x", operator: "In", values: [] },
									{ key: "metadata.name", operator: "Exists" },
								],
							},
						},
					],
				},
				podAffinity: {
					requiredDuringSchedulingIgnoredDuringExecution: [
						{ topologyKey: "" },
						{ topologyKey: "a b", labelSelector: { matchLabels: { "x y": "" } }, namespaces: ["A"] },
					],
				},
				podAntiAffinity: {
					preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: { topologyKey: "zone" } }],
				},
			},
		}),
	),
	one(
		"bad spread",
		pod({
			topologySpreadConstraints: [
				{ maxSkew: 0, topologyKey: "", whenUnsatisfiable: "Pray" },
				{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" },
				{ maxSkew: 2, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" },
			],
		}),
	),
	one(
		"bad aliases and gates",
		pod({
			hostAliases: [{ ip: "x", hostnames: ["A"] }],
			readinessGates: [{ conditionType: "a b" }],
			schedulingGates: [{ name: "a" }, { name: "a" }],
		}),
	),
	one("gates and a node", pod({ nodeName: "n1", schedulingGates: [{ name: "a" }] })),
	one(
		"bad init containers",
		pod({
			initContainers: [
				{ name: "web", image: "x" },
				{
					name: "i",
					image: "x",
					livenessProbe: { tcpSocket: { port: 1 } },
					lifecycle: { preStop: { exec: { command: ["x"] } } },
				},
				{ name: "j", image: "x", restartPolicy: "Sometimes" },
			],
		}),
	),
	one("ephemeral containers", pod({ ephemeralContainers: [{ name: "e", image: "x" }] })),
	one("guaranteed", of({ resources: { limits: { cpu: "1", memory: "1Gi" } } })),
	one(
		"quantities",
		of({
			resources: {
				limits: { cpu: "1000m", memory: "1.5Gi", "ephemeral-storage": "1e3" },
				requests: { cpu: 0.1, memory: "1500000k", "ephemeral-storage": "0.5Ki" },
			},
		}),
	),
	changed(
		"a Pod changes",
		pod({}),
		{ spec: { containers: [{ name: "web", image: "nginx:2" }] } },
		{ metadata: { labels: { a: "b" } } },
		{ spec: { nodeName: "n1" } },
		{ spec: { tolerations: [{ operator: "Exists" }] } },
		{ spec: { activeDeadlineSeconds: 30 } },
		{ spec: { activeDeadlineSeconds: 60 } },
		{
			spec: {
				containers: [
					{ name: "web", image: "nginx:2" },
					{ name: "two", image: "x" },
				],
			},
		},
		{ spec: { hostNetwork: true } },
		{ spec: { terminationGracePeriodSeconds: 5 } },
	),
];
