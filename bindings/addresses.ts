// Addresses as the engine has them: IPv4 as unsigned 32-bit numbers in host order, IPv6 as numbers below 2^24 that the
// engine gives out, one an address (`assembly/address6.ts`). 0 is no address, and the unspecified one of either family.

import * as L from "../assembly/layout.ts";
import { ipv4FromNumber, ipv6FromGroups, parseIpv4, parseIpv6 } from "../js/net/address.ts";

/** What an instance exports for addresses. */
export interface AddressExports {
	memory: WebAssembly.Memory;
	table(id: number): number;
	capacity(id: number): number;
	intern6(hi: bigint, lo: bigint): number;
	address6Count(): number;
	address6Room(numbers: number): number;
}

/** No number is left for one more IPv6 address. */
export class AddressesFullError extends Error {
	readonly capacity: number;
	constructor(capacity: number) {
		super(`there are more IPv6 addresses than TABLE_ADDRESS6 holds (${capacity})`);
		this.name = "AddressesFullError";
		this.capacity = capacity;
	}
}

const QUADS_MAX = 4096;
const ADDRESSES_MAX = 2 ** 24;

/** Numbers of addresses, and addresses of numbers, of one engine. */
export class Addresses {
	readonly #exports: AddressExports;
	readonly #numbers = new Map<string, number>();
	readonly #texts: string[] = ["::"];
	readonly #quads = new Map<number, string>();

	constructor(exports: AddressExports) {
		this.#exports = exports;
	}

	/** The number of an address of either family. RangeError where the text is none; AddressesFullError. */
	number(text: string): number {
		const ipv4 = parseIpv4(text);
		if (ipv4 !== null) return ipv4;
		const known = this.#numbers.get(text);
		if (known !== undefined) return known;
		const [hi, lo] = halves(text);
		const id = this.intern(hi, lo);
		this.#numbers.set(text, id);
		return id;
	}

	/** The engine has given up the numbers of some: of which is asked again. */
	forget(): void {
		this.#numbers.clear();
		this.#texts.length = 1;
	}

	/** Makes room for addresses, of either family, that have no number yet. AddressesFullError. */
	expect(texts: Iterable<string>): void {
		const held = this.#exports.capacity(L.TABLE_ADDRESS6);
		let wanted = this.#exports.address6Count();
		for (const text of texts) if (!this.#numbers.has(text)) wanted++;
		if (wanted <= held) return;
		const larger = 2 ** Math.ceil(Math.log2(wanted));
		if (larger > ADDRESSES_MAX || !this.#exports.address6Room(larger)) throw new AddressesFullError(held);
	}

	/** The number of an IPv6 address given as its first and last 64 bits. AddressesFullError. */
	intern(hi: bigint, lo: bigint): number {
		const id = this.#exports.intern6(hi, lo);
		if (id < 0) throw new AddressesFullError(this.#exports.capacity(L.TABLE_ADDRESS6));
		return id;
	}

	/** The canonical text of a number, of the family 4 or 6; without one, numbers below 2^24 are IPv6 addresses, but 0. */
	text(number: number, family: number = isIpv6(number) ? 6 : 4): string {
		if (family !== 6) return this.#dotted(number);
		let text = this.#texts[number];
		if (text === undefined) {
			text = this.#read(number);
			this.#texts[number] = text;
		}
		return text;
	}

	/** A trace says the same few addresses again and again. */
	#dotted(number: number): string {
		const known = this.#quads.get(number);
		if (known !== undefined) return known;
		if (this.#quads.size >= QUADS_MAX) this.#quads.clear();
		const text = ipv4FromNumber(number);
		this.#quads.set(number, text);
		return text;
	}

	#read(number: number): string {
		const at = this.#exports.table(L.TABLE_ADDRESS6) + number * L.ADDRESS6_STRIDE;
		const view = new DataView(this.#exports.memory.buffer, at, L.ADDRESS6_STRIDE);
		const group = (index: number) =>
			view.getUint16((index & 4 ? L.ADDRESS6_LO : L.ADDRESS6_HI) + 6 - (index & 3) * 2, true);
		return ipv6FromGroups(Array.from({ length: 8 }, (_, index) => group(index)));
	}
}

/** Is this number an IPv6 address's? */
export function isIpv6(number: number): boolean {
	return number > 0 && number < 2 ** 24;
}

/** The first and last 64 bits of an IPv6 text; RangeError where it is none. */
export function halves(text: string): [hi: bigint, lo: bigint] {
	const groups = parseIpv6(text);
	if (groups === null) throw new RangeError(`expected an address, got ${JSON.stringify(text)}`);
	const join = (from: number) => groups.slice(from, from + 4).reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
	return [join(0), join(4)];
}

/** 64-bit numbers as words of 32 bits, the lower one first. */
export function wordsOf(...numbers: bigint[]): number[] {
	return numbers.flatMap((number) => [Number(number & 0xffffffffn), Number((number >> 32n) & 0xffffffffn)]);
}

/** The halves of an IPv6 mask, given as a prefix length 0–128 or as an address; RangeError where it is neither. */
export function mask6(mask: number | string): [hi: bigint, lo: bigint] {
	if (typeof mask === "string") return halves(mask);
	if (!Number.isInteger(mask) || mask < 0 || mask > 128)
		throw new RangeError(`expected a prefix length 0-128, got ${mask}`);
	const bits = ((1n << BigInt(mask)) - 1n) << BigInt(128 - mask);
	return [bits >> 64n, bits & 0xffffffffffffffffn];
}
