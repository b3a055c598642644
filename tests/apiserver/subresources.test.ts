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
	return { code: answer.code, body: JSON.parse(new TextDecoder().decode(answer.body as Uint8Array)) };
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

	beforeEach(() => {
		const pod = made({ ...POD, spec: { ...SPEC, nodeName: "n1" } });
		registry.storage.put("pods", { ...pod, status: { phase: "Running" } });
	});

	it("begins the pod's grace", () => {
		expect(call("POST", url, eviction).code).toBe(201);
		expect(registry.storage.get("pods", "shop", "web")?.metadata.deletionGracePeriodSeconds).toBe(30);
	});

	it("spends a disruption budget, and waits where there is none left", () => {
		const budget = made({
			apiVersion: "policy/v1",
			kind: "PodDisruptionBudget",
			metadata: { name: "web", namespace: "shop" },
			spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
		});
		const allow = (disruptionsAllowed: number) =>
			registry.storage.put("poddisruptionbudgets.policy", {
				...budget,
				status: { disruptionsAllowed, desiredHealthy: 1, currentHealthy: 1 },
			});
		allow(0);
		expect(call("POST", url, eviction).body).toMatchObject({
			code: 429,
			reason: "TooManyRequests",
			message: "Cannot evict pod as it would violate the pod's disruption budget.",
			details: { causes: [{ message: "The disruption budget web needs 1 healthy pods and has 1 currently" }] },
		});
		allow(1);
		expect(call("POST", url, eviction).code).toBe(201);
		expect(registry.storage.get("poddisruptionbudgets.policy", "shop", "web")).toMatchObject({
			status: { disruptionsAllowed: 0, disruptedPods: { web: "2027-01-15T08:00:00Z" } },
		});
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
