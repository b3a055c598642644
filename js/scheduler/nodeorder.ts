// Nodes by zone and by how many pods they run, each in the order in which they came: so that the emptiest node of a zone is found
// without a look at the others (upstream keeps a snapshot of its NodeInfos and looks at a part of them: percentageOfNodesToScore).

/** What has a place in it. */
export interface Placed {
	/** 0 and up, of one node alone. */
	readonly order: number;
	readonly zone: string;
	readonly pods: readonly unknown[];
}

/** Orders, a bit each. */
interface Orders {
	bits: Uint32Array;
	size: number;
}

export class NodeOrder<T extends Placed> {
	/** By zone, then by number of pods. */
	readonly #zones = new Map<string, Map<number, Orders>>();
	#nodes: (T | undefined)[] = [];

	get zones(): Iterable<string> {
		return this.#zones.keys();
	}

	/** Where it belongs by its pods now. */
	add(node: T): void {
		const { order, zone, pods } = node;
		let counts = this.#zones.get(zone);
		if (counts === undefined) {
			counts = new Map();
			this.#zones.set(zone, counts);
		}
		let orders = counts.get(pods.length);
		if (orders === undefined) {
			orders = { bits: new Uint32Array((order >>> 5) + 1), size: 0 };
			counts.set(pods.length, orders);
		}
		if (order >>> 5 >= orders.bits.length) orders.bits = grown(orders.bits, (order >>> 5) + 1);
		orders.bits[order >>> 5] = (orders.bits[order >>> 5] as number) | (1 << (order & 31));
		orders.size++;
		this.#nodes[order] = node;
	}

	/** Before its pods change. */
	remove({ order, zone, pods }: T): void {
		const counts = this.#zones.get(zone);
		const orders = counts?.get(pods.length);
		if (counts === undefined || orders === undefined) return;
		orders.bits[order >>> 5] = (orders.bits[order >>> 5] as number) & ~(1 << (order & 31));
		if (--orders.size === 0) counts.delete(pods.length);
		if (counts.size === 0) this.#zones.delete(zone);
		this.#nodes[order] = undefined;
	}

	/** Of some zones: those with the fewest pods first, of equally many in order. Nothing may change meanwhile. */
	*emptiest(zones: readonly string[]): Generator<T, void> {
		const own = zones.flatMap((zone) => this.#zones.get(zone) ?? []);
		const counts = new Set(own.flatMap((one) => [...one.keys()]));
		for (const count of [...counts].sort((a, b) => a - b)) {
			const all = own.flatMap((one) => one.get(count)?.bits ?? []);
			const length = Math.max(...all.map((bits) => bits.length));
			for (let word = 0; word < length; word++) {
				let left = 0;
				for (const bits of all) left |= bits[word] ?? 0;
				for (; left !== 0; left &= left - 1) {
					const node = this.#nodes[word * 32 + 31 - Math.clz32(left & -left)];
					if (node !== undefined) yield node;
				}
			}
		}
	}
}

/** Room for twice as many at least. */
function grown(bits: Uint32Array, length: number): Uint32Array {
	const larger = new Uint32Array(Math.max(length, bits.length * 2));
	larger.set(bits);
	return larger;
}
