// Integer hashes: a 64-bit finaliser (variant of the splitmix64 mixer by David Stafford) and combinations of it.
// Used for table slots and for keyed choices; not for anything that must resist an attacker.

/** Mixes 64 bits so that every input bit reaches every output bit. */
// @ts-ignore: decorator
@inline
export function mix(value: u64): u64 {
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

/** Hash of two row numbers or addresses, 32 bits: one multiplication, for tables that hold a few thousand of them. */
// @ts-ignore: decorator
@inline
export function hashPair(a: u32, b: u32): u32 {
	return (<u32>(((((<u64>a) << 32) | (<u64>b)) * 0x9e3779b97f4a7c15) >> 32)) ^ ((a * 0x85ebca6b) >>> 7);
}

/** Hash of two words, 32 bits. */
// @ts-ignore: decorator
@inline
export function hash2(a: u64, b: u64): u32 {
	return <u32>mix(a ^ mix(b + 0x9e3779b97f4a7c15));
}
