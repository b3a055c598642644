// JSON merge patch (RFC 7386): members of the patch replace the target's, null removes, lists are replaced whole.

import { isObject, type Json } from "./json.ts";

export function mergePatch(target: Json | undefined, patch: Json): Json {
	if (!isObject(patch)) return patch;
	const merged = new Map(isObject(target) ? Object.entries(target) : []);
	for (const [name, value] of Object.entries(patch)) {
		if (value === null) merged.delete(name);
		else merged.set(name, mergePatch(merged.get(name), value));
	}
	return Object.fromEntries(merged);
}
