// NodePort allocation (pkg/registry/core/service/portallocator; KEP-3668): the static band is the first
// min(max(16, n/32), 128) ports (30000-30085 of the default range); a dynamic port is drawn from the rest first.
// healthCheckNodePorts come from the same pool.

import type { Random } from "../../ports.ts";

export interface PortRange {
	/** Inclusive. */
	first: number;
	/** Inclusive. */
	last: number;
}

export const NODE_PORTS: PortRange = { first: 30000, last: 32767 };

export class NodePorts {
	readonly range: PortRange;
	private readonly owners = new Map<number, string>();

	constructor(range: PortRange = NODE_PORTS) {
		this.range = range;
	}

	/** Number of ports of the static band. */
	get staticBand(): number {
		const size = this.range.last - this.range.first + 1;
		if (size <= 16) return 0;
		return Math.min(Math.max(16, Math.floor(size / 32)), 128);
	}

	contains(port: number): boolean {
		return port >= this.range.first && port <= this.range.last;
	}

	/** Takes a given port; the holder where it is taken already, else null. */
	take(port: number, owner: string): string | null {
		const holder = this.owners.get(port);
		if (holder !== undefined) return holder;
		this.owners.set(port, owner);
		return null;
	}

	/** A free port for the owner, or null where the range is full. */
	next(random: Random, owner: string): number | null {
		const port = this.pick(random, owner, (candidate) => this.owners.has(candidate));
		if (port !== null) this.owners.set(port, owner);
		return port;
	}

	/** A port that is not taken, out of the dynamic band while there is one, or null where the range is full. */
	pick(random: Random, owner: string, isTaken: (port: number) => boolean): number | null {
		const { first, last } = this.range;
		const middle = first + this.staticBand;
		return this.free(middle, last, random, owner, isTaken) ?? this.free(first, middle - 1, random, owner, isTaken);
	}

	private free(
		first: number,
		last: number,
		random: Random,
		owner: string,
		isTaken: (port: number) => boolean,
	): number | null {
		const count = last - first + 1;
		if (count <= 0) return null;
		const start = random.integer(count, "nodePort", owner);
		for (let i = 0; i < count; i++) {
			const port = first + ((start + i) % count);
			if (!isTaken(port)) return port;
		}
		return null;
	}
}
