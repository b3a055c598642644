// Who owns which field after writes of several managers: the only answers in which managedFields are kept.

import { create, type Given, get, merge, put, type Scene, type Step } from "./question.ts";

const web = (spec: object): Given => ({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web", labels: { a: "b" } },
	spec,
});
const labels = { app: "web" };
const full = {
	replicas: 2,
	selector: { matchLabels: labels },
	template: {
		metadata: { labels },
		spec: {
			containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }], env: [{ name: "A", value: "1" }] }],
		},
	},
};
const by = (step: Step, manager: string): Step => ({
	...step,
	url: `${step.url}${step.url.includes("?") ? "&" : "?"}fieldManager=${manager}`,
});
const applied = (object: Given, manager: string, more = ""): Step => ({
	method: "PATCH",
	url: `/apis/apps/v1/namespaces/{ns}/deployments/web?fieldManager=${manager}${more}`,
	type: "application/apply-patch+yaml",
	body: object,
});
const service: Given = {
	apiVersion: "v1",
	kind: "Service",
	metadata: { name: "web" },
	spec: { ports: [{ port: 80 }], selector: labels },
};
const map: Given = {
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { name: "web", labels: { a: "b" } },
	data: { a: "1", b: "2" },
};

export const OWNERS: Scene[] = [
	{
		title: "a Deployment by several hands",
		steps: [
			by(create(web(full)), "one"),
			by(merge(web({}), { spec: { replicas: 3 }, metadata: { labels: { a: null, c: "d" } } }), "two"),
			by(merge(web({}), { status: { replicas: 3, observedGeneration: 1 } }, "/status"), "three"),
			by(merge(web({}), { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:2" }] } } } }), "one"),
			get(web({})),
		],
	},
	{
		title: "a Deployment that is applied",
		steps: [
			applied(web(full), "one"),
			applied(web({ ...full, replicas: 5 }), "two"),
			applied(web({ ...full, replicas: 5 }), "two", "&force=true"),
			applied(web({ selector: full.selector, template: full.template }), "one"),
			applied({ ...web({ replicas: 5 }), metadata: { name: "web" } }, "two"),
		],
	},
	{
		title: "a Service and what it is given",
		steps: [
			by(create(service), "one"),
			by(put({ ...service, spec: { ...(service.spec as object), type: "NodePort" } }), "two"),
		],
	},
	{
		title: "a ConfigMap by two hands",
		steps: [
			by(create(map), "one"),
			by(merge(map, { data: { b: "3", c: "4" } }), "two"),
			by(merge(map, { data: null }), "one"),
		],
	},
];
