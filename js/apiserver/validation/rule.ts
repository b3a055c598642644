// What rules of validation are made of. A rule looks at one value and says what is wrong with it; a table of rules, member by
// member in the order in which upstream asks, is a rule for an object (k8s.io/apimachinery/pkg/util/validation/field).

import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";

/** `value`: undefined where the field is left out. `path`: `spec.ports[0].port`. */
export type Rule<T> = (value: T | undefined, path: string) => FieldError[];

export type Members<T> = { readonly [K in keyof T]?: Rule<NonNullable<T[K]>> };

export const below = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

/** The members of an object in the order of the table, then what concerns several of them. One left out counts as empty. */
export function fields<T extends object>(members: Members<T>, ...together: Rule<T>[]): Rule<T> {
	const rules = Object.entries(members) as [keyof T & string, Rule<unknown>][];
	return (value, path) => [
		...rules.flatMap(([name, rule]) => rule(value?.[name] ?? undefined, below(path, name))),
		...together.flatMap((rule) => rule(value ?? ({} as T), path)),
	];
}

/** Nothing is asked where the field is left out. */
export function optional<T>(...rules: Rule<T>[]): Rule<T> {
	return (value, path) => (value === undefined ? [] : rules.flatMap((rule) => rule(value, path)));
}

/** All of them. */
export function all<T>(...rules: Rule<T>[]): Rule<T> {
	return (value, path) => rules.flatMap((rule) => rule(value, path));
}

/** The first one that finds something. */
export function first<T>(...rules: Rule<T>[]): Rule<T> {
	return (value, path) => {
		for (const rule of rules) {
			const found = rule(value, path);
			if (found.length > 0) return found;
		}
		return [];
	};
}

/** Each item of a list. */
export function each<T>(...rules: Rule<T>[]): Rule<readonly T[]> {
	return (value, path) =>
		(value ?? []).flatMap((item, i) => rules.flatMap((rule) => rule(item ?? undefined, `${path}[${i}]`)));
}

/** Each value of a map. */
export function eachValue<T>(
	rule: (value: T, path: string, key: string) => FieldError[],
): Rule<Readonly<Record<string, T>>> {
	return (value = {}, path) => Object.entries(value).flatMap(([key, item]) => rule(item, `${path}[${key}]`, key));
}

/** No two items of a list with one key; items without a key are passed over. */
export function unique<T>(key: (item: T) => unknown, field = ""): Rule<readonly T[]> {
	return (value = [], path) => {
		const seen = new Set<unknown>();
		return value.flatMap((item, i) => {
			const known = key(item);
			if (known === undefined || known === "") return [];
			if (!seen.has(known)) {
				seen.add(known);
				return [];
			}
			const place = `${path}[${i}]`;
			return [duplicate(field === "" ? place : `${place}.${field}`, known)];
		});
	};
}

const isEmpty = (value: unknown) =>
	value === undefined ||
	value === "" ||
	(typeof value === "object" && value !== null && Object.keys(value).length === 0);

/** Neither left out nor empty. */
export function needed<T>(detail = ""): Rule<T> {
	return (value, path) => (isEmpty(value) ? [required(path, detail)] : []);
}

export function absent<T>(detail: string): Rule<T> {
	return (value, path) => (isEmpty(value) ? [] : [forbiddenField(path, detail)]);
}

/** What a text must not be; left out it counts as empty. */
export function text(problems: (value: string) => readonly string[]): Rule<string> {
	return (value = "", path) => problems(value).map((problem) => invalidValue(path, value, problem));
}

/** One of a few words; left out it is refused as empty. */
export function oneOf(...words: readonly string[]): Rule<string> {
	return (value = "", path) => (words.includes(value) ? [] : [notSupported(path, value, words)]);
}

/** One of a few words, and needed. */
export function neededOneOf(...words: readonly string[]): Rule<string> {
	return first(needed(), oneOf(...words));
}

/** `Invalid value` unless it holds. */
export function holds<T>(test: (value: T) => boolean, detail: string): Rule<T> {
	return (value, path) => (value === undefined || test(value) ? [] : [invalidValue(path, value, detail)]);
}

export const NOT_NEGATIVE = "must be greater than or equal to 0";

/** ValidateNonnegativeField. */
export const notNegative: Rule<number> = holds((value) => value >= 0, NOT_NEGATIVE);

/** ValidatePositiveField. */
export const positive: Rule<number> = (value = 0, path) =>
	value > 0 ? [] : [invalidValue(path, value, "must be greater than 0")];

/** IsInRange; left out it counts as 0. */
export function between(least: number, most: number): Rule<number> {
	return (value = 0, path) =>
		value >= least && value <= most
			? []
			: [invalidValue(path, value, `must be between ${least} and ${most}, inclusive`)];
}

/** IsValidPortNum; left out it counts as 0. */
export const portNumber: Rule<number> = between(1, 65535);
