// Plain values as bytes, and back: null, undefined, booleans, numbers, bigints, strings, arrays, plain objects, Maps, Sets, typed
// arrays. What is one thing stays one thing, however often and in whatever circle it is named; order of members, frozenness and
// missing prototypes stay too. Anything else (a function, an instance of a class) is an error that names where it is: state that
// cannot be written down is no state. Each string and each list of member names is written once.
//
// structuredClone knows what is one thing, and has no bytes; v8.serialize is Node's alone; CBOR and MessagePack keep no frozenness and,
// in what there is for browsers, compile code at run time.

import { ByteReader, ByteWriter } from "./bytes.ts";

// One byte before every value. From SMALL on it is an integer itself.
const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const POSITIVE = 4;
const NEGATIVE = 5;
const DOUBLE = 6;
const BIG = 7;
const BIG_NEGATIVE = 8;
const TEXT = 9;
const TEXT_AGAIN = 10;
/** UTF-16, for what is no well-formed text. */
const WORDS = 11;
const AGAIN = 12;
const OBJECT = 13;
const OBJECT_NEW = 14;
const ARRAY = 15;
const ARRAY_FROZEN = 16;
const MAP = 17;
const SET = 18;
const BYTES = 19;
const INTS = 20;
const DOUBLES = 21;
const SMALL = 64;

const FROZEN = 1;
const BARE = 2;

/** State that is none: it cannot be written down. */
export class NotPlainError extends Error {
	override readonly name = "NotPlainError";
	readonly path: string[] = [];
	readonly #what: string;

	constructor(what: string) {
		super(what);
		this.#what = what;
	}

	/** It is below this member. */
	within(member: string): this {
		this.path.unshift(member);
		this.message = `${this.#what} at ${this.path.join(".")} is no plain value`;
		return this;
	}
}

interface Shape {
	id: number;
	next: Map<string, Shape>;
}

const newShape = (): Shape => ({ id: -1, next: new Map() });

/** Values one after the other: a later one may name what an earlier one had. */
export class ValueWriter {
	readonly #out = new ByteWriter();
	readonly #texts = new Map<string, number>();
	readonly #known = new Map<object, number>();
	/** By flags, then along the member names. */
	readonly #shapes = [newShape(), newShape(), newShape(), newShape()] as const;
	#shapeCount = 0;

	/** Throws NotPlainError. */
	write(value: unknown): Uint8Array<ArrayBuffer> {
		this.#value(value);
		return this.#out.take();
	}

	#value(value: unknown): void {
		if (value === undefined) this.#out.u8(UNDEFINED);
		else if (value === null) this.#out.u8(NULL);
		else if (typeof value === "boolean") this.#out.u8(value ? TRUE : FALSE);
		else if (typeof value === "number") this.#number(value);
		else if (typeof value === "string") this.#text(value);
		else if (typeof value === "bigint") this.#bigint(value);
		else if (typeof value === "object") this.#object(value);
		else throw new NotPlainError(`a ${typeof value}`);
	}

	#number(value: number): void {
		const out = this.#out;
		if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
			out.u8(DOUBLE);
			out.f64(value);
		} else if (value >= 0 && value < 256 - SMALL) out.u8(SMALL + value);
		else {
			out.u8(value < 0 ? NEGATIVE : POSITIVE);
			out.uint(Math.abs(value));
		}
	}

	#bigint(value: bigint): void {
		const magnitude = value < 0n ? -value : value;
		this.#out.u8(value < 0n ? BIG_NEGATIVE : BIG);
		if (magnitude <= 0xffff_ffffn) {
			this.#out.uint(4);
			this.#out.bytes(Uint8Array.from({ length: 4 }, (_, i) => Number(magnitude >> BigInt(8 * i)) & 0xff));
			return;
		}
		const digits = magnitude.toString(16);
		const length = Math.ceil(digits.length / 2);
		this.#out.uint(length);
		for (let end = digits.length; end > 0; end -= 2)
			this.#out.u8(Number.parseInt(digits.slice(Math.max(0, end - 2), end), 16));
	}

	#text(value: string): void {
		const known = this.#texts.get(value);
		if (known !== undefined) {
			this.#out.u8(TEXT_AGAIN);
			this.#out.uint(known);
			return;
		}
		this.#texts.set(value, this.#texts.size);
		if (LONE.test(value)) {
			this.#out.u8(WORDS);
			this.#out.uint(value.length);
			for (let i = 0; i < value.length; i++) this.#out.uint(value.charCodeAt(i));
			return;
		}
		this.#out.u8(TEXT);
		this.#out.text(value);
	}

	#object(value: object): void {
		const known = this.#known.get(value);
		if (known !== undefined) {
			this.#out.u8(AGAIN);
			this.#out.uint(known);
			return;
		}
		this.#known.set(value, this.#known.size);
		if (Array.isArray(value)) this.#array(value);
		else if (value instanceof Map) this.#map(value);
		else if (value instanceof Set) this.#set(value);
		else if (ArrayBuffer.isView(value)) this.#columns(value);
		else this.#members(value);
	}

	#array(value: readonly unknown[]): void {
		this.#out.u8(Object.isFrozen(value) ? ARRAY_FROZEN : ARRAY);
		this.#out.uint(value.length);
		for (let i = 0; i < value.length; i++) this.#within(String(i), value[i]);
	}

	#map(value: ReadonlyMap<unknown, unknown>): void {
		this.#out.u8(MAP);
		this.#out.uint(value.size);
		for (const [key, member] of value) {
			this.#within("(key)", key);
			this.#within(typeof key === "object" ? "(value)" : String(key), member);
		}
	}

	#set(value: ReadonlySet<unknown>): void {
		this.#out.u8(SET);
		this.#out.uint(value.size);
		for (const member of value) this.#within("(member)", member);
	}

	#columns(value: ArrayBufferView): void {
		const tag = value instanceof Uint8Array ? BYTES : value instanceof Int32Array ? INTS : DOUBLES;
		if (tag === DOUBLES && !(value instanceof Float64Array)) throw new NotPlainError(`a ${value.constructor.name}`);
		this.#out.u8(tag);
		this.#out.uint(value.byteLength);
		this.#out.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
	}

	#members(value: object): void {
		const prototype = Object.getPrototypeOf(value);
		if (prototype !== Object.prototype && prototype !== null)
			throw new NotPlainError(`a ${(prototype as { constructor?: { name?: string } }).constructor?.name}`);
		const flags = (Object.isFrozen(value) ? FROZEN : 0) | (prototype === null ? BARE : 0);
		const names = Object.keys(value);
		let shape: Shape = this.#shapes[flags as 0 | 1 | 2 | 3];
		for (const name of names) {
			let next = shape.next.get(name);
			if (next === undefined) {
				next = newShape();
				shape.next.set(name, next);
			}
			shape = next;
		}
		if (shape.id >= 0) {
			this.#out.u8(OBJECT);
			this.#out.uint(shape.id);
		} else {
			shape.id = this.#shapeCount++;
			this.#out.u8(OBJECT_NEW);
			this.#out.u8(flags);
			this.#out.uint(names.length);
			for (const name of names) this.#text(name);
		}
		for (const name of names) this.#within(name, (value as Record<string, unknown>)[name]);
	}

	#within(member: string, value: unknown): void {
		if (typeof value === "string") {
			this.#text(value);
			return;
		}
		try {
			this.#value(value);
		} catch (error) {
			throw error instanceof NotPlainError ? error.within(member) : error;
		}
	}
}

/** A half of a pair without the other half: no text that UTF-8 has. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

interface KnownShape {
	flags: number;
	names: readonly string[];
}

/** Reads what a writer has written, value by value. */
export class ValueReader {
	readonly #texts: string[] = [];
	readonly #known: object[] = [];
	readonly #shapes: KnownShape[] = [];
	#in = new ByteReader("", new Uint8Array());

	/** `part`: as errors name it. Throws SnapshotError. */
	read(part: string, bytes: Uint8Array): unknown {
		this.#in = new ByteReader(part, bytes);
		const value = this.#value();
		if (this.#in.left > 0) throw this.#in.broken(`${this.#in.left} bytes are left over`);
		return value;
	}

	#value(): unknown {
		const input = this.#in;
		const tag = input.u8();
		if (tag >= SMALL) return tag - SMALL;
		switch (tag) {
			case UNDEFINED:
				return undefined;
			case NULL:
				return null;
			case FALSE:
				return false;
			case TRUE:
				return true;
			case POSITIVE:
				return input.uint();
			case NEGATIVE:
				return -input.uint();
			case DOUBLE:
				return input.f64();
			case BIG:
				return this.#bigint();
			case BIG_NEGATIVE:
				return -this.#bigint();
			case TEXT:
			case WORDS:
			case TEXT_AGAIN:
				return this.#text(tag);
			case AGAIN:
				return this.#at(this.#known, input.uint());
			default:
				return this.#container(tag);
		}
	}

	#container(tag: number): unknown {
		switch (tag) {
			case OBJECT:
				return this.#members(this.#at(this.#shapes, this.#in.uint()));
			case OBJECT_NEW:
				return this.#members(this.#shape());
			case ARRAY:
			case ARRAY_FROZEN:
				return this.#array(tag === ARRAY_FROZEN);
			case MAP:
				return this.#map();
			case SET:
				return this.#set();
			case BYTES:
				return this.#is(this.#column(1).slice());
			case INTS:
				return this.#is(new Int32Array(this.#column(4).slice().buffer));
			case DOUBLES:
				return this.#is(new Float64Array(this.#column(8).slice().buffer));
			default:
				throw this.#in.broken(`there is no kind ${tag} of value`);
		}
	}

	#at<T>(all: readonly T[], index: number): T {
		const found = all[index];
		if (found === undefined) throw this.#in.broken(`number ${index} of ${all.length} is named`);
		return found;
	}

	#is<T extends object>(value: T): T {
		this.#known.push(value);
		return value;
	}

	#column(stride: number): Uint8Array {
		const length = this.#in.uint();
		if (length % stride !== 0) throw this.#in.broken(`${length} bytes of numbers of ${stride}`);
		return this.#in.bytes(length);
	}

	#bigint(): bigint {
		const bytes = this.#in.bytes(this.#in.count());
		let digits = "";
		for (let i = bytes.length - 1; i >= 0; i--) digits += (bytes[i] as number).toString(16).padStart(2, "0");
		return BigInt(`0x${digits || "0"}`);
	}

	#text(tag: number): string {
		if (tag === TEXT_AGAIN) return this.#at(this.#texts, this.#in.uint());
		const text = tag === TEXT ? this.#in.text() : this.#words();
		this.#texts.push(text);
		return text;
	}

	#words(): string {
		let text = "";
		for (let left = this.#in.count(); left > 0; left--) text += String.fromCharCode(this.#in.uint());
		return text;
	}

	#shape(): KnownShape {
		const flags = this.#in.u8();
		if (flags > (FROZEN | BARE)) throw this.#in.broken(`there is no kind ${flags} of object`);
		const names = Array.from({ length: this.#in.count() }, () => {
			const name = this.#value();
			if (typeof name !== "string") throw this.#in.broken("a member without a name");
			return name;
		});
		const shape = { flags, names };
		this.#shapes.push(shape);
		return shape;
	}

	#members({ flags, names }: KnownShape): object {
		const value: Record<string, unknown> = this.#is((flags & BARE) > 0 ? Object.create(null) : {});
		for (const name of names) {
			const member = this.#value();
			// In an object with a prototype it would be that.
			if (name === "__proto__")
				Object.defineProperty(value, name, { value: member, enumerable: true, configurable: true, writable: true });
			else value[name] = member;
		}
		return (flags & FROZEN) > 0 ? Object.freeze(value) : value;
	}

	#array(isFrozen: boolean): unknown[] {
		const value: unknown[] = this.#is([]);
		for (let left = this.#in.count(); left > 0; left--) value.push(this.#value());
		return isFrozen ? (Object.freeze(value) as unknown[]) : value;
	}

	#map(): Map<unknown, unknown> {
		const value = this.#is(new Map<unknown, unknown>());
		for (let left = this.#in.count(2); left > 0; left--) {
			const key = this.#value();
			value.set(key, this.#value());
		}
		return value;
	}

	#set(): Set<unknown> {
		const value = this.#is(new Set<unknown>());
		for (let left = this.#in.count(); left > 0; left--) value.add(this.#value());
		return value;
	}
}
