// Timestamps of pcapng: a count of units since 1970, the unit a power of ten or of two (if_tsresol), seconds added
// (if_tsoffset). Exact in 128 bits, rounded down to nanoseconds, as the sum would be in unlimited integers.

import { Interface } from "./source";

const NS: u64 = 1_000_000_000;

let failed: bool = false;
let high: u64 = 0;
let low: u64 = 0;

/** The last time was before 1970 or past 2^63 - 1 ns. */
export function timeFailed(): bool {
	return failed;
}

/** Nanoseconds since 1970 of a timestamp at an interface. */
export function timeOf(entry: Interface, ticks: u64): i64 {
	failed = false;
	if (entry.unitNs == 1) {
		failed = <i64>ticks < 0;
		return <i64>ticks;
	}
	// 2^53 microseconds are in the year 2255.
	if (entry.unitNs == 1000 && ticks >> 53 == 0) return <i64>(ticks * 1000);
	toNanoseconds(ticks, entry.resolution);
	const whole = high;
	const part = low;
	const offset = entry.offset;
	multiply(offset < 0 ? 0 - <u64>offset : <u64>offset, NS);
	if (offset < 0) {
		failed = whole < high || (whole == high && part < low);
		high = whole - high - (part < low ? 1 : 0);
		low = part - low;
	} else {
		low += part;
		high += whole + (low < part ? 1 : 0);
	}
	failed = failed || high != 0 || <i64>low < 0;
	return <i64>low;
}

/** `ticks` of a unit in nanoseconds, into `high` and `low`. */
function toNanoseconds(ticks: u64, resolution: u32): void {
	const exponent = resolution & 127;
	if ((resolution & 128) != 0) {
		multiply(ticks, NS);
		shiftRight(exponent);
	} else if (exponent <= 9) multiply(ticks, power(9 - exponent));
	else {
		// 10^20 is past 64 bits: nothing is left of any count.
		high = 0;
		low = exponent - 9 > 19 ? 0 : ticks / power(exponent - 9);
	}
}

function power(exponent: u32): u64 {
	let product: u64 = 1;
	for (let i: u32 = 0; i < exponent; i++) product *= 10;
	return product;
}

/** The 128-bit product, into `high` and `low`. */
function multiply(a: u64, b: u64): void {
	const lows = (a & 0xffffffff) * (b & 0xffffffff);
	const cross = (a >> 32) * (b & 0xffffffff) + (lows >> 32);
	const other = (a & 0xffffffff) * (b >> 32) + (cross & 0xffffffff);
	low = (other << 32) | (lows & 0xffffffff);
	high = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
}

/** Shifts `high` and `low` by 0 to 127 bits. */
function shiftRight(bits: u32): void {
	if (bits == 0) return;
	if (bits >= 64) {
		low = high >> (bits - 64);
		high = 0;
		return;
	}
	low = (low >> bits) | (high << (64 - bits));
	high >>= bits;
}
