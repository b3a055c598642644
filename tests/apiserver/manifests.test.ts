// Real manifests, posted object by object with strict validation: all are taken.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { sharedData } from "../net/shared.ts";
import { emptyRegistry } from "./registry.ts";

const folder = sharedData === null ? null : `${sharedData}manifests/`;
const files = folder === null ? [] : readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function objectsOf(text: string): KubernetesObject[] {
	return parseAllDocuments(text)
		.map((document) => document.toJS())
		.filter((object) => object?.kind !== undefined)
		.flatMap((object) => (object.kind === "List" ? object.items : [object]));
}

describe.skipIf(files.length === 0)("manifests (skipped without the shared data)", () => {
	it.each(files)("%s", (name) => {
		const registry = emptyRegistry("monitoring");
		for (const object of objectsOf(readFileSync(folder + name, "utf8"))) {
			const resource = registry.catalogue.ofKind(object.apiVersion, object.kind);
			expect(resource, `${object.apiVersion} ${object.kind}`).toBeDefined();
			const root = object.apiVersion.includes("/") ? "/apis" : "/api";
			const namespace = resource?.namespaced ? `/namespaces/${object.metadata.namespace ?? "default"}` : "";
			const answer = respond(registry, {
				method: "POST",
				url: `${root}/${object.apiVersion}${namespace}/${resource?.plural}?fieldValidation=Strict`,
				headers: { "content-type": "application/json" },
				body: new TextEncoder().encode(JSON.stringify(object)),
			});
			const { message } = JSON.parse(new TextDecoder().decode(answer.body as Uint8Array));
			expect([answer.code, message]).toEqual([201, undefined]);
		}
	});
});
