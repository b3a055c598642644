// The checksums of frames that podwire writes: the Internet checksum (RFC 1071) and CRC-32C for SCTP (RFC 9260).

/** One's complement sum of big-endian 16-bit words, folded, plus `start` (a sum not yet folded); not inverted. */
export function onesSum(bytes: Uint8Array, start: number): number {
	let sum = start;
	for (let i = 0; i + 1 < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
	if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] as number) << 8;
	while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
	return sum;
}

function crcTable(): Uint32Array {
	return Uint32Array.from({ length: 256 }, (_, byte) => {
		let crc = byte;
		for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
		return crc;
	});
}

let table: Uint32Array | undefined;

export function crc32c(bytes: Uint8Array): number {
	table ??= crcTable();
	let crc = 0xffffffff;
	for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 255] as number);
	return (crc ^ 0xffffffff) >>> 0;
}
