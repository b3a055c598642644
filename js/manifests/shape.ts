// What a field may hold, as data: a kind's schema is a tree of shapes, and one walk checks a value against it.
// It finds what is wrong (errors) and what upstream would drop or ignore (unknown fields: warnings).

import { familyOf, parsePrefix } from "../net/address.ts";
import { nearestWord } from "../net/error.ts";
import type { Path } from "./document.ts";
import { quote } from "./error.ts";

export type Shape =
	| { kind: "any" }
	| { kind: "string"; expected?: string; valid?: (text: string) => boolean }
	| { kind: "integer"; min: number; max: number }
	| { kind: "boolean" }
	| { kind: "enum"; words: readonly string[] }
	| { kind: "portOrName" }
	| { kind: "countOrPercent" }
	| { kind: "list"; of: Shape; key?: readonly string[] }
	| { kind: "map"; of: Shape }
	| { kind: "object"; fields: Readonly<Record<string, Shape>>; required: readonly string[]; known: readonly string[] };

export interface Problem {
	severity: "error" | "warning";
	path: Path;
	message: string;
	/** The position meant is that of the field's name. */
	atKey?: boolean;
}

export type Report = (problem: Problem) => void;

export const any: Shape = { kind: "any" };
export const string: Shape = { kind: "string" };
export const boolean: Shape = { kind: "boolean" };
export const portOrName: Shape = { kind: "portOrName" };
export const countOrPercent: Shape = { kind: "countOrPercent" };

export function integer(min: number, max = 2147483647): Shape {
	return { kind: "integer", min, max };
}

export const port: Shape = integer(1, 65535);

export function words(...list: string[]): Shape {
	return { kind: "enum", words: list };
}

/** `key`: fields whose values together must differ between items. */
export function list(of: Shape, ...key: string[]): Shape {
	return { kind: "list", of, key };
}

export function map(of: Shape): Shape {
	return { kind: "map", of };
}

/**
 * A map with known fields. `required`: names. `known`: space-separated names of fields that exist upstream and pass
 * unchecked; any other name is a warning.
 */
export function object(fields: Record<string, Shape>, required: readonly string[] = [], known = ""): Shape {
	return { kind: "object", fields, required, known: known.split(" ").filter((name) => name !== "") };
}

function matching(expected: string, valid: (text: string) => boolean): Shape {
	return { kind: "string", expected, valid };
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

function isQualifiedName(text: string): boolean {
	const parts = text.split("/");
	const name = parts[parts.length - 1] ?? "";
	if (parts.length > 2 || name === "" || name.length > 63 || !VALUE.test(name)) return false;
	const prefix = parts.length === 2 ? (parts[0] ?? "") : null;
	return prefix === null || (prefix.length <= 253 && SUBDOMAIN.test(prefix));
}

export const dnsLabel = matching(
	"a DNS label (a-z, 0-9, '-'; at most 63 characters)",
	(text) => text.length <= 63 && LABEL.test(text),
);
export const dnsSubdomain = matching(
	"a DNS subdomain (a-z, 0-9, '-', '.'; at most 253 characters)",
	(text) => text.length <= 253 && SUBDOMAIN.test(text),
);
export const portName = matching(
	"a port name (a-z, 0-9, '-', a letter among them; at most 15 characters)",
	(text) => text.length <= 15 && LABEL.test(text) && /[a-z]/.test(text) && !text.includes("--"),
);
export const labelValue = matching(
	"a label value (letters, digits, '-', '_', '.'; at most 63 characters)",
	(text) => text.length <= 63 && VALUE.test(text),
);
export const address = matching("an IP address", (text) => familyOf(text) !== null);
export const cidr = matching(
	"a CIDR such as 10.244.0.0/16",
	(text) => text.includes("/") && parsePrefix(text) !== null,
);
/** `loadBalancerSourceRanges` tolerate leading and trailing spaces. */
export const looseCidr = matching(
	"a CIDR such as 203.0.113.0/24",
	(text) => text.includes("/") && parsePrefix(text.trim()) !== null,
);
export const clusterIP = matching(
	'an IP address, "None" or ""',
	(text) => text === "" || text === "None" || familyOf(text) !== null,
);
export const emptyOrAddress = matching("an IP address", (text) => text === "" || familyOf(text) !== null);
export const qualifiedName = matching("a qualified name", isQualifiedName);

/** Reports every problem of `value` at `path`. Null is as absent, as the API server has it. */
export function check(shape: Shape, value: unknown, path: Path, report: Report): void {
	switch (shape.kind) {
		case "any":
			return;
		case "list":
			checkList(shape, value, path, report);
			return;
		case "map":
			checkMap(shape.of, value, path, report);
			return;
		case "object":
			checkObject(shape, value, path, report);
			return;
		default: {
			const message = checkScalar(shape, value);
			if (message !== null) report({ severity: "error", path, message });
		}
	}
}

type ScalarShape = Exclude<Shape, { kind: "any" | "list" | "map" | "object" }>;

/** The message of a scalar that does not fit, or null. */
function checkScalar(shape: ScalarShape, value: unknown): string | null {
	switch (shape.kind) {
		case "string":
			if (typeof value !== "string") return `must be ${shape.expected ?? "a string"}, got ${mistyped(value)}`;
			return shape.valid === undefined || shape.valid(value) ? null : `must be ${shape.expected}, got ${quote(value)}`;
		case "boolean":
			return typeof value === "boolean" ? null : `must be true or false, got ${mistyped(value)}`;
		case "integer":
			return checkInteger(shape, value);
		case "enum":
			return checkWord(shape.words, value);
		case "portOrName":
			if (typeof value === "number") return checkInteger({ min: 1, max: 65535 }, value);
			return typeof value === "string"
				? checkScalar(portName as ScalarShape, value)
				: `must be a port number or a port name, got ${mistyped(value)}`;
		case "countOrPercent":
			if (typeof value === "number") return checkInteger({ min: 0, max: 2147483647 }, value);
			return typeof value === "string" && /^[0-9]+%$/.test(value)
				? null
				: `must be a count or a percentage such as 25%, got ${mistyped(value)}`;
	}
}

function checkInteger({ min, max }: { min: number; max: number }, value: unknown): string | null {
	const range = max === 2147483647 ? `an integer of at least ${min}` : `${min}-${max}`;
	if (typeof value !== "number" || !Number.isInteger(value)) return `must be ${range}, got ${mistyped(value)}`;
	return value < min || value > max ? `must be ${range}, got ${value}` : null;
}

function checkWord(wordList: readonly string[], value: unknown): string | null {
	const expected = wordList.join(", ");
	if (typeof value !== "string") return `must be one of ${expected}, got ${mistyped(value)}`;
	if (wordList.includes(value)) return null;
	const near = nearestWord(value, wordList);
	return `must be one of ${expected}, got ${quote(value)}${near === null ? "" : `; did you mean ${near}?`}`;
}

/** A value of the wrong type: what it is, so that an unquoted `yes` explains itself. */
function mistyped(value: unknown): string {
	if (typeof value === "boolean") return `the boolean ${value} (quote it to make it a string)`;
	if (typeof value === "number") return `the number ${value}`;
	return typeof value === "string" ? `the string ${quote(value)}` : quote(value);
}

function checkList(shape: { of: Shape; key?: readonly string[] }, value: unknown, path: Path, report: Report): void {
	if (!Array.isArray(value)) {
		report({ severity: "error", path, message: `must be a list, got ${mistyped(value)}` });
		return;
	}
	const seen = new Map<string, number>();
	value.forEach((item: unknown, index) => {
		if (item === null) report({ severity: "error", path: [...path, index], message: "is empty" });
		else check(shape.of, item, [...path, index], report);
		const key = keyOf(item, shape.key ?? []);
		if (key === null) return;
		const before = seen.get(key);
		if (before !== undefined) {
			report({
				severity: "error",
				path: [...path, index],
				message: `same ${shape.key?.join(" and ")} as item ${before}`,
			});
		} else seen.set(key, index);
	});
}

function keyOf(item: unknown, key: readonly string[]): string | null {
	if (key.length === 0 || typeof item !== "object" || item === null) return null;
	const values = key.map((field) => (item as Record<string, unknown>)[field]);
	return values.every((value) => value === undefined) ? null : JSON.stringify(values);
}

function isMap(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkMap(of: Shape, value: unknown, path: Path, report: Report): void {
	if (!isMap(value)) {
		report({ severity: "error", path, message: `must be a map, got ${mistyped(value)}` });
		return;
	}
	for (const [key, entry] of Object.entries(value)) check(of, entry, [...path, key], report);
}

type ObjectShape = Extract<Shape, { kind: "object" }>;

function checkObject(shape: ObjectShape, value: unknown, path: Path, report: Report): void {
	if (!isMap(value)) {
		report({ severity: "error", path, message: `must be a map, got ${mistyped(value)}` });
		return;
	}
	for (const [name, entry] of Object.entries(value)) {
		const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
		if (field === undefined) {
			if (!shape.known.includes(name)) report(unknownField(shape, name, path));
		} else if (entry !== null) check(field, entry, [...path, name], report);
	}
	for (const name of shape.required) {
		if (value[name] === undefined || value[name] === null) report(missingField(shape, value, name, path));
	}
}

function unknownField(shape: ObjectShape, name: string, path: Path): Problem {
	const near = nearestWord(name, [...Object.keys(shape.fields), ...shape.known]);
	const message = near === null ? "unknown field, ignored" : `unknown field, ignored; did you mean ${near}?`;
	return { severity: "warning", path: [...path, name], message, atKey: true };
}

/** A required field that is not there: perhaps it is, misspelt. */
function missingField(shape: ObjectShape, value: Record<string, unknown>, name: string, path: Path): Problem {
	const strangers = Object.keys(value).filter((key) => !Object.hasOwn(shape.fields, key) && !shape.known.includes(key));
	const near = nearestWord(name, strangers);
	const message = near === null ? "required" : `required; is ${quote(near)} meant?`;
	return { severity: "error", path: [...path, name], message };
}
