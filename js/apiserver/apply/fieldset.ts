// Sets of fields, as `metadata.managedFields` keeps them: a tree whose steps are written as in FieldsV1
// (sigs.k8s.io/structured-merge-diff/v6/fieldpath): `f:NAME`, `k:{…}` for an item of a keyed list, `v:…` for one of a set.

import { isObject, type Json, type JsonObject } from "../patch/json.ts";

export interface FieldSet {
	/** The field itself is in the set, not only what is below it. */
	readonly self: boolean;
	readonly members: ReadonlyMap<string, FieldSet>;
}

export const EMPTY: FieldSet = { self: false, members: new Map() };
export const LEAF: FieldSet = { self: true, members: new Map() };

export function fieldSet(self: boolean, members: Iterable<readonly [string, FieldSet]>): FieldSet {
	return { self, members: new Map([...members].filter(([, set]) => !isEmpty(set))) };
}

export function isEmpty(set: FieldSet): boolean {
	return !set.self && set.members.size === 0;
}

const below = (set: FieldSet, step: string): FieldSet => set.members.get(step) ?? EMPTY;

function combined(a: FieldSet, b: FieldSet, self: (a: boolean, b: boolean) => boolean): FieldSet {
	const steps = new Set([...a.members.keys(), ...b.members.keys()]);
	return fieldSet(
		self(a.self, b.self),
		[...steps].map((step) => [step, combined(below(a, step), below(b, step), self)] as const),
	);
}

export const union = (a: FieldSet, b: FieldSet): FieldSet => combined(a, b, (x, y) => x || y);
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => combined(a, b, (x, y) => x && y);
export const difference = (a: FieldSet, b: FieldSet): FieldSet => combined(a, b, (x, y) => x && !y);

/** `a` without what lies at or below a field of `b`. */
export function without(a: FieldSet, b: FieldSet): FieldSet {
	if (b.self) return EMPTY;
	return fieldSet(
		a.self,
		[...a.members].map(([step, set]) => [step, without(set, below(b, step))] as const),
	);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
	if (a.self !== b.self || a.members.size !== b.members.size) return false;
	return [...a.members].every(([step, set]) => b.members.has(step) && equalSets(set, below(b, step)));
}

/** As the API shows it; steps in order. */
export function toFieldsV1(set: FieldSet): JsonObject {
	const members = [...set.members].sort(([a], [b]) => (a < b ? -1 : 1));
	const self: [string, Json][] = set.self && members.length > 0 ? [[".", {}]] : [];
	return Object.fromEntries([...self, ...members.map(([step, below]): [string, Json] => [step, toFieldsV1(below)])]);
}

/** `root`: the whole object, which is never a field itself. */
export function fromFieldsV1(value: Json | undefined, root = true): FieldSet {
	const entries = isObject(value) ? Object.entries(value) : [];
	const members = entries.filter(([step]) => step !== ".");
	return fieldSet(
		!root && (members.length === 0 || entries.length > members.length),
		members.map(([step, below]) => [step, fromFieldsV1(below, false)] as const),
	);
}

/** Every field as messages name it: `.spec.template.spec.containers[name="web"].image`. */
export function printFields(set: FieldSet, path = ""): string[] {
	const own = set.self ? [path] : [];
	return [...own, ...[...set.members].flatMap(([step, below]) => printFields(below, path + printStep(step)))];
}

function printStep(step: string): string {
	const text = step.slice(2);
	if (step.startsWith("f:")) return `.${text}`;
	if (step.startsWith("v:")) return `[=${text}]`;
	const keys = Object.entries(JSON.parse(text) as JsonObject);
	return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
