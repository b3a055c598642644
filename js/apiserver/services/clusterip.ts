// ClusterIP allocation (pkg/registry/core/service/ipallocator; KEP-3070): the first min(max(16, size/16), 256)
// addresses are the static band, a dynamic address is drawn at random from the rest and from the static band only
// when that is full. IPv4 leaves out .0 and the broadcast address; an IPv6 range counts at most 2^16 addresses.

import {
	type AddressPrefix,
	addressBits,
	addressFromBigInt,
	addressToBigInt,
	maskPrefix,
	prefixContains,
} from "../../net/address.ts";
import type { Random } from "../../ports.ts";

const IPV6_SIZE_MAX = 65536;

export class ClusterIPRange {
	readonly prefix: AddressPrefix;
	private readonly base: bigint;
	/** Number of allocatable addresses; address i is base + 1 + i. */
	private readonly size: number;
	private readonly owners = new Map<string, string>();

	constructor(prefix: AddressPrefix) {
		this.prefix = maskPrefix(prefix);
		this.base = addressToBigInt(this.prefix.address);
		const hostBits = addressBits(prefix.family) - prefix.length;
		if (prefix.family === "ipv4") this.size = Math.max(0, 2 ** hostBits - 2);
		else this.size = Math.max(0, Math.min(2 ** hostBits, IPV6_SIZE_MAX) - 1);
	}

	/** Addresses of the static band, from the first on; 0 for ranges of at most 16. */
	get staticBand(): number {
		const rangeSize = this.prefix.family === "ipv4" ? this.size + 2 : this.size + 1;
		if (rangeSize <= 16) return 0;
		return Math.min(Math.max(16, Math.floor(rangeSize / 16)), 256);
	}

	contains(address: string): boolean {
		if (!prefixContains(this.prefix, address)) return false;
		const index = addressToBigInt(address) - this.base - 1n;
		return index >= 0n && (this.prefix.family === "ipv6" || index < BigInt(this.size));
	}

	/** Who holds the address. */
	owner(address: string): string | undefined {
		return this.owners.get(address);
	}

	/** Takes a given address; the holder where it is taken already, else null. */
	take(address: string, owner: string): string | null {
		const holder = this.owners.get(address);
		if (holder !== undefined) return holder;
		this.owners.set(address, owner);
		return null;
	}

	/** A free address for the owner, or null where the range is full. */
	next(random: Random, owner: string): string | null {
		const address = this.pick(random, owner, (candidate) => this.owners.has(candidate));
		if (address !== null) this.owners.set(address, owner);
		return address;
	}

	/** An address that is not taken, out of the dynamic band while there is one, or null where the range is full. */
	pick(random: Random, owner: string, isTaken: (address: string) => boolean): string | null {
		const band = this.staticBand;
		return this.free(band, this.size, random, owner, isTaken) ?? this.free(0, band, random, owner, isTaken);
	}

	/** First free one of the indices in [from, to), starting at a random one and wrapping. */
	private free(
		from: number,
		to: number,
		random: Random,
		owner: string,
		isTaken: (address: string) => boolean,
	): string | null {
		const count = to - from;
		if (count <= 0) return null;
		const start = random.integer(count, "clusterIP", this.prefix.address, owner);
		for (let i = 0; i < count; i++) {
			const address = this.at(from + ((start + i) % count));
			if (!isTaken(address)) return address;
		}
		return null;
	}

	/** Address of a 0-based index. */
	at(index: number): string {
		return addressFromBigInt(this.base + 1n + BigInt(index), this.prefix.family);
	}
}
