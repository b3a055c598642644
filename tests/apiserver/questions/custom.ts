// CustomResourceDefinitions and their resources.

import { create, type Given, get, merge, one, put, remove, type Scene, type Step, tried } from "./question.ts";

const SPEC = {
	type: "object",
	required: ["size"],
	properties: {
		size: { type: "string", enum: ["small", "large"], default: "small" },
		replicas: { type: "integer", minimum: 1, maximum: 5, default: 1 },
		name: { type: "string", minLength: 2, maxLength: 5, pattern: "^[a-z]+$" },
		port: { "x-kubernetes-int-or-string": true },
		free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
		labels: { type: "object", additionalProperties: { type: "string" }, maxProperties: 2 },
		tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set", maxItems: 3 },
		parts: {
			type: "array",
			minItems: 1,
			items: {
				type: "object",
				required: ["id"],
				properties: { id: { type: "string" }, weight: { type: "number", default: 1.5 } },
			},
			"x-kubernetes-list-type": "map",
			"x-kubernetes-list-map-keys": ["id"],
		},
		choice: {
			type: "object",
			properties: { a: { type: "string" }, b: { type: "string" } },
			oneOf: [{ required: ["a"] }, { required: ["b"] }],
		},
		maybe: { type: "string", nullable: true },
		fixed: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "may not change" }] },
	},
	"x-kubernetes-validations": [
		{ rule: "self.replicas < 5 || self.size == 'large'", message: "five are large" },
		{ rule: "!has(self.name) || self.name != self.size", messageExpression: "'not ' + self.size" },
	],
};

/** A definition of its own for every scene: the server keeps them apart by group. */
const definition = (group: string, version: object = {}, rest: object = {}): Given => ({
	apiVersion: "apiextensions.k8s.io/v1",
	kind: "CustomResourceDefinition",
	metadata: { name: `gears.${group}` },
	spec: {
		group,
		scope: "Namespaced",
		names: { plural: "gears", kind: "Gear", shortNames: ["gr"] },
		versions: [
			{
				name: "v1",
				served: true,
				storage: true,
				schema: {
					openAPIV3Schema: {
						type: "object",
						properties: {
							spec: SPEC,
							status: { type: "object", properties: { ready: { type: "integer" }, selector: { type: "string" } } },
						},
					},
				},
				subresources: {
					status: {},
					scale: {
						specReplicasPath: ".spec.replicas",
						statusReplicasPath: ".status.ready",
						labelSelectorPath: ".status.selector",
					},
				},
				...version,
			},
		],
		...rest,
	},
});

const ready = (group: string): Step[] => [
	create(definition(group)),
	// The real server takes a moment.
	{ method: "WAIT", url: `/apis/${group}/v1/namespaces/{ns}/gears` },
];
const gear = (group: string, spec: object, metadata: object = {}): Given => ({
	apiVersion: `${group}/v1`,
	kind: "Gear",
	metadata: { name: "web", ...metadata },
	spec,
});
const GW = "gateway.networking.k8s.io/v1";
const gateway = (spec: object): Given => ({ apiVersion: GW, kind: "Gateway", metadata: { name: "web" }, spec });
const route = (spec: object): Given => ({ apiVersion: GW, kind: "HTTPRoute", metadata: { name: "web" }, spec });

const widgets = (group: string, plural: string, kind: string, names: object = {}): Given => ({
	apiVersion: "apiextensions.k8s.io/v1",
	kind: "CustomResourceDefinition",
	metadata: { name: `${plural}.${group}` },
	spec: {
		group,
		scope: "Namespaced",
		names: { plural, kind, ...names },
		versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
	},
});
const first = (metadata: object = {}, name = "one"): Given => ({
	apiVersion: "going.example.com/v1",
	kind: "First",
	metadata: { name, ...metadata },
});

export const CUSTOM: Scene[] = [
	one("a definition", definition("a.example.com")),
	one("a bad definition", { ...definition("example"), metadata: { name: "wrong" } }),
	one("a definition without schema", definition("b.example.com", { schema: undefined })),
	one("a definition of no version", definition("b.example.com", {}, { versions: [] })),
	one("a definition that stores nothing", definition("b.example.com", { storage: false })),
	{
		title: "objects of a kind of one's own",
		steps: [
			...ready("c.example.com"),
			tried(gear("c.example.com", {})),
			tried(
				gear("c.example.com", {
					size: "large",
					port: 80,
					free: { any: [1] },
					parts: [{ id: "a" }],
					maybe: null,
					name: null,
				}),
			),
			tried(gear("c.example.com", { size: "huge", replicas: 9, name: "TOOLONG", labels: { a: "1", b: "2", c: "3" } })),
			tried(gear("c.example.com", { replicas: "two", name: 5, port: 1.5, tags: "x", parts: {} })),
			tried(gear("c.example.com", { replicas: 0, name: "x", tags: ["a", "a", "b", "c"], parts: [] })),
			tried(gear("c.example.com", { parts: [{ id: "a" }, { id: "a" }, {}], choice: {} })),
			tried(gear("c.example.com", { choice: { a: "x", b: "y" } })),
			tried(gear("c.example.com", { replicas: 5 })),
			tried(gear("c.example.com", { name: "small" })),
			tried(gear("c.example.com", { replicas: 1.5 })),
			{
				...tried(gear("c.example.com", { sise: "small" })),
				url: "/apis/c.example.com/v1/namespaces/{ns}/gears?dryRun=All&fieldValidation=Strict",
			},
			tried({ ...gear("c.example.com", {}), spec: undefined }),
			tried({ ...gear("c.example.com", {}), spec: "x" }),
			tried(gear("c.example.com", {}, { name: "Web_1", labels: { "a b": "" } })),
		],
	},
	{
		title: "objects of a kind of one's own change",
		steps: [
			...ready("d.example.com"),
			create(gear("d.example.com", { fixed: "a", unknown: 1 })),
			merge(gear("d.example.com", {}), { spec: { replicas: 2 } }),
			merge(gear("d.example.com", {}), { spec: { fixed: "b" } }),
			merge(gear("d.example.com", {}), { spec: { replicas: 3 }, status: { ready: 1 } }, "/status"),
			merge(gear("d.example.com", {}), { status: { ready: "many" } }, "/status"),
			merge(gear("d.example.com", {}), { metadata: { labels: { a: "b" } } }),
			put(gear("d.example.com", {})),
			{ method: "GET", url: "/apis/d.example.com/v1/namespaces/{ns}/gears/web/scale" },
			merge(gear("d.example.com", {}), { spec: { replicas: 4 } }, "/scale"),
			{
				...merge(gear("d.example.com", {}), { spec: { replicas: 4 } }),
				type: "application/strategic-merge-patch+json",
			},
			{
				method: "PATCH",
				url: "/apis/d.example.com/v1/namespaces/{ns}/gears/web?fieldManager=one",
				type: "application/apply-patch+yaml",
				body: gear("d.example.com", { parts: [{ id: "a" }] }),
			},
			{
				method: "PATCH",
				url: "/apis/d.example.com/v1/namespaces/{ns}/gears/web?fieldManager=two",
				type: "application/apply-patch+yaml",
				body: gear("d.example.com", { parts: [{ id: "b" }] }),
			},
			{
				method: "PATCH",
				url: "/apis/d.example.com/v1/namespaces/{ns}/gears/web?fieldManager=one",
				type: "application/apply-patch+yaml",
				body: gear("d.example.com", { size: "small" }),
			},
			get(gear("d.example.com", {})),
			remove(gear("d.example.com", {})),
		],
	},
	{
		title: "the Gateway API",
		steps: [
			tried(gateway({ gatewayClassName: "x", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] })),
			tried(gateway({ gatewayClassName: "", listeners: [] })),
			tried(
				gateway({
					gatewayClassName: "x",
					listeners: [
						{ name: "a", port: 70000, protocol: "HTTP" },
						{ name: "A_B", port: 80, protocol: "!" },
					],
				}),
			),
			tried(
				gateway({
					gatewayClassName: "x",
					listeners: [
						{ name: "a", port: 80, protocol: "HTTP" },
						{ name: "b", port: 80, protocol: "HTTP" },
					],
				}),
			),
			tried(
				gateway({
					gatewayClassName: "x",
					listeners: [{ name: "a", port: 80, protocol: "TCP", hostname: "a.example" }],
				}),
			),
			tried(
				route({
					parentRefs: [{ name: "web" }],
					hostnames: ["a.example"],
					rules: [{ backendRefs: [{ name: "web", port: 80 }] }],
				}),
			),
			tried(route({ rules: [{ backendRefs: [{ name: "web" }] }] })),
			tried(route({ hostnames: ["A_B"], rules: [{ matches: [{ path: { type: "PathPrefix", value: "x" } }] }] })),
			tried(route({ rules: [{ filters: [{ type: "RequestRedirect" }], backendRefs: [{ name: "web", port: 80 }] }] })),
			tried({
				apiVersion: "policy.networking.k8s.io/v1alpha2",
				kind: "ClusterNetworkPolicy",
				metadata: { name: "question-policy" },
				spec: {
					tier: "Admin",
					priority: 10,
					subject: { namespaces: {} },
					ingress: [{ action: "Deny", from: [{ namespaces: {} }] }],
				},
			}),
			tried({
				apiVersion: "policy.networking.k8s.io/v1alpha2",
				kind: "ClusterNetworkPolicy",
				metadata: { name: "question-policy" },
				spec: { tier: "Low", priority: 2000, subject: {}, egress: [{ action: "Maybe", to: [{ networks: ["x"] }] }] },
			}),
		],
	},
	one(
		"a rule that fails on both its sides",
		gateway({
			gatewayClassName: "x",
			listeners: [{ name: "a", port: 443, protocol: "HTTPS", tls: { mode: "Terminate" } }],
		}),
	),
	{
		title: "definitions of one name",
		steps: [
			create(widgets("names.example.com", "firsts", "First", { shortNames: ["f"] })),
			{ method: "WAIT", url: "/apis/names.example.com/v1/firsts" },
			create(widgets("names.example.com", "seconds", "Second", { shortNames: ["s", "f"] })),
		],
	},
	{
		title: "a definition that goes",
		steps: [
			create(widgets("going.example.com", "firsts", "First")),
			{ method: "WAIT", url: "/apis/going.example.com/v1/firsts" },
			create(first({ finalizers: ["example.com/hold"] })),
			remove(widgets("going.example.com", "firsts", "First")),
			create(first({}, "two")),
		],
	},
];
