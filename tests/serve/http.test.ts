// What a socket brings that no well-behaved client would send: the right code, the right Status, the store untouched.

import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { BODY_MAX } from "../../js/apiserver/rest/body.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { readSingleYaml } from "../../js/manifests/single.ts";
import { type ApiListener, type ListenOptions, listen } from "../../js/serve/http.ts";
import { emptyRegistry, made } from "../apiserver/registry.ts";

const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";
const APPLY = { "content-type": "application/apply-patch+yaml" };

let registry: Registry;
let server: ApiListener;

async function open(options: Partial<ListenOptions> = {}): Promise<void> {
	await server?.close();
	server = await listen((request) => respond(registry, request, readSingleYaml), { port: 0, ...options });
}

interface Answer {
	code: number;
	body: Record<string, unknown>;
}

/** As `fetch`, which does not let anybody choose the Host. */
function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const sent = httpRequest(server.url + path, { method, headers }, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("end", () => {
				const text = Buffer.concat(chunks).toString();
				resolve({ code: response.statusCode ?? 0, body: text.startsWith("{") ? JSON.parse(text) : { text } });
			});
		});
		// A server that has answered need not read the rest.
		sent.on("error", (error: NodeJS.ErrnoException) => (error.code === "EPIPE" ? undefined : reject(error)));
		sent.end(body);
	});
}

const json = { "content-type": "application/json" };
const configMap = (data: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":${data}}`;

beforeEach(async () => {
	registry = emptyRegistry("default");
	await open();
});

afterEach(() => server.close());

describe("who may ask", () => {
	it("carries the token, where there is one", async () => {
		await open({ token: "s3cret" });
		const refused = { kind: "Status", status: "Failure", reason: "Unauthorized", code: 401 };
		expect(await ask("GET", "/api")).toMatchObject({ code: 401, body: refused });
		expect(await ask("GET", "/healthz")).toMatchObject({ code: 401 });
		expect(await ask("GET", "/api", { authorization: "Bearer s3cre" })).toMatchObject({ code: 401 });
		expect(await ask("GET", "/api", { authorization: "Basic s3cret" })).toMatchObject({ code: 401 });
		expect(await ask("GET", "/api", { authorization: "Bearer s3cret" })).toMatchObject({ code: 200 });
	});

	it("names this host", async () => {
		const refused = { kind: "Status", status: "Failure", reason: "Forbidden", code: 403 };
		for (const host of ["example.com", "127.0.0.1.example.com:80", "localhost.", "169.254.169.254"])
			expect(await ask("GET", "/api", { host })).toMatchObject({ code: 403, body: refused });
		for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:6443", "kubernetes.default.svc"])
			expect(await ask("GET", "/api", { host })).toMatchObject({ code: 200 });
	});
});

describe("bodies", () => {
	async function refused(code: number, reason: string, sent: Promise<Answer>): Promise<string> {
		const { revision } = registry.storage;
		const answer = await sent;
		expect(answer).toMatchObject({ code, body: { kind: "Status", status: "Failure", reason, code } });
		expect(registry.storage.revision).toBe(revision);
		return String(answer.body.message);
	}

	it("are at most 3 MiB long", async () => {
		const long = configMap(`{"a":${JSON.stringify("x".repeat(BODY_MAX))}}`);
		expect(await refused(413, "RequestEntityTooLarge", ask("POST", CONFIGMAPS, json, long))).toBe(
			"Request entity too large: limit is 3145728",
		);
		const chunked = { ...json, "transfer-encoding": "chunked" };
		await refused(413, "RequestEntityTooLarge", ask("POST", CONFIGMAPS, chunked, long));
		expect(await ask("POST", CONFIGMAPS, chunked, configMap("{}").replace('"a"', '"chunked"'))).toMatchObject({
			code: 201,
		});
		// What fits is looked at, and found to be more data than a ConfigMap holds.
		const fits = configMap(`{"a":${JSON.stringify("x".repeat(BODY_MAX - 200))}}`);
		expect(await refused(422, "Invalid", ask("POST", CONFIGMAPS, json, fits))).toContain("1048576 bytes");
	});

	it("are JSON", async () => {
		for (const bad of ["", "{", "nonsense", '{"a":1}}', "\u0000"])
			expect(await refused(400, "BadRequest", ask("POST", CONFIGMAPS, json, bad))).toMatch(
				/^the object provided is unrecognized \(must be of type ConfigMap\): /,
			);
	});

	it("nest at most 100 deep, whatever they are for", async () => {
		const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
		const why = "the object provided is unrecognized (must be of type ConfigMap): nested deeper than 100";
		for (const levels of [101, 1_000_000]) {
			expect(await refused(400, "BadRequest", ask("POST", CONFIGMAPS, json, deep(levels)))).toBe(why);
			made(registry, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `a${levels}`, namespace: "default" } });
			const path = `${CONFIGMAPS}/a${levels}`;
			for (const type of ["json-patch", "merge-patch", "strategic-merge-patch"]) {
				const headers = { "content-type": `application/${type}+json` };
				expect(await refused(400, "BadRequest", ask("PATCH", path, headers, deep(levels)))).toBe(why);
			}
		}
		const yaml = { "content-type": "application/yaml" };
		expect(await refused(400, "BadRequest", ask("POST", CONFIGMAPS, yaml, deep(1000)))).toContain(
			"nested deeper than 100 levels",
		);
		// Brackets within a string are no levels.
		expect(await ask("POST", CONFIGMAPS, json, configMap(`{"a":"${"[{".repeat(500)}\\"["}`))).toMatchObject({
			code: 201,
		});
	});

	it("may be YAML, without bombs", async () => {
		const path = `${CONFIGMAPS}/bomb?fieldManager=test`;
		const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`);
		const bomb = `apiVersion: v1\nkind: ConfigMap\nl0: &l0 [lol]\n${levels.join("\n")}\n`;
		expect(await refused(400, "BadRequest", ask("PATCH", path, APPLY, bomb))).toContain("alias");
		const good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\ndata: {a: &a 'no', b: *a}\n";
		expect(await ask("PATCH", path, APPLY, good)).toMatchObject({ code: 201, body: { data: { a: "no", b: "no" } } });
		const other = good.replace("bomb", "other");
		const yaml = { "content-type": "application/yaml" };
		expect(await ask("POST", CONFIGMAPS, yaml, other)).toMatchObject({
			code: 201,
			body: { data: { a: "no", b: "no" } },
		});
		const twice = good.replace("a: &a", "b: 1, a: &a");
		expect(
			await refused(400, "BadRequest", ask("POST", `${CONFIGMAPS}?fieldValidation=Strict`, yaml, twice)),
		).toContain("already defined");
		expect(await refused(400, "BadRequest", ask("POST", CONFIGMAPS, yaml, `${good}---\n${good}`))).toContain(
			"a second document",
		);
	});

	it("say a thing once, where they are read strictly", async () => {
		const twice = configMap('{"x":"1","y":"\\"","x":"3"}').replace('"name"', '"labels":{"a":"1"},"labels":{},"name"');
		const strict = `${CONFIGMAPS}?fieldValidation=Strict`;
		// As a real server says it.
		expect(await refused(400, "BadRequest", ask("POST", strict, json, twice))).toBe(
			'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.labels", duplicate field "data.x"',
		);
		expect(await ask("POST", CONFIGMAPS, json, twice)).toMatchObject({ code: 201, body: { data: { x: "3" } } });
		const patch = { "content-type": "application/merge-patch+json" };
		const path = `${CONFIGMAPS}/a?fieldValidation=Strict`;
		expect(await refused(422, "Invalid", ask("PATCH", path, patch, '{"data":{"x":"1","x":"2"}}'))).toContain(
			'strict decoding error: duplicate field "data.x"',
		);
	});

	it("hold keys of any name, and none is special", async () => {
		const data = '{"__proto__":"1","constructor":"2","toString":"3","hasOwnProperty":"4"}';
		const made = await ask("POST", CONFIGMAPS, json, configMap(data));
		expect(made.code).toBe(201);
		const names = ["__proto__", "constructor", "hasOwnProperty", "toString"];
		expect(Object.keys(made.body.data as object).sort()).toEqual(names);
		const merge = { "content-type": "application/merge-patch+json" };
		const patched = await ask("PATCH", `${CONFIGMAPS}/a`, merge, '{"data":{"__proto__":"9","toString":null}}');
		expect(Object.entries(patched.body.data as object)).toContainEqual(["__proto__", "9"]);
		expect(patched.body.data).not.toHaveProperty("toString", "3");
		expect(({} as Record<string, unknown>)["9"]).toBeUndefined();
		// As names of what is asked for they are just not there.
		for (const path of ["/api/v1/__proto__", "/apis/__proto__/v1/constructor", `${CONFIGMAPS}/a/__proto__`])
			expect(await ask("GET", path)).toMatchObject({ code: 404 });
		expect(await ask("GET", `${CONFIGMAPS}/__proto__`)).toMatchObject({ code: 404 });
		const bad = '{"__proto__":{"polluted":true},"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}';
		expect(await refused(400, "BadRequest", ask("POST", `${CONFIGMAPS}?fieldValidation=Strict`, json, bad))).toContain(
			'unknown field "__proto__"',
		);
		expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
	});
});

describe("a connection", () => {
	it("is good for more requests after one that was refused, body and all", async () => {
		await open({ token: "s3cret" });
		const agent = new Agent({ keepAlive: true, maxSockets: 1 });
		const reused: boolean[] = [];
		const send = (headers: Record<string, string>, body: string) =>
			new Promise<number | undefined>((resolve, reject) => {
				const sent = httpRequest(server.url + CONFIGMAPS, { method: "POST", agent, headers: { ...json, ...headers } });
				sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
				sent.on("error", reject);
				sent.on("finish", () => reused.push(sent.reusedSocket));
				sent.end(body);
			});
		const authorization = "Bearer s3cret";
		const long = "x".repeat(BODY_MAX + 1);
		expect(await send({}, long)).toBe(401);
		expect(await send({ authorization, host: "example.com" }, long)).toBe(403);
		expect(await send({ authorization }, long)).toBe(413);
		expect(await send({ authorization, "transfer-encoding": "chunked" }, long)).toBe(413);
		// As long as the adapter gives bodies that nobody read.
		await new Promise((resolve) => setTimeout(resolve, 700));
		expect(await send({ authorization }, configMap("{}"))).toBe(201);
		expect(reused).toEqual([false, true, true, true, true]);
		agent.destroy();
	});
});

describe("what is not served", () => {
	it.each(["log", "exec", "attach", "portforward", "proxy"])("pods/%s is a 501 that says so", async (subresource) => {
		const pod = { containers: [{ name: "c", image: "i" }] };
		made(registry, { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, spec: pod });
		const answer = await ask("GET", `/api/v1/namespaces/default/pods/p/${subresource}`);
		const message = `pods/${subresource} is not served by podwire`;
		expect(answer).toMatchObject({ code: 501, body: { kind: "Status", reason: "NotImplemented", message } });
	});

	it("is not found, not allowed, not acceptable", async () => {
		expect(await ask("GET", "/nowhere")).toMatchObject({ code: 404, body: { kind: "Status", reason: "NotFound" } });
		expect(await ask("DELETE", "/api/v1/nodes/%zz")).toMatchObject({ code: 400, body: { reason: "BadRequest" } });
		expect(await ask("PUT", CONFIGMAPS)).toMatchObject({ code: 405, body: { reason: "MethodNotAllowed" } });
		const accept = "application/cbor";
		expect(await ask("GET", CONFIGMAPS, { accept })).toMatchObject({ code: 406, body: { reason: "NotAcceptable" } });
	});
});

describe("clients that hang", () => {
	it("do not keep a thousand others waiting, and are let go", async () => {
		await open({ requestMs: 3000 });
		const { port } = new URL(server.url);
		const begun = [
			"",
			"GET /api HTTP/1.1\r\nHost: loc",
			`POST ${CONFIGMAPS} HTTP/1.1\r\nHost: localhost\r\ncontent-length: 9\r\n\r\n{`,
		];
		// The first may be let go before the last has connected.
		const closed: Promise<void>[] = [];
		const hanging = Array.from({ length: 1000 }, (_, i) => {
			const socket = connect(Number(port), "127.0.0.1");
			if (i % begun.length !== 0) closed.push(new Promise((resolve) => socket.on("close", () => resolve())));
			socket.on("error", () => {});
			socket.resume();
			socket.on("connect", () => socket.write(begun[i % begun.length] ?? ""));
			return socket;
		});
		await Promise.all(hanging.map((socket) => new Promise((resolve) => socket.on("connect", resolve))));
		expect(await ask("GET", "/readyz")).toEqual({ code: 200, body: { text: "ok" } });
		await Promise.all(closed);
		expect(await ask("GET", "/readyz")).toEqual({ code: 200, body: { text: "ok" } });
		for (const socket of hanging) socket.destroy();
	});

	it("miss nothing of a watch that they read late", async () => {
		const { port } = new URL(server.url);
		const socket = connect(Number(port), "127.0.0.1");
		socket.pause();
		socket.write(
			`GET ${CONFIGMAPS}?watch=1&resourceVersion=${registry.storage.revision} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
		);
		await new Promise((resolve) => setTimeout(resolve, 100));
		const COUNT = 300;
		for (let i = 0; i < COUNT; i++) {
			const metadata = { name: `c${String(i).padStart(4, "0")}`, namespace: "default" };
			made(registry, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "x".repeat(50_000) } } as never);
			server.drain();
		}
		const names: string[] = [];
		let text = "";
		socket.on("data", (chunk) => {
			text += String(chunk);
			const found = [...text.matchAll(/"metadata":\{"name":"(c\d{4})"/g)];
			names.push(...found.map(([, name]) => name ?? ""));
			const last = found.at(-1);
			if (last) text = text.slice(last.index + last[0].length);
		});
		socket.resume();
		await expect.poll(() => names.length, { timeout: 120_000 }).toBe(COUNT);
		expect(names).toEqual([...names].sort());
		socket.destroy();
	});
});

describe("closing", () => {
	it("ends the watches", async () => {
		const response = await fetch(`${server.url}${CONFIGMAPS}?watch=1`);
		await server.close();
		expect(await response.text()).toBe("");
	});
});
