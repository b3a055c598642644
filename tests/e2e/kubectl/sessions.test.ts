// A long session with each kubectl, compared word for word with a recorded transcript: what it prints on stdout and stderr, and how
// it ends. There was no API server of Kubernetes to record against: the words are kubectl's own, the objects are ours.
// `RECORD=1` writes the transcripts anew; what is different is to be read before it is kept.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../js/api/meta.ts";
import type { Registry } from "../../../js/apiserver/registry/request.ts";
import { respond } from "../../../js/apiserver/rest/respond.ts";
import { readSingleYaml } from "../../../js/manifests/single.ts";
import { listen } from "../../../js/serve/http.ts";
import { emptyRegistry, made } from "../../apiserver/registry.ts";
import { kubectls } from "./binary.ts";
import { FILES } from "./manifests.ts";
import { run } from "./run.ts";
import { type Act, type Command, STEPS } from "./steps.ts";

const START = BigInt(Date.UTC(2026, 10, 26)) * 1_000_000n;
const MINUTE = 60_000_000_000n;

/** What is different on other runs: ports, the client's clock, its temporary files. */
function masked(text: string): string {
	return (
		text
			.replace(/http:\/\/127\.0\.0\.1:\d+/g, "SERVER")
			.replace(/127\.0\.0\.1:\d+/g, "SERVER")
			.replace(/(restartedAt"?: ?"?)[^"\s]+/g, "$1TIME")
			.replace(/^((?:---|\+\+\+|diff) .*)$/gm, (line) =>
				line.replace(/\/\S*\/(LIVE|MERGED)-\d+/g, "$1").replace(/\t.*/, ""),
			)
			.replace(/(edit-)\d+/g, "$1N")
			// These count what the API had before the session.
			.replace(/(resourceVersion: )"\d+"/g, '$1"N"')
			.replace(/(uid: )[0-9a-f-]{36}/g, "$1UID")
			.replace(/[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] /g, "LOG ")
	);
}

describe.each(kubectls())("a session with kubectl $version", ({ version, binary }) => {
	it("goes as it did", async () => {
		const folder = mkdtempSync(join(tmpdir(), "podwire-session-"));
		let now = START;
		const registry = emptyRegistry("default", () => now);
		const server = await listen((request) => respond(registry, request, readSingleYaml), { port: 0 });
		const lines: string[] = [];
		let count = 0;
		try {
			for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
			now += 5n * MINUTE;
			for (const step of STEPS) {
				if (typeof step === "object" && "act" in step) {
					act(registry, step.act);
					lines.push(`# ${step.act}`, "");
					continue;
				}
				const command: Command = typeof step === "string" ? { line: step } : step;
				if (command.only !== undefined && command.only !== version) continue;
				const { line, more = [], input = "", env = {} } = command;
				const place = { binary, folder, connection: ["--server", server.url], env };
				const { code, out, err } = await run(place, [...line.split(" "), ...more], input);
				lines.push(
					`$ kubectl ${[line, ...more].join(" ")}`,
					masked(out) + masked(err).replace(/^(?=.)/gm, "! "),
					`[${code}]`,
					"",
				);
				count++;
			}
		} finally {
			await server.close();
			rmSync(folder, { recursive: true, force: true });
		}
		expect(count).toBeGreaterThanOrEqual(80);
		const file = new URL(`golden/session-${version}.txt`, import.meta.url);
		const transcript = lines.join("\n");
		if (process.env["RECORD"] === "1") writeFileSync(file, transcript);
		expect(transcript).toBe(readFileSync(file, "utf8"));
	});
});

/** Writes as a controller would, past the rules for clients. */
function act(registry: Registry, what: Act["act"]): void {
	const { storage } = registry;
	const web = storage.get("deployments.apps", "default", "web") as KubernetesObject;
	switch (what) {
		case "rolled-out": {
			const replicas = (web.spec as { replicas: number }).replicas;
			const conditions = [
				{
					type: "Available",
					status: "True",
					reason: "MinimumReplicasAvailable",
					message: "Deployment has minimum availability.",
				},
				{
					type: "Progressing",
					status: "True",
					reason: "NewReplicaSetAvailable",
					message: 'ReplicaSet "web-2" has successfully progressed.',
				},
			];
			const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
			storage.put("deployments.apps", {
				...web,
				status: { observedGeneration: web.metadata.generation, ...counts, conditions },
			});
			return;
		}
		case "replica-sets": {
			const owner = {
				apiVersion: "apps/v1",
				kind: "Deployment",
				name: "web",
				uid: web.metadata.uid ?? "",
				controller: true,
			};
			for (const revision of [1, 2]) {
				const hash = `hash${revision}`;
				const labels = { app: "web", "pod-template-hash": hash };
				made(registry, {
					apiVersion: "apps/v1",
					kind: "ReplicaSet",
					metadata: {
						...{ name: `web-${revision}`, namespace: "default", labels, ownerReferences: [owner] },
						annotations: { "deployment.kubernetes.io/revision": String(revision) },
					},
					spec: {
						replicas: revision === 2 ? 4 : 0,
						selector: { matchLabels: labels },
						template: { metadata: { labels }, spec: { containers: [{ name: "nginx", image: `nginx:${revision}` }] } },
					},
				});
			}
			const annotations = { ...web.metadata.annotations, "deployment.kubernetes.io/revision": "2" };
			storage.put("deployments.apps", { ...web, metadata: { ...web.metadata, annotations } });
			return;
		}
		case "pods": {
			const pod = made(registry, {
				apiVersion: "v1",
				kind: "Pod",
				metadata: { name: "ready", namespace: "default" },
				spec: { nodeName: "node-1", containers: [{ name: "c", image: "i" }] },
			});
			const containerStatuses = [
				{ name: "c", ready: true, restartCount: 2, image: "i", imageID: "", state: { running: {} }, started: true },
			];
			const conditions = [{ type: "Ready", status: "True" }];
			const status = {
				phase: "Running",
				podIP: "10.244.0.7",
				podIPs: [{ ip: "10.244.0.7" }],
				conditions,
				containerStatuses,
			};
			storage.put("pods", { ...pod, status });
		}
	}
}
