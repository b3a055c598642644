// ConfigMaps, Secrets, Namespaces, Nodes, volumes, quotas.

import { changed, create, type Given, merge, one, type Scene } from "./question.ts";

const named = (apiVersion: string, kind: string, rest: object = {}, name = "web"): Given => ({
	apiVersion,
	kind,
	metadata: { name },
	...rest,
});
const configMap = (rest: object) => named("v1", "ConfigMap", rest);
const secret = (rest: object) => named("v1", "Secret", rest);
const node = (rest: object) => named("v1", "Node", rest, "question-node");
const claim = (spec: object) =>
	named("v1", "PersistentVolumeClaim", {
		spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
	});
const volume = (spec: object) =>
	named(
		"v1",
		"PersistentVolume",
		{ spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/d" }, ...spec } },
		"question-volume",
	);

export const CORE: Scene[] = [
	one("a ConfigMap", configMap({ data: { a: "b" }, binaryData: { c: "AAE=" } })),
	one("bad keys", configMap({ data: { "a/b": "", "..": "", "..x": "", c: "" }, binaryData: { c: "", "d e": "" } })),
	one("too much data", configMap({ data: { a: "x".repeat(1_048_577) } })),
	changed(
		"an immutable ConfigMap",
		configMap({ data: { a: "b" }, immutable: true }),
		{ data: { a: "c" } },
		{ immutable: false },
		{ metadata: { labels: { a: "b" } } },
	),
	one("a Secret", secret({ stringData: { a: "b" }, data: { c: "ZA==" } })),
	one("bad base64", secret({ data: { c: "%" } })),
	one("a TLS Secret without keys", secret({ type: "kubernetes.io/tls" })),
	one("a docker Secret without key", secret({ type: "kubernetes.io/dockerconfigjson" })),
	one(
		"a docker Secret of no JSON",
		secret({ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "eA==" } }),
	),
	one("a basic auth Secret without keys", secret({ type: "kubernetes.io/basic-auth" })),
	one("an ssh Secret without key", secret({ type: "kubernetes.io/ssh-auth" })),
	one("a token Secret without account", secret({ type: "kubernetes.io/service-account-token" })),
	changed("a Secret changes", secret({ data: { a: "ZA==" } }), { type: "other" }, { stringData: { b: "c" } }),
	one("a ServiceAccount", named("v1", "ServiceAccount")),
	one("a Namespace", named("v1", "Namespace", {}, "question-space")),
	one("a Namespace of a bad name", named("v1", "Namespace", {}, "a.b")),
	one(
		"a Namespace with finalizers",
		named("v1", "Namespace", { spec: { finalizers: ["x", "example.com/y"] } }, "question-space"),
	),
	{
		title: "a Namespace is deleted",
		steps: [
			create(named("v1", "ConfigMap")),
			{ method: "DELETE", url: "/api/v1/namespaces/{ns}" },
			create(named("v1", "ConfigMap", {}, "second")),
			merge(named("v1", "ConfigMap"), { data: { a: "b" } }),
			{
				method: "PATCH",
				url: "/api/v1/namespaces/{ns}",
				type: "application/merge-patch+json",
				body: { metadata: { labels: { a: "b" } } },
			},
			{ method: "GET", url: "/api/v1/namespaces/{ns}" },
		],
	},
	{
		title: "namespaces that must not go",
		steps: ["default", "kube-system", "kube-public"].map((name) => ({
			method: "DELETE",
			url: `/api/v1/namespaces/${name}`,
		})),
	},
	one(
		"a Node",
		node({
			spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"] },
			status: { capacity: { cpu: "4", pods: "110" } },
		}),
	),
	one("a Node with nothing", named("v1", "Node", {}, "question-node")),
	one(
		"a bad Node",
		node({
			spec: {
				podCIDRs: ["10.0.0.0/24", "10.0.1.0/24", "x"],
				taints: [
					{ key: "a b", effect: "Never" },
					{ key: "a", effect: "NoSchedule" },
					{ key: "a", effect: "NoSchedule", value: "x y" },
				],
			},
			status: { capacity: { cpu: "-1", pods: "1.5" } },
		}),
	),
	changed(
		"a Node changes",
		node({ spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"], providerID: "a" } }),
		{ spec: { unschedulable: true } },
		{ spec: { podCIDR: "10.0.1.0/24", podCIDRs: ["10.0.1.0/24"], providerID: "b" } },
		{ spec: { taints: [{ key: "a", effect: "NoExecute" }] } },
	),
	one("a PersistentVolumeClaim", claim({})),
	one(
		"a bad PersistentVolumeClaim",
		claim({
			accessModes: ["Write"],
			resources: { requests: { storage: "0" } },
			storageClassName: "A_B",
			volumeMode: "Tape",
		}),
	),
	one("a PersistentVolumeClaim of nothing", named("v1", "PersistentVolumeClaim", { spec: {} })),
	changed(
		"a PersistentVolumeClaim changes",
		claim({}),
		{ spec: { resources: { requests: { storage: "2Gi" } } } },
		{ spec: { storageClassName: "x" } },
	),
	one("a PersistentVolume", volume({})),
	one(
		"a bad PersistentVolume",
		volume({
			capacity: { cpu: "1" },
			accessModes: ["Write"],
			persistentVolumeReclaimPolicy: "Burn",
			storageClassName: "A_B",
			volumeMode: "Tape",
			nfs: { server: "s", path: "/p" },
		}),
	),
	one("a PersistentVolume of nothing", named("v1", "PersistentVolume", { spec: {} }, "question-volume")),
	changed(
		"a PersistentVolume changes",
		volume({}),
		{ spec: { persistentVolumeReclaimPolicy: "Delete" } },
		{ spec: { hostPath: { path: "/e" } } },
		{ spec: { volumeMode: "Block" } },
	),
	one(
		"a ResourceQuota",
		named("v1", "ResourceQuota", {
			spec: { hard: { pods: "10", "requests.cpu": "1", "count/deployments.apps": "2" } },
		}),
	),
	one(
		"a bad ResourceQuota",
		named("v1", "ResourceQuota", {
			spec: { hard: { pods: "1.5", bananas: "1", cpu: "-1" }, scopes: ["Odd", "BestEffort", "NotBestEffort"] },
		}),
	),
	one(
		"a LimitRange",
		named("v1", "LimitRange", { spec: { limits: [{ type: "Container", max: { cpu: "2" }, min: { cpu: "1" } }] } }),
	),
	one(
		"a bad LimitRange",
		named("v1", "LimitRange", {
			spec: {
				limits: [
					{ type: "Container", max: { cpu: "1" }, min: { cpu: "2" } },
					{ type: "Container" },
					{ type: "Pod", default: { cpu: "1" } },
					{ type: "PersistentVolumeClaim" },
					{ type: "Odd" },
				],
			},
		}),
	),
	one(
		"a PodTemplate",
		named("v1", "PodTemplate", {
			template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "b" }] } },
		}),
	),
	one(
		"an Event",
		named("v1", "Event", {
			involvedObject: { kind: "Pod", namespace: "{ns}", name: "web" },
			reason: "Killing",
			message: "m",
			type: "Normal",
		}),
	),
	one(
		"an Event elsewhere",
		named("v1", "Event", { involvedObject: { kind: "Pod", namespace: "default", name: "web" }, reason: "Killing" }),
	),
];
