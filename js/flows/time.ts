// Times as 64-bit nanoseconds written word by word: a BigInt a packet would cost more than the rest of its decoding.

import { TIME_HIGH, TIME_LOW } from "./columns.ts";

const WORD = 0x1_0000_0000;

/**
 * Writes `sec` (0 to 2^32 - 1) and `nsec` (0 to 2^32 - 1) as nanoseconds into row `row`.
 * The product passes 2^53, so it is made of two halves of `sec`, each below 2^46.
 */
export function writeTime(timeWords: Uint32Array, row: number, sec: number, nsec: number): void {
	const low = (sec & 0xffff) * 1e9 + nsec;
	const high = (sec >>> 16) * 1e9;
	const carry = Math.floor(high / 65536);
	const rest = (high - carry * 65536) * 65536 + low;
	const over = Math.floor(rest / WORD);
	timeWords[row * 2 + TIME_LOW] = rest - over * WORD;
	timeWords[row * 2 + TIME_HIGH] = carry + over;
}

/** `SECONDS.NANOSECONDS` with nine decimals. */
export function timeText(timeNs: bigint): string {
	return `${timeNs / 1_000_000_000n}.${(timeNs % 1_000_000_000n).toString().padStart(9, "0")}`;
}

/** Nanoseconds of seconds with up to nine decimals, below 2^32 seconds; null where the text is something else. */
export function parseTime(text: string): bigint | null {
	const match = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
	if (match === null || Number(match[1]) >= WORD) return null;
	return BigInt(match[1] as string) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
