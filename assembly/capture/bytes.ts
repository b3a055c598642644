// Words of a capture in either byte order, and the ports and types that its parsers share. Wire formats are big-endian; a file
// is in the order of the machine that wrote it. Callers have compared the address with where the captured bytes end.

// @ts-ignore: decorator
@inline
export function byte(at: usize): u32 {
	return load<u8>(at);
}

/** Two bytes in network order. */
// @ts-ignore: decorator
@inline
export function net16(at: usize): u32 {
	return bswap<u16>(load<u16>(at));
}

/** Four bytes in network order. */
// @ts-ignore: decorator
@inline
export function net32(at: usize): u32 {
	return bswap<u32>(load<u32>(at));
}

/** Two bytes in a file's order. */
// @ts-ignore: decorator
@inline
export function file16(at: usize, big: bool): u32 {
	const value = load<u16>(at);
	return big ? bswap<u16>(value) : value;
}

/** Four bytes in a file's order. */
// @ts-ignore: decorator
@inline
export function file32(at: usize, big: bool): u32 {
	const value = load<u32>(at);
	return big ? bswap<u32>(value) : value;
}

/** Eight bytes in a file's order. */
// @ts-ignore: decorator
@inline
export function file64(at: usize, big: bool): u64 {
	const value = load<u64>(at);
	return big ? bswap<u64>(value) : value;
}
