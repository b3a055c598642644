// What no well-behaved client sends, asked of a server from outside: the same code for Node and Deno, over a socket with TLS.
// Nothing but Node's modules, which both have.

import { request } from "node:https";
import { connect } from "node:net";

/**
 * @typedef {{url: string, token: string, ca: string}} Server
 * @typedef {{code: number, body: any}} Answer
 * @typedef {{method?: string, path?: string, headers?: Record<string, string>, body?: string | Uint8Array}} Asked
 */

const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";
const JSON_TYPE = "application/json";
const MERGE = "application/merge-patch+json";
const APPLY = "application/apply-patch+yaml";
/** @param {string} name @param {string} data */
const configMap = (name, data) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"data":${data}}`;
/** @param {number} levels */
const deep = (levels) => "[".repeat(levels) + "]".repeat(levels);
const BOMB = [
	"apiVersion: v1",
	"kind: ConfigMap",
	"l0: &l0 [lol]",
	...Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`),
].join("\n");
const DEPLOYMENT = JSON.stringify({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web" },
	spec: {
		selector: { matchLabels: { app: "one" } },
		template: { metadata: { labels: { app: "other" } }, spec: { containers: [{ name: "c", image: "i" }] } },
	},
});
const MIB = 1024 * 1024;

/** @type {Record<string, {asked: Asked, code: number, reason: string, says?: string}>} */
const REFUSED = {
	"no token": { asked: { headers: { authorization: "" } }, code: 401, reason: "Unauthorized" },
	"another token": { asked: { headers: { authorization: "Bearer nonsense" } }, code: 401, reason: "Unauthorized" },
	"a Host that is not ours": { asked: { headers: { host: "example.com" } }, code: 403, reason: "Forbidden" },
	"an unknown field": {
		asked: {
			method: "POST",
			path: `${CONFIGMAPS}?fieldValidation=Strict`,
			body: configMap("a", "{}").replace('"data"', '"dada"'),
		},
		code: 400,
		reason: "BadRequest",
		says: 'unknown field "dada"',
	},
	"a __proto__ field": {
		asked: {
			method: "POST",
			path: `${CONFIGMAPS}?fieldValidation=Strict`,
			body: '{"__proto__":{"polluted":true},"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}',
		},
		code: 400,
		reason: "BadRequest",
		says: 'unknown field "__proto__"',
	},
	"a body over 3 MiB": {
		asked: { method: "POST", body: configMap("a", `{"a":"${"x".repeat(3 * MIB)}"}`) },
		code: 413,
		reason: "RequestEntityTooLarge",
	},
	"no JSON": { asked: { method: "POST", body: "{" }, code: 400, reason: "BadRequest" },
	"nesting over 100": {
		asked: { method: "POST", body: deep(101) },
		code: 400,
		reason: "BadRequest",
		says: "deeper than 100",
	},
	"nesting of a million": { asked: { method: "POST", body: deep(1_000_000) }, code: 400, reason: "BadRequest" },
	"a YAML bomb": {
		asked: {
			method: "PATCH",
			path: `${CONFIGMAPS}/bomb?fieldManager=test`,
			headers: { "content-type": APPLY },
			body: BOMB,
		},
		code: 400,
		reason: "BadRequest",
		says: "alias",
	},
	"a name that is none": {
		asked: { method: "POST", body: configMap("A_b", "{}") },
		code: 422,
		reason: "Invalid",
		says: "RFC 1123 subdomain",
	},
	"a selector that does not match": {
		asked: { method: "POST", path: "/apis/apps/v1/namespaces/default/deployments", body: DEPLOYMENT },
		code: 422,
		reason: "Invalid",
		says: "`selector` does not match template `labels`",
	},
};

/** @param {Server} server @param {Asked} asked @returns {Promise<Answer>} */
export function ask({ url, token, ca }, { method = "GET", path = CONFIGMAPS, headers = {}, body }) {
	const own = { authorization: `Bearer ${token}`, "content-type": JSON_TYPE, ...headers };
	return new Promise((resolve, reject) => {
		const sent = request(
			url + path,
			{ method, ca, headers: own, agent: false, servername: "localhost" },
			(response) => {
				/** @type {Uint8Array[]} */
				const chunks = [];
				response.on("data", (chunk) => chunks.push(chunk));
				response.on("end", () => {
					const text = Buffer.concat(chunks).toString();
					resolve({ code: response.statusCode ?? 0, body: text.startsWith("{") ? JSON.parse(text) : text });
				});
			},
		);
		// A server that has answered need not read the rest.
		sent.on("error", (error) => ("code" in error && error.code === "EPIPE" ? undefined : reject(error)));
		sent.end(body);
	});
}

/** @param {boolean} holds @param {string} what @param {unknown} is */
function check(holds, what, is) {
	if (!holds) throw new Error(`${what}: ${JSON.stringify(is)?.slice(0, 400)}`);
}

/** Throws Error where the server answers otherwise, or keeps something of it. @param {Server} server */
export async function refusesAll(server) {
	const revision = async () => (await ask(server, { path: "/api/v1/configmaps" })).body.metadata.resourceVersion;
	const before = await revision();
	for (const [title, { asked, code, reason, says = "" }] of Object.entries(REFUSED)) {
		const answer = await ask(server, asked);
		const { kind, status, reason: why, code: number, message } = answer.body;
		check(answer.code === code && number === code && why === reason, title, answer);
		check(kind === "Status" && status === "Failure" && message.includes(says), title, answer);
	}
	check((await revision()) === before, "the store was touched", before);
}

/** Keys of any name are kept, and none is special. @param {Server} server */
export async function keepsAnyKey(server) {
	const names = ["__proto__", "constructor", "hasOwnProperty", "toString"];
	const data = `{${names.map((name, i) => `"${name}":"${i}"`).join(",")}}`;
	const made = await ask(server, { method: "POST", body: configMap("keys", data) });
	check(made.code === 201, "keys", made);
	check(Object.keys(made.body.data).sort().join() === names.join(), "keys", made);
	const headers = { "content-type": MERGE };
	const path = `${CONFIGMAPS}/keys`;
	const patched = await ask(server, {
		method: "PATCH",
		path,
		headers,
		body: '{"data":{"__proto__":"9","toString":null}}',
	});
	check(
		Object.entries(patched.body.data).some(([name, value]) => name === "__proto__" && value === "9") &&
			!Object.hasOwn(patched.body.data, "toString"),
		"patched keys",
		patched,
	);
	for (const wrong of ["/api/v1/__proto__", "/apis/__proto__/v1/constructor", `${path}/__proto__`])
		check((await ask(server, { path: wrong })).code === 404, wrong, null);
	await ask(server, { method: "DELETE", path });
}

/** A thousand clients that connect and say nothing, or half of something, keep nobody waiting. @param {Server} server */
export async function outlivesHangingClients(server) {
	const { port } = new URL(server.url);
	const sockets = await Promise.all(
		Array.from(
			{ length: 1000 },
			(_, i) =>
				new Promise((resolve, reject) => {
					const socket = connect(Number(port), "127.0.0.1", () => resolve(socket));
					socket.on("error", reject);
					// The beginning of a TLS handshake.
					if (i % 2 === 1) socket.write(new Uint8Array([0x16, 0x03, 0x01]));
				}),
		),
	);
	const ready = await ask(server, { path: "/readyz" });
	check(ready.code === 200 && ready.body === "ok", "readyz", ready);
	for (const socket of sockets) socket.destroy();
}
