// `node scripts/ts.mjs scripts/crds.ts FOLDER`: writes js/api/schema/definitions.generated.ts from the CustomResourceDefinitions
// in FOLDER (*.yaml): the kinds that are served from the start. Descriptions stay behind.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "./run.mjs";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
	process.stderr.write("usage: node scripts/ts.mjs scripts/crds.ts FOLDER\n");
	process.exit(2);
}

/** A schema without what is for readers alone; a property called `description` is no description. */
function bare(value: unknown, isProperties = false): unknown {
	if (Array.isArray(value)) return value.map((item) => bare(item));
	if (typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value).filter(
		([name]) => isProperties || (name !== "description" && name !== "example"),
	);
	return Object.fromEntries(
		entries.map(([name, member]) => [name, bare(member, !isProperties && name === "properties")]),
	);
}

/** As a literal of JavaScript; in single quotes JSON needs the fewest escapes. */
function quoted(json: string): string {
	return `'${json.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

const definitions = readdirSync(folder)
	.filter((name) => name.endsWith(".yaml"))
	.sort()
	.map((name) => parse(readFileSync(join(folder, name), "utf8")))
	.map(({ apiVersion, kind, metadata, spec }) => ({
		apiVersion,
		kind,
		metadata: { name: metadata.name, annotations: metadata.annotations },
		spec: bare(spec),
	}));
writeFileSync(
	join(ROOT, "js/api/schema/definitions.generated.ts"),
	`// Written by \`scripts/crds.ts\` from the CustomResourceDefinitions of the Gateway API and of ClusterNetworkPolicy (Apache-2.0):
// structure only.

import type { KubernetesObject } from "../meta.ts";

/** Made anew at each call: text is read only where an API is served. */
export function definitions(): KubernetesObject[] {
	return texts.map((text) => JSON.parse(text));
}

const texts: readonly string[] = [
${definitions.map((one) => `\t${quoted(JSON.stringify(one))},`).join("\n")}
];
`,
);
process.stdout.write(`${definitions.length} definitions\n`);
