// Seeded inputs that engine and twin share: the same addresses, tuples and orders on every machine and in every run.

/** A stream of u32 (Marsaglia's xorshift32); the same for the same seed. */
export function words(seed: number): () => number {
	let state = seed >>> 0 || 1;
	return () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>>= 0);
	};
}

/** 0..count-1 in a random order (Fisher-Yates). */
export function shuffled(count: number, seed: number): Uint32Array {
	const order = Uint32Array.from({ length: count }, (_, i) => i);
	const next = words(seed);
	for (let i = count - 1; i > 0; i--) {
		const j = next() % (i + 1);
		[order[i], order[j]] = [order[j] as number, order[i] as number];
	}
	return order;
}

/** `a.b.c.d` of an unsigned 32-bit address. */
export function dotted(ip: number): string {
	return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join(".");
}
