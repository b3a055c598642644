// The slow reference of the FIB: every prefix of a netns is looked at, and the longest that holds the address is taken.
// After net/ipv4/fib_trie.c (the local and the main table are one trie), net/ipv6/ip6_fib.c and fib_frontend.c (fib_add_ifaddr). Addresses are
// numbers of 32 or 128 bits.

export interface Prefix {
	start: bigint;
	length: number;
}

/** A local address with the length of its subnet. */
export interface Local extends Prefix {
	/** It is on lo, where its whole subnet is local. */
	loopback: boolean;
}

export type Answer = "none" | "broadcast" | "anycast" | `local ${number}` | `route ${number}`;

export class SlowFib {
	readonly #bits: number;
	readonly #entries: (Prefix & { answer: Answer })[] = [];

	/**
	 * `routes` from the least preferred on. Of equal prefixes the later counts, and a local address before a route. `router`: the
	 * first address of each subnet is anycast (net/ipv6/addrconf.c, addrconf_join_anycast).
	 */
	constructor(bits: 32 | 128, routes: readonly Prefix[], addresses: readonly Local[], router = false) {
		this.#bits = bits;
		for (const [i, route] of routes.entries()) this.#entries.push({ ...route, answer: `route ${i}` });
		for (const { start, length } of router ? addresses : []) {
			const host = BigInt(bits - length);
			if (host > 1n) this.#entries.push({ start: (start >> host) << host, length: bits, answer: "anycast" });
		}
		for (const [i, { start, length, loopback }] of addresses.entries()) {
			const host = BigInt(bits - length);
			this.#entries.push({ start, length: bits, answer: `local ${i}` });
			if (bits === 32 && length < 31) {
				this.#entries.push({ start: start | ((1n << host) - 1n), length: bits, answer: "broadcast" });
			}
			if (loopback) this.#entries.push({ start: (start >> host) << host, length, answer: `local ${i}` });
		}
	}

	lookup(address: bigint): Answer {
		let best = -1;
		let answer: Answer = "none";
		for (const entry of this.#entries) {
			const host = BigInt(this.#bits - entry.length);
			if (address >> host !== entry.start >> host || entry.length < best) continue;
			best = entry.length;
			answer = entry.answer;
		}
		return answer;
	}
}
