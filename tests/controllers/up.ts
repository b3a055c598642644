// A cluster out of a few lines of YAML, for the tests of whatever makes one.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { configure, type Flags } from "../../js/manifests/configuration.ts";
import { loadManifests } from "../../js/manifests/load.ts";
import { type Realised, type RealiseOptions, realise } from "../../js/realise.ts";
import { seededRandom } from "../../js/sim/random.ts";

export const SHARED = new URL("../../../shared/data/", import.meta.url).pathname;

/** `flags`: without `apiServer`, none. */
export function up(
	text: string,
	{ flags = {}, seed = 1, ...options }: { flags?: Flags; seed?: number } & RealiseOptions = {},
): Realised {
	const loaded = loadManifests([{ name: "deploy.yaml", text }]);
	expect(loaded.errors).toEqual([]);
	const { configuration, errors } = configure(loaded.objects, { apiServer: "none", ...flags });
	expect(errors).toEqual([]);
	return realise(loaded.objects, configuration, seededRandom(seed), options);
}

export function of<T extends KubernetesObject>(realised: Realised, kind: T["kind"]): T[] {
	return realised.objects.filter((object) => object.kind === kind) as T[];
}

export function named<T extends KubernetesObject>(realised: Realised, kind: T["kind"], name: string): T {
	const found = of<T>(realised, kind).find((object) => object.metadata.name === name);
	if (found === undefined) throw new Error(`no ${kind} ${name}`);
	return found;
}

export function shared(name: string): string {
	return readFileSync(`${SHARED}${name}`, "utf8");
}

export function workload(kind: string, name: string, spec = "", podSpec = ""): string {
	return `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  ${spec}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      ${podSpec}
      containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]
`;
}

export function service(name: string, spec = ""): string {
	return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec:\n  selector: {app: ${name}}\n  ports: [{port: 80, targetPort: http}]\n  ${spec}\n`;
}

export function node(name: string, rest = "", labels = ""): string {
	return `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {kubernetes.io/hostname: ${name}${labels}}}\n${rest}\n`;
}

export function join(...documents: string[]): string {
	return documents.join("---\n");
}
