// How a patch is refused of which an object comes out that is none of its kind
// (k8s.io/apiserver/pkg/endpoints/handlers/patch.go: applyPatchToCurrentObject, applyPatchToObject).

import { isArray, isObject, type Json } from "../patch/json.ts";
import { STRATEGIC_MERGE_PATCH } from "../registry/patch.ts";
import { invalid, invalidValue, type StatusError } from "../status.ts";

/** `made`: what comes out, which is shown; of a strategic merge patch the patch itself is, as Go prints a map. */
export function unpatchable(type: string, patch: Json, made: Json, why: string): StatusError {
	const shown = type === STRATEGIC_MERGE_PATCH ? goValue(patch) : JSON.stringify(made);
	return invalid("", "", "", [invalidValue("patch", shown, why)]);
}

/** As fmt's `%+v` has it: keys of maps in order. */
function goValue(value: Json): string {
	if (value === null) return "<nil>";
	if (isArray(value)) return `[${value.map(goValue).join(" ")}]`;
	if (!isObject(value)) return String(value);
	const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return `map[${entries.map(([key, item]) => `${key}:${goValue(item)}`).join(" ")}]`;
}
