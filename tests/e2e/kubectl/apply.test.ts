// `kubectl apply -f` of every manifest in the test data: all of it is taken, and taken again without a change.

import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { respond } from "../../../js/apiserver/rest/respond.ts";
import { readSingleYaml } from "../../../js/manifests/single.ts";
import { listen } from "../../../js/serve/http.ts";
import { emptyRegistry, made } from "../../apiserver/registry.ts";
import { kubectls } from "./binary.ts";
import { run } from "./run.ts";

const FOLDER = resolve("../shared/data/manifests");
const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")) : [];

describe.each(kubectls())("kubectl $version apply", ({ binary }) => {
	it.each(files)("%s", async (name) => {
		const folder = mkdtempSync(join(tmpdir(), "podwire-apply-"));
		const registry = emptyRegistry("default");
		// Namespaces that the manifests take for granted.
		for (const namespace of ["monitoring", "argocd"])
			made(registry, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
		const server = await listen((request) => respond(registry, request, readSingleYaml), { port: 0 });
		try {
			const place = { binary, folder, connection: ["--server", server.url] };
			const first = await run(place, ["apply", "-f", join(FOLDER, name)]);
			expect({ code: first.code, err: errors(first.err) }).toEqual({ code: 0, err: "" });
			const { revision } = registry.storage;
			const second = await run(place, ["apply", "-f", join(FOLDER, name)]);
			expect(second.code).toBe(0);
			// It may say `configured` of lists without keys whose items the server completed; nothing is written all the same.
			expect(registry.storage.revision).toBe(revision);
		} finally {
			await server.close();
			rmSync(folder, { recursive: true, force: true });
		}
	});
});

/** What is said beside warnings. */
function errors(text: string): string {
	return text
		.split("\n")
		.filter((line) => !line.startsWith("Warning: "))
		.join("\n")
		.trim();
}
