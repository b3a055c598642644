// The paths of printer columns (k8s.io/client-go/util/jsonpath): `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.

import { isArray, isObject, type Json } from "../patch/json.ts";

const STEP =
	/\.([A-Za-z_][\w-]*)|\['([^']*)'\]|\[(\d+)\]|(\[\*\]|\.\*)|\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]/y;

/** Every value that the path leads to; null where the path is none that is read here. */
export function valuesAt(object: Json, path: string): Json[] | null {
	let values: Json[] = [object];
	let at = 0;
	while (at < path.length) {
		STEP.lastIndex = at;
		const match = STEP.exec(path);
		if (match === null) return null;
		at = STEP.lastIndex;
		const [, name, quoted, index, all, field, sign, ...texts] = match;
		const member = name ?? quoted?.replaceAll("\\.", ".");
		if (member !== undefined) values = values.flatMap((value) => memberOf(value, member));
		else if (index !== undefined)
			values = values.flatMap((value) => (isArray(value) ? (value[Number(index)] ?? []) : []));
		else if (all !== undefined) values = values.flatMap(membersOf);
		else
			values = values.flatMap(membersOf).filter((value) =>
				holds(
					value,
					field ?? "",
					sign === "==",
					texts.find((text) => text !== undefined),
				),
			);
	}
	return values;
}

function memberOf(value: Json, name: string): Json[] {
	return isObject(value) && Object.hasOwn(value, name) ? [value[name] as Json] : [];
}

function membersOf(value: Json): Json[] {
	if (isArray(value)) return [...value];
	return isObject(value) ? Object.values(value) : [];
}

function holds(value: Json, field: string, equal: boolean, wanted: string | undefined): boolean {
	const [found] = valuesAt(value, field) ?? [];
	return found !== undefined && (String(found) === wanted) === equal;
}
