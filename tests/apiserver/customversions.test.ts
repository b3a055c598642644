// Custom resources in several versions: kept in one, read and written in any, as upstream's strategies do.

import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { isStream } from "../../js/apiserver/rest/message.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { emptyRegistry } from "./registry.ts";

let registry: Registry;

type Answer = KubernetesObject & { code: number; message: string; items: KubernetesObject[] };

function send(method: string, path: string, body?: object, type = "application/json"): Answer {
	const bytes = new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body));
	const { code, body: answer } = respond(registry, {
		method,
		url: path,
		headers: { "content-type": type },
		body: bytes,
	});
	const text = isStream(answer) ? answer.take() : new TextDecoder().decode(answer);
	return { ...JSON.parse(text), code };
}

const schema = (properties: object) => ({
	openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } },
});
const text = { type: "string" };

/** v1 knows `old`, v2 `new`, both `shared`; v2 is kept. */
const definition = (conversion?: object) => ({
	apiVersion: "apiextensions.k8s.io/v1",
	kind: "CustomResourceDefinition",
	metadata: { name: "widgets.example.com" },
	spec: {
		...{ group: "example.com", scope: "Namespaced" },
		names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
		versions: [
			{ name: "v1", served: true, storage: false, schema: schema({ shared: text, old: text }) },
			{
				...{ name: "v2", served: true, storage: true },
				schema: schema({ shared: text, new: text, size: { type: "integer", default: 3 } }),
			},
		],
		...(conversion === undefined ? {} : { conversion }),
	},
});

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const widgets = (version: string) => `/apis/example.com/${version}/namespaces/default/widgets`;
const widget = (version: string, name: string, spec: object) => ({
	...{ apiVersion: `example.com/${version}`, kind: "Widget", metadata: { name }, spec },
});

beforeEach(() => {
	registry = emptyRegistry("default");
});

describe("without a webhook", () => {
	beforeEach(() => {
		expect(send("POST", DEFINITIONS, definition()).code).toBe(201);
	});

	it("an object is in each version what its schema knows, and keeps what the kept one knows", () => {
		const made = send("POST", widgets("v1"), widget("v1", "a", { shared: "s", old: "o" }));
		expect(made).toMatchObject({ code: 201, apiVersion: "example.com/v1" });
		// What the kept version does not know is lost on the way, and what that one defaults is not there in this one.
		expect(made.spec).toEqual({ shared: "s" });
		expect(send("GET", `${widgets("v2")}/a`).spec).toEqual({ shared: "s", size: 3 });
		send("POST", widgets("v2"), widget("v2", "b", { shared: "s", new: "n" }));
		expect(send("GET", `${widgets("v1")}/b`).spec).toEqual({ shared: "s" });
		expect(send("GET", widgets("v2")).items.map(({ spec }) => spec)).toEqual([
			{ shared: "s", size: 3 },
			{ shared: "s", new: "n", size: 3 },
		]);
		expect(send("GET", widgets("v1")).items.map(({ spec }) => spec)).toEqual([{ shared: "s" }, { shared: "s" }]);
		const told = send("GET", `${widgets("v1")}?watch=1&fieldSelector=metadata.name=b`);
		expect(told).toMatchObject({ type: "ADDED", object: { apiVersion: "example.com/v1", spec: { shared: "s" } } });
		expect(JSON.stringify(told)).not.toContain('"new":"n"');
	});

	it("a change through one version drops what only another one knows", () => {
		send("POST", widgets("v2"), widget("v2", "a", { shared: "s", new: "n", size: 7 }));
		const patched = send("PATCH", `${widgets("v1")}/a`, { spec: { shared: "t" } }, "application/merge-patch+json");
		expect([patched.code, patched.spec]).toEqual([200, { shared: "t" }]);
		expect(send("GET", `${widgets("v2")}/a`).spec).toEqual({ shared: "t", size: 3 });
	});

	it("nothing is written where nothing changes", () => {
		send("POST", widgets("v2"), widget("v2", "a", { shared: "s" }));
		const { revision } = registry.storage;
		const same = send("PATCH", `${widgets("v2")}/a`, { spec: { shared: "s" } }, "application/merge-patch+json");
		expect([same.code, registry.storage.revision]).toEqual([200, revision]);
	});

	it("what a definition comes to know or forget shows in what is there", () => {
		send("POST", widgets("v2"), widget("v2", "a", { shared: "s", new: "n" }));
		const other = definition();
		const kept = other.spec.versions[1];
		if (kept !== undefined) kept.schema = schema({ shared: text, colour: { type: "string", default: "red" } }) as never;
		const path = `${DEFINITIONS}/widgets.example.com`;
		expect(send("PATCH", path, { spec: other.spec }, "application/merge-patch+json").code).toBe(200);
		expect(send("GET", `${widgets("v2")}/a`).spec).toEqual({ shared: "s", colour: "red" });
	});
});

const webhook = { clientConfig: { url: "https://example.com/convert" }, conversionReviewVersions: ["v1"] };

describe("with a webhook", () => {
	const refusal = (from: string) =>
		`conversion webhook for example.com/${from}, Kind=Widget failed: podwire calls no webhooks: objects of widgets.example.com are there in example.com/v2 alone`;

	it("objects are there in the version that is kept, and an error in any other", () => {
		const made = send("POST", DEFINITIONS, definition({ strategy: "Webhook", webhook }));
		expect(made.code).toBe(201);
		const { conditions } = made.status as { conditions: { type: string; status: string }[] };
		expect(conditions).toContainEqual(
			expect.objectContaining({ type: "podwire.dev/ConversionNotServed", status: "True" }),
		);
		expect(send("POST", widgets("v2"), widget("v2", "a", { new: "n" }))).toMatchObject({ code: 201 });
		expect(send("GET", `${widgets("v2")}/a`)).toMatchObject({ code: 200, spec: { new: "n" } });
		for (const path of [`${widgets("v1")}/a`, widgets("v1")])
			expect(send("GET", path)).toMatchObject({ code: 500, message: refusal("v2") });
		const { revision } = registry.storage;
		expect(send("POST", widgets("v1"), widget("v1", "b", {}))).toMatchObject({ code: 500, message: refusal("v1") });
		expect(send("DELETE", `${widgets("v1")}/a`)).toMatchObject({ code: 500 });
		expect(registry.storage.revision).toBe(revision);
		// A stream that has begun says so too, and ends.
		expect(send("GET", `${widgets("v1")}?watch=1`)).toMatchObject({
			type: "ERROR",
			object: { message: refusal("v2") },
		});
		expect(send("DELETE", `${DEFINITIONS}/widgets.example.com`).code).toBe(200);
		expect(send("GET", widgets("v2")).code).toBe(404);
	});

	it.each([
		[
			{ strategy: "Other" },
			'spec.conversion.strategy: Unsupported value: "Other": supported values: "None", "Webhook"',
		],
		[
			{ strategy: "None", webhook },
			"spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
		],
		[
			{ strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } },
			"spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
		],
		[
			{ strategy: "Webhook", webhook: { ...webhook, conversionReviewVersions: ["v7"] } },
			'spec.conversion.conversionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1',
		],
	])("%o is refused", (conversion, why) => {
		const { code, message } = send("POST", DEFINITIONS, definition(conversion));
		expect([code, message]).toEqual([422, expect.stringContaining(why)]);
	});
});
