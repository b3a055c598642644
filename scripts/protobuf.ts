// `node scripts/ts.mjs scripts/protobuf.ts API APIMACHINERY`: writes js/api/schema/protobuf.generated.ts from the Go modules
// k8s.io/api and k8s.io/apimachinery (`go mod download -json` says where they are): of each type in kubernetes.generated.ts the
// numbers that its fields have on the wire, as the struct tags in types.go give them. Structure only.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubernetes } from "../js/api/schema/kubernetes.generated.ts";
import type { FieldSchema, ProtobufMessage } from "../js/api/schema/schema.ts";
import { ROOT } from "./run.mjs";

/** By Go name: the lines between the braces of `type NAME struct {`. */
type Structs = Map<string, string[]>;

function structsOf(folder: string): Structs {
	const structs: Structs = new Map();
	const files = readdirSync(folder).filter((file) => /^[a-z_0-9]+\.go$/.test(file) && !/_test\.go$/.test(file));
	for (const file of files) {
		const text = readFileSync(join(folder, file), "utf8");
		for (const [, name = "", body = ""] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
			structs.set(name, body.split("\n"));
	}
	return structs;
}

/** `core.v1.Pod` is in `core/v1` of the one module, `meta.v1.ObjectMeta` in `pkg/apis/meta/v1` of the other; others have no form. */
function folderOf(type: string, api: string, apimachinery: string): string | undefined {
	const [group = "", version = ""] = type.split(".");
	if (group === "apiextensions") return undefined;
	return group === "meta" ? join(apimachinery, "pkg/apis/meta", version) : join(api, group, version);
}

const FIELD = /^\t(?:\w+\s+)?(\S+)\s+`(.*)`/;
const ZEROABLE: ReadonlySet<unknown> = new Set(["string", "int32", "int64", "number", "boolean", "bytes"]);

/** `fields` of the type that the message is, or is embedded in. */
function messageOf(structs: Structs, name: string, fields: Readonly<Record<string, FieldSchema>>): ProtobufMessage {
	const lines = structs.get(name);
	if (lines === undefined) throw new Error(`no struct ${name}`);
	const members: [number, string | ProtobufMessage][] = [];
	for (const line of lines) {
		const [, type = "", tags = ""] = FIELD.exec(line) ?? [];
		const number = Number(/protobuf:"\w+,(\d+)/.exec(tags)?.[1]);
		if (Number.isNaN(number)) continue;
		const [json = "", ...options] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? "").split(",");
		if (options.includes("inline")) {
			members.push([number, messageOf(structs, type.replace(/^\*/, ""), fields)]);
			continue;
		}
		const schema = fields[json];
		// Fields that the release's document does not have are alpha and off.
		if (schema === undefined) continue;
		const omitted = options.includes("omitempty") && !type.startsWith("*") && ZEROABLE.has(schema);
		members.push([number, omitted ? `${json}?` : json]);
	}
	return Object.fromEntries(members);
}

const [api, apimachinery] = process.argv.slice(2);
if (api === undefined || apimachinery === undefined) {
	process.stderr.write("usage: node scripts/ts.mjs scripts/protobuf.ts API APIMACHINERY\n");
	process.exit(2);
}
const folders = new Map<string, Structs>();
const lines: string[] = [];
for (const [type, { fields }] of Object.entries(kubernetes.types)) {
	const folder = folderOf(type, api, apimachinery);
	if (folder === undefined) continue;
	const structs = folders.get(folder) ?? structsOf(folder);
	folders.set(folder, structs);
	const message = messageOf(structs, type.split(".").at(-1) ?? "", fields);
	const text = JSON.stringify(message);
	const missing = Object.keys(fields).filter(
		(name) => !["kind", "apiVersion"].includes(name) && !text.includes(`"${name}"`) && !text.includes(`"${name}?"`),
	);
	if (missing.length > 0) throw new Error(`${type}: no number of ${missing.join(", ")}`);
	lines.push(`\t${JSON.stringify(type)}: ${text.replace(/"(\d+)":/g, "$1:")},`);
}
writeFileSync(
	join(ROOT, "js/api/schema/protobuf.generated.ts"),
	`// Written by \`scripts/protobuf.ts\` from k8s.io/api and k8s.io/apimachinery of Kubernetes ${kubernetes.release} (Apache-2.0): field numbers only.

import type { ProtobufMessage } from "./schema.ts";

export const protobuf: Readonly<Record<string, ProtobufMessage>> = {
${lines.join("\n")}
};
`,
);
process.stdout.write(`${lines.length} messages\n`);
