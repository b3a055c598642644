// What every object has: names, labels, owners, finalizers; and how objects go.

import { create, type Given, get, merge, one, remove, type Scene } from "./question.ts";

const named = (apiVersion: string, kind: string, rest: object = {}, name = "web"): Given => ({
	apiVersion,
	kind,
	metadata: { name },
	...rest,
});
const withMeta = (metadata: object): Given => ({
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { name: "web", ...metadata },
});
const configMap = (rest: object) => named("v1", "ConfigMap", rest);
const secret = (rest: object) => named("v1", "Secret", rest);
const claim = (spec: object) =>
	named("v1", "PersistentVolumeClaim", {
		spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
	});
const RBAC = "rbac.authorization.k8s.io";
const role = (rules: unknown) => named(`${RBAC}/v1`, "Role", { rules });
const budget = (spec: object) => named("policy/v1", "PodDisruptionBudget", { spec });

export const METADATA: Scene[] = [
	one("a name that is none", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "Web_1" } }),
	one("a Service's name too long", {
		apiVersion: "v1",
		kind: "Service",
		metadata: { name: "a".repeat(64) },
		spec: { ports: [{ port: 80 }] },
	}),
	one("a container's name with a dot", {
		apiVersion: "v1",
		kind: "Pod",
		metadata: { name: "web" },
		spec: { containers: [{ name: "a.b", image: "x" }] },
	}),
	one("no name", { apiVersion: "v1", kind: "ConfigMap", metadata: {} }),
	one("a name too long", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a".repeat(260) } }),
	one("a generated name that is none", {
		apiVersion: "v1",
		kind: "ConfigMap",
		metadata: { name: "web", generateName: "Web_" },
	}),
	one(
		"bad labels",
		withMeta({ labels: { "a b": "c", d: "e f", "/x": "", "Y_/z": "", "a/b/c": "", [`a${"b".repeat(64)}`]: "" } }),
	),
	one("bad annotations", withMeta({ annotations: { "a b": "c", "UP/er": "fine" } })),
	one("too many annotations", withMeta({ annotations: { a: "x".repeat(263_000) } })),
	one(
		"bad owners",
		withMeta({
			ownerReferences: [
				{ apiVersion: "", kind: "", name: "", uid: "" },
				{ apiVersion: "v1", kind: "Event", name: "e", uid: "u" },
				{ apiVersion: "a/b/c", kind: "A", name: "a", uid: "u", controller: true },
				{ apiVersion: "v1", kind: "B", name: "b", uid: "w", controller: true },
			],
		}),
	),
	one("bad finalizers", withMeta({ finalizers: ["kubernetes", "a b", "example.com/x"] })),
	one("both finalizers of the collector", withMeta({ finalizers: ["orphan", "foregroundDeletion"] })),
	{ title: "a resource version", steps: [create(withMeta({ resourceVersion: "5" }))] },
	one("another namespace", withMeta({ namespace: "elsewhere" })),
	{
		title: "what a deletion answers",
		steps: [
			...[
				configMap({}),
				named("v1", "ServiceAccount"),
				claim({}),
				named("v1", "PodTemplate", { template: { spec: { containers: [{ name: "a", image: "b" }] } } }),
				named("v1", "ResourceQuota", { spec: {} }),
				role([]),
				named("v1", "LimitRange", { spec: {} }),
				budget({}),
				named("v1", "Endpoints"),
				named("v1", "Pod", { spec: { containers: [{ name: "a", image: "b" }] } }),
			].flatMap((object) => [create(object), remove(object), get(object)]),
		],
	},
	{
		title: "deletion by policy",
		steps: [
			create(configMap({})),
			remove(configMap({}), "?propagationPolicy=Foreground"),
			get(configMap({})),
			remove(configMap({}), "?propagationPolicy=Orphan"),
			remove(configMap({}), "?propagationPolicy=Background"),
			remove(configMap({}), "", { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Odd" }),
			create(secret({})),
			remove(secret({}), "", { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "no" } }),
			remove(secret({}), "", { kind: "DeleteOptions", apiVersion: "v1", preconditions: { resourceVersion: "1" } }),
			remove(secret({}), "?dryRun=All"),
			remove(secret({}), "?gracePeriodSeconds=30"),
			get(secret({})),
		],
	},
	{
		title: "finalizers hold",
		steps: [
			create(withMeta({ finalizers: ["example.com/a"] })),
			remove(withMeta({})),
			get(withMeta({})),
			merge(withMeta({}), { metadata: { finalizers: ["example.com/a", "example.com/b"] } }),
			merge(withMeta({}), { data: { x: "y" } }),
			merge(withMeta({}), { metadata: { finalizers: null } }),
			get(withMeta({})),
		],
	},
];
