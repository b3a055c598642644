// What lies beneath an object: its scale, a pod's node, a pod's eviction.

import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { emptyRegistry, made as madeIn } from "./registry.ts";

let registry: Registry;
const POD = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", labels: { app: "web" } } };
const SPEC = { containers: [{ name: "a", image: "x" }] };

beforeEach(() => {
	registry = emptyRegistry("shop");
});

const made = (object: KubernetesObject) => madeIn(registry, object);

function call(method: string, url: string, body?: unknown, type = "application/json") {
	const bytes = new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body));
	const answer = respond(registry, { method, url, headers: { "content-type": type }, body: bytes });
	const said = JSON.parse(new TextDecoder().decode(answer.body as Uint8Array));
	return { code: answer.code, headers: answer.headers, body: said };
}

describe("a scale", () => {
	const url = "/apis/apps/v1/namespaces/shop/deployments/web/scale";

	beforeEach(() => {
		const selector = {
			matchLabels: { app: "web" },
			matchExpressions: [{ key: "tier", operator: "In", values: ["b", "a"] }],
		};
		const metadata = { name: "web", namespace: "shop" };
		const template = { metadata: { labels: { app: "web", tier: "a" } }, spec: SPEC };
		made({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: 3, selector, template } });
	});

	it("says how many, and of what", () => {
		expect(call("GET", url).body).toMatchObject({
			kind: "Scale",
			spec: { replicas: 3 },
			status: { replicas: 0, selector: "app=web,tier in (a,b)" },
		});
	});

	it("is put and patched, and nothing else with it", () => {
		const { body } = call("GET", url);
		expect(call("PUT", url, { ...body, spec: { replicas: 5 } }).code).toBe(200);
		expect(call("PUT", url, { ...body, spec: { replicas: 6 } }).body).toMatchObject({ code: 409, reason: "Conflict" });
		expect(call("PATCH", url, { spec: { replicas: 7 } }, "application/merge-patch+json").body.spec.replicas).toBe(7);
		expect(call("PATCH", url, { spec: { replicas: -1 } }, "application/merge-patch+json").body).toMatchObject({
			code: 422,
			message:
				'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
		});
		expect(registry.storage.get("deployments.apps", "shop", "web")).toMatchObject({
			spec: { replicas: 7, template: { metadata: { labels: { app: "web" } } } },
			metadata: { generation: 3 },
		});
		expect(call("GET", "/apis/apps/v1/namespaces/shop/deployments/none/scale").code).toBe(404);
	});
});

describe("a binding", () => {
	const url = "/api/v1/namespaces/shop/pods/web/binding";

	it("gives a pod its node, once", () => {
		made({ ...POD, spec: SPEC });
		const to = (name: string) => ({
			apiVersion: "v1",
			kind: "Binding",
			metadata: { name: "web" },
			target: { kind: "Node", name },
		});
		expect(call("POST", url, to("n1")).code).toBe(201);
		expect(registry.storage.get("pods", "shop", "web")).toMatchObject({
			spec: { nodeName: "n1" },
			status: { conditions: [{ type: "PodScheduled", status: "True" }] },
		});
		expect(call("POST", url, to("n2")).body).toMatchObject({
			code: 409,
			message: 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"',
		});
	});
});

describe("an eviction", () => {
	const url = "/api/v1/namespaces/shop/pods/web/eviction";
	const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "web", namespace: "shop" } };
	const MESSAGE = "Cannot evict pod as it would violate the pod's disruption budget.";
	const running = (ready: boolean) => ({
		phase: "Running",
		conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
	});
	let pod: KubernetesObject;

	beforeEach(() => {
		pod = made({ ...POD, spec: { ...SPEC, nodeName: "n1" } });
		pod = registry.storage.put("pods", { ...pod, status: running(true) });
	});

	const budgeted = (name: string, status: object, spec: object = {}) => {
		const budget = made({
			apiVersion: "policy/v1",
			kind: "PodDisruptionBudget",
			metadata: { name, namespace: "shop" },
			spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } }, ...spec },
		});
		registry.storage.put("poddisruptionbudgets.policy", { ...budget, status: { observedGeneration: 1, ...status } });
	};
	const marked = () => registry.storage.get("pods", "shop", "web")?.metadata.deletionGracePeriodSeconds !== undefined;

	it("begins the pod's grace, and says why it goes", () => {
		expect(call("POST", url, eviction)).toMatchObject({ code: 201, body: { status: "Success" } });
		expect(registry.storage.get("pods", "shop", "web")).toMatchObject({
			metadata: { deletionGracePeriodSeconds: 30 },
			status: {
				conditions: [
					{ type: "Ready" },
					{
						type: "DisruptionTarget",
						status: "True",
						reason: "EvictionByEvictionAPI",
						message: "Eviction API: evicting",
						lastTransitionTime: "2027-01-15T08:00:00Z",
					},
				],
			},
		});
	});

	it("spends a disruption budget, whose condition says when it is spent", () => {
		budgeted("web", { disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2 });
		expect(call("POST", url, eviction).code).toBe(201);
		expect(registry.storage.get("poddisruptionbudgets.policy", "shop", "web")).toMatchObject({
			status: {
				disruptionsAllowed: 0,
				disruptedPods: { web: "2027-01-15T08:00:00Z" },
				conditions: [{ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }],
			},
		});
	});

	const SYNC_FAILED = {
		...{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", lastTransitionTime: "2027-01-15T08:00:00Z" },
		message: "found no controllers for pod",
	};
	it.each([
		[
			"has nobody to spare",
			{ disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 1 },
			"The disruption budget web needs 1 healthy pods and has 1 currently",
			undefined,
		],
		[
			"could not be counted",
			{ disruptionsAllowed: 0, conditions: [SYNC_FAILED] },
			"The disruption budget web does not allow evicting pods currently because it failed sync: found no controllers for pod",
			undefined,
		],
		[
			"waits for another one to go",
			{ disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 2 },
			"The disruption budget web does not allow evicting pods currently",
			undefined,
		],
		[
			"has not been counted since it was changed",
			{ disruptionsAllowed: 3, observedGeneration: 0 },
			"The disruption budget web is still being processed by the server.",
			10,
		],
	])("waits for a budget that %s", (_, status, message, retryAfterSeconds) => {
		budgeted("web", status);
		const { code, body, headers } = call("POST", url, eviction);
		expect({ code, body }).toEqual({
			code: 429,
			body: {
				...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: MESSAGE },
				reason: "TooManyRequests",
				details: {
					causes: [{ reason: "DisruptionBudget", message }],
					...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
				},
				code: 429,
			},
		});
		expect(headers["retry-after"]).toBe(retryAfterSeconds?.toString());
		expect(marked()).toBe(false);
	});

	it("of a pod over which two budgets are is an error that has no reason", () => {
		for (const name of ["web", "all"]) budgeted(name, { disruptionsAllowed: 5 });
		expect(call("POST", url, eviction).body).toEqual({
			...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 500 },
			message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
		});
		expect(marked()).toBe(false);
	});

	it.each([
		[-1, {}, 'poddisruptionbudget.policy "web" is forbidden: pdb disruptions allowed is negative'],
		[
			1,
			Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, "2027-01-15T08:00:00Z"])),
			'poddisruptionbudget.policy "web" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller',
		],
	])("is forbidden by a status that makes no sense: %j", (disruptionsAllowed, disruptedPods, message) => {
		budgeted("web", { disruptionsAllowed, disruptedPods });
		expect(call("POST", url, eviction).body).toMatchObject({ code: 403, reason: "Forbidden", message });
	});

	it.each([
		["goes where enough others are", { desiredHealthy: 1, currentHealthy: 1 }, {}, 201],
		["is asked for where too few are", { desiredHealthy: 2, currentHealthy: 1 }, {}, 429],
		[
			"goes always, where the budget says so",
			{ desiredHealthy: 2, currentHealthy: 1 },
			{ unhealthyPodEvictionPolicy: "AlwaysAllow" },
			201,
		],
	])("of a pod that is not ready %s, and spends nothing", (_, status, spec, code) => {
		registry.storage.put("pods", { ...pod, status: running(false) });
		budgeted("web", { disruptionsAllowed: 0, ...status }, spec);
		expect(call("POST", url, eviction).code).toBe(code);
		expect(registry.storage.get("poddisruptionbudgets.policy", "shop", "web")?.status).not.toHaveProperty(
			"disruptedPods",
		);
	});

	it("is tried only where that is asked for, in the request or in the eviction", () => {
		budgeted("web", { disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2 });
		expect(call("POST", `${url}?dryRun=All`, eviction).code).toBe(201);
		expect(call("POST", url, { ...eviction, deleteOptions: { dryRun: ["All"] } }).code).toBe(201);
		expect(marked()).toBe(false);
		expect(registry.storage.get("poddisruptionbudgets.policy", "shop", "web")).toMatchObject({
			status: { disruptionsAllowed: 1 },
		});
	});

	it("is of the pod that the URL names, in the state that is asked for", () => {
		expect(call("POST", url, { ...eviction, metadata: { name: "other" } }).body).toMatchObject({
			code: 400,
			message: "name in URL does not match name in Eviction object",
		});
		const stale = { ...eviction, deleteOptions: { preconditions: { resourceVersion: "1" } } };
		expect(call("POST", url, stale).body).toMatchObject({ code: 409, reason: "Conflict" });
		expect(registry.storage.get("pods", "shop", "web")).toEqual(pod);
		const { resourceVersion } = pod.metadata;
		expect(call("POST", url, { ...eviction, deleteOptions: { preconditions: { resourceVersion } } }).code).toBe(201);
	});
});

describe("a deletion", () => {
	const url = "/api/v1/namespaces/shop/pods/web";

	beforeEach(() => {
		made({ ...POD, spec: SPEC });
	});

	it.each([
		[{ gracePeriodSeconds: "x" }, /cannot unmarshal string into Go struct field gracePeriodSeconds of type int64$/],
		[{ preconditions: { uid: 7 } }, /cannot unmarshal number into Go struct field preconditions.uid of type string$/],
		[[], /cannot unmarshal array into Go value/],
		[{ apiVersion: "v1", kind: "Pod" }, /^decoded object cannot be converted to DeleteOptions$/],
	])("with the options %j is refused, and takes nothing", (options, why) => {
		const { revision } = registry.storage;
		const { code, body } = call("DELETE", url, options);
		expect([code, body.reason, registry.storage.revision]).toEqual([400, "BadRequest", revision]);
		expect(body.message).toMatch(why);
	});

	it("takes a number with its sign", () => {
		expect(call("GET", "/api/v1/namespaces/shop/pods?limit=-1").body.items.length).toBe(1);
		expect(call("GET", "/api/v1/namespaces/shop/pods?limit=1x")).toMatchObject({ code: 400 });
		expect(call("DELETE", `${url}?gracePeriodSeconds=-1`).code).toBe(200);
	});
});

describe("a body in which nothing is said", () => {
	it.each([null, {}])("%j has no name", (nothing) => {
		const url = "/api/v1/namespaces/shop/configmaps";
		expect(call("POST", url, nothing)).toMatchObject({ code: 422, body: { reason: "Invalid" } });
		made({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "shop" } });
		expect(call("PUT", `${url}/a`, nothing)).toMatchObject({
			code: 400,
			body: {
				reason: "BadRequest",
				message: "the name of the object (a based on URL) was undeterminable: name must be provided",
			},
		});
	});
});
