// Objects made of others, with one layout for all that are made alike. Where a spread copies a literal and more members follow, V8 (of
// Node 20) gives each copy a hidden class of its own, which takes more room than the object, and slows down whoever reads it.

const PLAIN = { configurable: true, enumerable: true, writable: true };

/** As `{ ...first, ...more[0], … }`. */
export function merged<T extends object>(first: T, ...more: readonly Partial<T>[]): T {
	const made = {} as T;
	for (const object of [first, ...more]) {
		for (const key in object) {
			// Not a member like any other where it is assigned.
			if (key === "__proto__") Object.defineProperty(made, key, { ...PLAIN, value: object[key] });
			else made[key] = object[key] as T[typeof key];
		}
	}
	return made;
}

/** As `{ ...object, [name]: value }`. */
export function withMember<T extends object, Name extends keyof T>(object: T, name: Name, value: T[Name]): T {
	const made = merged(object);
	made[name] = value;
	return made;
}
