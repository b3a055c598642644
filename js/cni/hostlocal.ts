// host-local IPAM (containernetworking/plugins, backend/allocator): a range from the second address (after the
// gateway) to the last but one, given out round-robin from the last reserved address on. A released address is not
// reused before the range has wrapped.

import {
	type AddressPrefix,
	addressBits,
	addressFromBigInt,
	addressToBigInt,
	maskPrefix,
	prefixContains,
	printPrefix,
} from "../net/address.ts";

export interface AddressRangeState {
	prefix: AddressPrefix;
	cursor: bigint;
	reserved: Set<string>;
}

export class AddressRange {
	readonly prefix: AddressPrefix;
	/** First address of the network: the bridge's. */
	readonly gateway: string;
	private readonly first: bigint;
	private readonly last: bigint;
	private cursor: bigint;
	private readonly reserved: Set<string>;

	/** RangeError for networks of less than four addresses, as host-local refuses them. `given`: what is reserved, and the last one. */
	constructor(network: AddressPrefix, given: Partial<Omit<AddressRangeState, "prefix">> = {}) {
		this.prefix = maskPrefix(network);
		const hostBits = addressBits(network.family) - network.length;
		if (hostBits < 2) throw new RangeError(`network ${printPrefix(this.prefix)} too small to allocate from`);
		const base = addressToBigInt(this.prefix.address);
		this.gateway = addressFromBigInt(base + 1n, network.family);
		this.first = base + 1n;
		// IPv4 keeps the broadcast address out; IPv6 has none.
		this.last = base + (1n << BigInt(hostBits)) - (network.family === "ipv4" ? 2n : 1n);
		this.cursor = given.cursor ?? this.first;
		this.reserved = given.reserved ?? new Set();
	}

	/** Copied. */
	get state(): AddressRangeState {
		return { prefix: this.prefix, cursor: this.cursor, reserved: new Set(this.reserved) };
	}

	contains(address: string): boolean {
		return prefixContains(this.prefix, address);
	}

	/** Takes an address that a pod has already; the cursor moves on to the highest of them. */
	reserve(address: string): void {
		if (!this.contains(address)) return;
		this.reserved.add(address);
		const number = addressToBigInt(address);
		if (number > this.cursor && number <= this.last) this.cursor = number;
	}

	/** The next free address after the last reserved one, or null: "no IP addresses available in range set". */
	next(): string | null {
		const size = this.last - this.first + 1n;
		for (let step = 1n; step <= size; step++) {
			const number = this.first + ((this.cursor - this.first + step) % size);
			const address = addressFromBigInt(number, this.prefix.family);
			if (address === this.gateway || this.reserved.has(address)) continue;
			this.reserved.add(address);
			this.cursor = number;
			return address;
		}
		return null;
	}

	/** Whether it is one of those that the range gives out, or its gateway. */
	gives(address: string): boolean {
		if (!this.contains(address)) return false;
		const number = addressToBigInt(address);
		return number >= this.first && number <= this.last;
	}

	/** Takes an address that is asked for, which moves the cursor there; or the plugin's error. Of one that the range `gives`. */
	take(address: string): string {
		if (address === this.gateway) return `requested ip ${address} is subnet's gateway`;
		if (this.reserved.has(address)) return `requested IP address ${address} is not available in range set ${this}`;
		this.reserved.add(address);
		this.cursor = addressToBigInt(address);
		return address;
	}

	/** Gives an address back; the cursor stays. */
	release(address: string): void {
		this.reserved.delete(address);
	}

	/** As host-local prints its range set. */
	toString(): string {
		return `${addressFromBigInt(this.first, this.prefix.family)}-${addressFromBigInt(this.last, this.prefix.family)}`;
	}
}
