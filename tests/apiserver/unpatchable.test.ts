// Fields that a type does not have, in patches and in what is applied: refused, told or dropped as upstream does.

import { beforeEach, describe, expect, it } from "vitest";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { readSingleYaml } from "../../js/manifests/single.ts";
import { emptyRegistry } from "./registry.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
let registry: Registry;

function send(method: string, path: string, body: object, type = "application/json") {
	const request = { method, url: path, headers: { "content-type": type }, body: encoded(body) };
	const { code, headers, body: answer } = respond(registry, request, readSingleYaml);
	return { code, warning: headers.warning, ...(JSON.parse(new TextDecoder().decode(answer as Uint8Array)) as object) };
}

const encoded = (body: object) => new TextEncoder().encode(JSON.stringify(body));

beforeEach(() => {
	registry = emptyRegistry("default");
	send("POST", MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { a: "1" } });
});

describe("a field that a type does not have", () => {
	it.each(["application/merge-patch+json", "application/json-patch+json"])("refuses what comes of a %s", (type) => {
		const merge = type.startsWith("application/merge");
		const body = merge ? { dta: { b: "2" } } : [{ op: "add", path: "/dta", value: { b: "2" } }];
		const answer = send("PATCH", `${MAPS}/x?fieldValidation=Strict`, body, type);
		expect(answer).toMatchObject({ code: 422, reason: "Invalid" });
		const { message } = answer as unknown as { message: string };
		expect(message).toMatch(/^ "" is invalid: patch: Invalid value: "\{.*\\"dta\\":\{\\"b\\":\\"2\\"\}.*\}": /);
		expect(message).toMatch(/: strict decoding error: unknown field "dta"$/);
	});

	it("shows a strategic merge patch as Go prints a map", () => {
		const body = { dta: { b: ["2", null, true], a: 1.5 } };
		const answer = send("PATCH", `${MAPS}/x?fieldValidation=Strict`, body, "application/strategic-merge-patch+json");
		expect(answer).toMatchObject({
			...{ code: 422, reason: "Invalid" },
			message:
				' "" is invalid: patch: Invalid value: "map[dta:map[a:1.5 b:[2 <nil> true]]]": strict decoding error: unknown field "dta"',
		});
	});

	it("is told, or dropped, where that is asked for", () => {
		const body = { dta: {}, data: { b: "2" } };
		const type = "application/merge-patch+json";
		const told = send("PATCH", `${MAPS}/x?fieldValidation=Warn`, body, type);
		expect(told).toMatchObject({ code: 200, data: { a: "1", b: "2" }, warning: '299 - "unknown field \\"dta\\""' });
		expect(send("PATCH", `${MAPS}/x?fieldValidation=Ignore`, body, type)).toMatchObject({ code: 200 });
	});

	it("is told of a JSON patch's operations too, as what they say twice is", () => {
		const type = "application/json-patch+json";
		const patch = [{ op: "add", path: "/data/b", value: "2", values: "3" }];
		const strict = send("PATCH", `${MAPS}/x?fieldValidation=Strict`, patch, type) as unknown as { message: string };
		expect(strict.message).toMatch(/: strict decoding error: json patch unknown field "\[0\]\.values"$/);
		const twice = '[{"op":"add","op":"add","path":"/data/b","value":"2"}]';
		const request = { method: "PATCH", url: `${MAPS}/x?fieldValidation=Warn`, headers: { "content-type": type } };
		const { code, headers } = respond(registry, { ...request, body: new TextEncoder().encode(twice) });
		expect([code, headers.warning]).toEqual([200, '299 - "json patch duplicate field \\"[0].op\\""']);
	});

	it("is no matter in what is no JSON patch at all", () => {
		const type = "application/json-patch+json";
		expect(send("PATCH", `${MAPS}/x`, {}, type)).toMatchObject({
			code: 400,
			message: "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
		});
		const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/data/a", value: "1" }));
		expect(send("PATCH", `${MAPS}/x`, many, type)).toMatchObject({
			code: 413,
			message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
		});
	});

	it.each(["Strict", "Warn", "Ignore"])("is never applied by a server, with %s", (how) => {
		const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, dta: {} };
		const path = `${MAPS}/x?fieldManager=me&fieldValidation=${how}`;
		expect(send("PATCH", path, body, "application/apply-patch+yaml")).toMatchObject({
			code: 500,
			message:
				"failed to create typed patch object (default/x; /v1, Kind=ConfigMap): .dta: field not declared in schema",
		});
	});
});
