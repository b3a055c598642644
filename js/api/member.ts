// Objects made of others, with one layout for all that are made alike. Where a spread copies a literal and more members follow, V8 (of
// Node 20) gives each copy a hidden class of its own, which takes more room than the object, and slows down whoever reads it.

const PLAIN = { configurable: true, enumerable: true, writable: true };

/** As `{ ...first, ...more[0], … }`. */
export function merged<T extends object>(first: T, ...more: readonly Partial<T>[]): T {
	const made = {} as T;
	setMembers(made, first);
	for (const object of more) setMembers(made, object);
	return made;
}

/** As `{ ...object, [name]: value }`. */
export function withMember<T extends object, Name extends keyof T>(object: T, name: Name, value: T[Name]): T {
	const made = {} as T;
	setMembers(made, object);
	made[name] = value;
	return made;
}

/** As `{ ...object }` without a member that may be left out. */
export function withoutMember<T extends object>(object: T, name: keyof T & string): T {
	const made = {} as T;
	for (const key in object) if (key !== (name as string)) setMember(made, key, object[key]);
	return made;
}

function setMembers<T extends object>(made: T, object: Partial<T>): void {
	for (const key in object) setMember(made, key, object[key] as T[typeof key]);
}

/** Makes it a member like any other, which one named `__proto__` is not where it is assigned. */
export function setMember<T extends object, Name extends keyof T & string>(made: T, name: Name, value: T[Name]): void {
	if (name === "__proto__") Object.defineProperty(made, name, { ...PLAIN, value });
	else made[name] = value;
}
