// CustomResourceDefinitions: what they serve, how they come and go, and what tables show of their objects.

import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { valuesAt } from "../../js/apiserver/extensions/jsonpath.ts";
import { unreadable } from "../../js/apiserver/extensions/rules.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { sharedData } from "../net/shared.ts";
import { emptyRegistry } from "./registry.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GEARS = "/apis/example.com/v1/namespaces/shop/gears";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

let registry: Registry;

beforeEach(() => {
	registry = emptyRegistry("shop");
});

function call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
	const answer = respond(registry, {
		method,
		url,
		headers: { "content-type": "application/json", ...headers },
		body: new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body)),
	});
	return { code: answer.code, body: JSON.parse(new TextDecoder().decode(answer.body as Uint8Array)) };
}

const definition = (version: object = {}) => ({
	apiVersion: "apiextensions.k8s.io/v1",
	kind: "CustomResourceDefinition",
	metadata: { name: "gears.example.com" },
	spec: {
		group: "example.com",
		scope: "Namespaced",
		names: { plural: "gears", kind: "Gear", shortNames: ["gr"], categories: ["all"] },
		versions: [
			{
				name: "v1",
				served: true,
				storage: true,
				schema: {
					openAPIV3Schema: {
						type: "object",
						properties: {
							spec: { type: "object", properties: { teeth: { type: "integer" } } },
							status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
						},
					},
				},
				subresources: { status: {} },
				...version,
			},
		],
	},
});
const gear = { apiVersion: "example.com/v1", kind: "Gear", metadata: { name: "a" }, spec: { teeth: 12 } };

describe("a definition", () => {
	it("is established as it is made, and its resource is served and discovered", () => {
		expect(call("GET", GEARS).code).toBe(404);
		const { body } = call("POST", DEFINITIONS, definition());
		const states = body.status.conditions.map(({ type, status }: { type: string; status: string }) => [type, status]);
		expect(states).toEqual([
			["NamesAccepted", "True"],
			["Established", "True"],
		]);
		expect(body.status).toMatchObject({
			acceptedNames: { plural: "gears", singular: "gear", listKind: "GearList" },
			storedVersions: ["v1"],
		});
		const { resources } = call("GET", "/apis/example.com/v1").body;
		expect(resources.map(({ name }: { name: string }) => name)).toEqual(["gears", "gears/status"]);
		expect(resources[0]).toMatchObject({ kind: "Gear", singularName: "gear", shortNames: ["gr"], categories: ["all"] });
		expect(call("GET", "/openapi/v3").body.paths).toHaveProperty("apis/example.com/v1");
	});

	it("takes its objects with it, and its paths", () => {
		call("POST", DEFINITIONS, definition());
		expect(call("POST", GEARS, gear).code).toBe(201);
		const fork = { ...registry, storage: registry.storage.fork() };
		expect(call("DELETE", `${DEFINITIONS}/gears.example.com`).code).toBe(200);
		expect(call("GET", GEARS).code).toBe(404);
		expect(registry.storage.count("gears.example.com")).toBe(0);
		expect(fork.storage.count("gears.example.com")).toBe(1);
		call("POST", DEFINITIONS, definition());
		expect(call("GET", GEARS).body.items).toEqual([]);
	});

	it("whose names another one has is not served until they are free", () => {
		const second = definition();
		Object.assign(second.metadata, { name: "cogs.example.com" });
		Object.assign(second.spec.names, { plural: "cogs", singular: "cog" });
		call("POST", DEFINITIONS, definition());
		const { body } = call("POST", DEFINITIONS, second);
		// As a real server said of two definitions of one kind and one short name.
		expect(body.status.conditions).toMatchObject([
			{ type: "NamesAccepted", status: "False", reason: "ListKindConflict", message: '"GearList" is already in use' },
			{ type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
		]);
		expect(body.status.acceptedNames).toMatchObject({ plural: "cogs", kind: "" });
		const cogs = GEARS.replace("gears", "cogs");
		expect(call("GET", cogs).code).toBe(404);
		expect(call("GET", GEARS).code).toBe(200);
		call("DELETE", `${DEFINITIONS}/gears.example.com`);
		expect(call("GET", cogs).code).toBe(200);
		const states = call("GET", `${DEFINITIONS}/cogs.example.com`).body.status.conditions;
		expect(states.map(({ status }: { status: string }) => status)).toEqual(["True", "True"]);
	});

	it("stays while something holds one of its objects", () => {
		call("POST", DEFINITIONS, definition());
		call("POST", GEARS, { ...gear, metadata: { name: "a", finalizers: ["example.com/hold"] } });
		const { body } = call("DELETE", `${DEFINITIONS}/gears.example.com`);
		expect(body.metadata.finalizers).toEqual(["customresourcecleanup.apiextensions.k8s.io"]);
		expect(body.status.conditions.at(-1)).toMatchObject({ type: "Terminating", reason: "InstanceDeletionPending" });
		expect(call("GET", `${GEARS}/a`).body.metadata.deletionTimestamp).toBeDefined();
		expect(call("POST", GEARS, { ...gear, metadata: { name: "b" } }).code).toBe(403);
		const held = call("GET", `${GEARS}/a`).body;
		delete held.metadata.finalizers;
		expect(call("PUT", `${GEARS}/a`, held).code).toBe(200);
		expect(call("GET", `${DEFINITIONS}/gears.example.com`).code).toBe(404);
		expect(call("GET", GEARS).code).toBe(404);
	});

	it("says which of its rules are not evaluated here", () => {
		const rule = { rule: "quantity(self).isGreaterThan(quantity('1')) && nonsense((" };
		const spec = { type: "object", "x-kubernetes-validations": [rule] };
		const schema = { openAPIV3Schema: { type: "object", properties: { spec } } };
		const { body } = call("POST", DEFINITIONS, definition({ schema }));
		expect(body.status.conditions.at(-1)).toMatchObject({ type: "podwire.dev/RulesNotEvaluated", status: "True" });
		expect(body.status.conditions.at(-1).message).toContain("nonsense((");
	});

	it("that changes changes what is served", () => {
		call("POST", DEFINITIONS, definition());
		const { body } = call("GET", `${DEFINITIONS}/gears.example.com`);
		body.spec.versions.push({ ...body.spec.versions[0], name: "v2", storage: false });
		expect(call("PUT", `${DEFINITIONS}/gears.example.com`, body).code).toBe(200);
		call("POST", GEARS, gear);
		const other = call("GET", "/apis/example.com/v2/namespaces/shop/gears/a");
		expect(other.body).toMatchObject({ apiVersion: "example.com/v2", spec: { teeth: 12 } });
	});
});

describe("a table of custom objects", () => {
	it("has the columns of the definition", () => {
		const additionalPrinterColumns = [
			{ name: "Teeth", type: "integer", jsonPath: ".spec.teeth" },
			{ name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
			{ name: "Hosts", type: "string", jsonPath: ".status.hosts", priority: 1 },
			{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
		];
		call("POST", DEFINITIONS, definition({ additionalPrinterColumns }));
		call("POST", GEARS, gear);
		const status = {
			conditions: [
				{ type: "Other", status: "False" },
				{ type: "Ready", status: "True" },
			],
			hosts: ["a", "b"],
		};
		call("PATCH", `${GEARS}/a/status`, { status }, { "content-type": "application/merge-patch+json" });
		const { body } = call("GET", GEARS, undefined, { accept: TABLE });
		expect(
			body.columnDefinitions.map(({ name, priority }: { name: string; priority: number }) => [name, priority]),
		).toEqual([
			["Name", 0],
			["Teeth", 0],
			["Ready", 0],
			["Hosts", 1],
			["Age", 0],
		]);
		expect(body.rows[0].cells).toEqual(["a", 12, "True", '["a","b"]', "0s"]);
	});

	it("reads paths as kubectl does, and no others", () => {
		const object = { a: [{ b: { "c.d": 1 } }, { b: { "c.d": 2 } }], e: { f: "g" } };
		expect(valuesAt(object, ".a[*].b['c.d']")).toEqual([1, 2]);
		expect(valuesAt(object, ".a[1].b")).toEqual([{ "c.d": 2 }]);
		expect(valuesAt(object, ".e.x")).toEqual([]);
		expect(valuesAt(object, ".a[")).toBeNull();
	});
});

describe("the Gateway API and ClusterNetworkPolicy", () => {
	it("are served from the start, every rule of theirs evaluated", () => {
		for (const path of ["gateway.networking.k8s.io/v1", "policy.networking.k8s.io/v1alpha2"])
			expect(call("GET", `/apis/${path}`).code).toBe(200);
		const { items } = call("GET", DEFINITIONS).body;
		expect(items.length).toBe(11);
		const schemas = items.flatMap(({ spec }: { spec: { versions: { schema: { openAPIV3Schema: object } }[] } }) =>
			spec.versions.map(({ schema }) => schema.openAPIV3Schema),
		);
		expect(schemas.flatMap(unreadable)).toEqual([]);
	});

	it.skipIf(sharedData === null)("take their own definitions over them (skipped without the shared data)", () => {
		const folder = `${sharedData}crds`;
		for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
			const object = parse(readFileSync(`${folder}/${name}`, "utf8")) as KubernetesObject;
			const url = `${DEFINITIONS}/${object.metadata.name}?fieldManager=kubectl&force=true`;
			expect(call("PATCH", url, object, { "content-type": "application/apply-patch+yaml" }).code).toBe(200);
		}
		const gateway = { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", metadata: { name: "web" } };
		const spec = { gatewayClassName: "x", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] };
		const url = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways";
		expect(call("POST", url, { ...gateway, spec }).code).toBe(201);
	});
});
