// Bodies in protobuf that no kubectl would send: cut short, made up, too deep. Each is a Status, and the store stays as it was.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesField, message, textField } from "../../js/apiserver/protobuf/writing.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { runs } from "../runs.ts";
import { emptyRegistry } from "./registry.ts";

const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0);
const named = (apiVersion: string, kind: string) =>
	bytesField(1, message([textField(1, apiVersion), textField(2, kind)]));
const enclosed = (raw: Uint8Array, kind = "ConfigMap") => message([MAGIC, named("v1", kind), bytesField(2, raw)]);
const metadata = bytesField(1, textField(1, "cm"));
const entry = (key: string, value: string) => bytesField(2, message([textField(1, key), textField(2, value)]));

function post(body: Uint8Array, path = "/api/v1/namespaces/default/configmaps") {
	const registry = emptyRegistry("default");
	const { revision } = registry.storage;
	const headers = { "content-type": "application/vnd.kubernetes.protobuf" };
	const { code, body: answer } = respond(registry, { method: "POST", url: path, headers, body });
	const status = JSON.parse(new TextDecoder().decode(answer as Uint8Array));
	return { code, status, changed: registry.storage.revision !== revision };
}

describe("a body in protobuf", () => {
	it("is an object", () => {
		const { code, status } = post(enclosed(message([metadata, entry("__proto__", "1"), entry("b", "2")])));
		expect(code).toBe(201);
		expect(Object.entries(status.data)).toEqual([
			["__proto__", "1"],
			["b", "2"],
		]);
	});

	it("may leave out what the path says", () => {
		expect(post(message([MAGIC, bytesField(2, metadata)])).code).toBe(201);
	});

	it.each([
		["nothing", new Uint8Array(), "the body does not begin with the bytes k8s\\0"],
		["JSON", new TextEncoder().encode("{}"), "the body does not begin with the bytes k8s\\0"],
		["a length past the end", message([MAGIC, Uint8Array.of(18, 100, 1)]), "unexpected EOF"],
		["a group", message([MAGIC, Uint8Array.of(19)]), "illegal wire type 3"],
		["field 0", message([MAGIC, Uint8Array.of(0, 0)]), "illegal tag 0"],
		["a long varint", message([MAGIC, Uint8Array.of(8, ...Array(11).fill(0xff))]), "integer overflow"],
		["a number for metadata", enclosed(Uint8Array.of(8, 1)), "a number where bytes were expected"],
		["bytes that are no text", enclosed(bytesField(1, Uint8Array.of(10, 1, 0xff))), "invalid UTF-8"],
	])("is refused where it is %s", (_, body, why) => {
		const { code, status, changed } = post(body);
		expect({ code, message: status.message }).toEqual({
			code: 400,
			message: `the object provided is unrecognized (must be of type ConfigMap): ${why}`,
		});
		expect(changed).toBe(false);
	});

	it("is refused where it holds another kind", () => {
		const { code, status } = post(enclosed(metadata, "Secret"));
		expect(code).toBe(400);
		expect(status.message).toContain('Secret in version "v1" cannot be handled as a ConfigMap');
	});

	it("is refused for kinds that have no such form", () => {
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
		expect(post(message([MAGIC, bytesField(2, metadata)]), path)).toMatchObject({ code: 415, changed: false });
	});

	it("never brings the server down", () => {
		const valid = enclosed(message([metadata, entry("a", "1")]));
		const damaged = fc
			.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
			.map((changes) => changes.reduce((bytes, [at, value]) => bytes.with(at, value), Uint8Array.from(valid)));
		const invented = fc.uint8Array({ maxLength: 64 }).map((raw) => enclosed(raw, "Pod"));
		fc.assert(
			fc.property(fc.oneof(damaged, invented), (body) => {
				const { code, changed } = post(body);
				expect([201, 400, 422]).toContain(code);
				expect(changed).toBe(code === 201);
			}),
			runs(500),
		);
	});
});
