// One object in YAML, as the API takes one in a request's body.

import { LIMITS, Text } from "./document.ts";
import { parseYaml } from "./yaml.ts";

/** Throws ManifestError. `strict`: a duplicate key is an error, else the last one counts. */
export function readSingleYaml(text: string, strict: boolean): unknown {
	const source = new Text("the body", text);
	const { documents, errors } = parseYaml(source, { limits: LIMITS, strict });
	const [error] = errors;
	if (error !== undefined) throw error;
	const [document, second] = documents;
	if (second !== undefined) throw source.error(second.offset, "", "a second document: expected one object");
	if (document === undefined) throw source.error(0, "", "no document: expected one object");
	return document.root;
}
