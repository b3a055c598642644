// `node scripts/ts.mjs tests/apiserver/record.ts URL TOKEN [TOPIC…]`: puts the questions to a Kubernetes API server (without
// controllers, without the admission plugin ServiceAccount, with service ranges 10.96.0.0/16 and fd00:10:96::/112) and writes
// down its answers. NODE_TLS_REJECT_UNAUTHORIZED=0 where its certificate is its own.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/run.mjs";
import { type Answer, normalised, type Scene, type Step, withTold } from "./questions/question.ts";
import { TOPICS } from "./questions/topics.ts";

const [server, token, ...only] = process.argv.slice(2);
if (server === undefined || token === undefined) {
	process.stderr.write("usage: node scripts/ts.mjs tests/apiserver/record.ts URL TOKEN [TOPIC…]\n");
	process.exit(2);
}

/** Until a path is served, a few seconds at most. */
async function served(url: string): Promise<void> {
	for (let attempt = 0; attempt < 50; attempt++) {
		if ((await ask({ method: "GET", url })).code === 200) return;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	throw new Error(`${url} is not served`);
}

async function ask({ method, url, body, type = "application/json" }: Step): Promise<{ code: number; body: unknown }> {
	const response = await fetch(server + url, {
		method,
		headers: { authorization: `Bearer ${token}`, "content-type": type, accept: "application/json" },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	const text = await response.text();
	// A group that nobody serves is no Status.
	return { code: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

const placed = (value: unknown, namespace: string) =>
	value === undefined ? undefined : JSON.parse(JSON.stringify(value).replaceAll("{ns}", namespace));

async function play(scene: Scene, namespace: string): Promise<Answer[]> {
	await ask({ method: "POST", url: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
	const answers: Answer[] = [];
	const made: string[] = [];
	const bodies: unknown[] = [];
	for (const step of scene.steps) {
		const asked = {
			...step,
			url: withTold(step.url.replaceAll("{ns}", namespace), bodies),
			body: placed(step.body, namespace),
		};
		if (step.method === "WAIT") {
			await served(asked.url);
			answers.push({ code: 0, body: null });
			bodies.push(null);
			continue;
		}
		const { code, body } = await ask(asked);
		bodies.push(body);
		if (code === 201 && !asked.url.includes("?"))
			made.push(
				step.method === "PUT" ? asked.url : `${asked.url}/${(body as { metadata: { name: string } }).metadata.name}`,
			);
		answers.push({ code, body: normalised(body, JSON.stringify(scene.steps), namespace) });
	}
	for (const url of made.reverse()) {
		await ask({ method: "PATCH", url, type: "application/merge-patch+json", body: { metadata: { finalizers: null } } });
		await ask({ method: "DELETE", url: `${url}?gracePeriodSeconds=0&propagationPolicy=Background` });
	}
	await ask({ method: "DELETE", url: `/api/v1/namespaces/${namespace}` });
	return answers;
}

const { body: version } = await ask({ method: "GET", url: "/version" });
const { gitVersion } = version as { gitVersion: string };
let number = Date.now();
for (const [topic, scenes] of Object.entries(TOPICS)) {
	if (only.length > 0 && !only.includes(topic)) continue;
	const lines: string[] = [];
	for (const scene of scenes) {
		const answers = await play(scene, `scene-${number++}`);
		lines.push(
			`${JSON.stringify(scene.title)}: [\n${answers.map((answer) => `\t${JSON.stringify(answer)}`).join(",\n")}\n]`,
		);
	}
	const file = join(ROOT, `tests/apiserver/answers/${topic}.json`);
	writeFileSync(file, `{"release": ${JSON.stringify(gitVersion)}, "scenes": {\n${lines.join(",\n")}\n}}\n`);
	process.stdout.write(`${topic}: ${scenes.length} scenes\n`);
}
