// Captures made for tests, byte by byte and apart from the product's own writer: pcap in its four forms, pcapng blocks in
// both byte orders, and link headers around IP packets.

export interface TestPacket {
	timeNs: bigint;
	frame: Uint8Array;
	wireBytes?: number;
}

export function bytesOf(...parts: (Uint8Array | number[])[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const u16 = (value: number, little: boolean): number[] => {
	const bytes = [(value >>> 8) & 255, value & 255];
	return little ? bytes.reverse() : bytes;
};
const u32 = (value: number, little: boolean): number[] => {
	const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
	return little ? bytes.reverse() : bytes;
};

export function pcap(packets: TestPacket[], linktype: number, nano: boolean, little: boolean): Uint8Array {
	const header = [
		...u32(nano ? 0xa1b23c4d : 0xa1b2c3d4, little),
		...u16(2, little),
		...u16(4, little),
		...u32(0, little),
		...u32(0, little),
		...u32(262144, little),
		...u32(linktype, little),
	];
	const records = packets.map(({ timeNs, frame, wireBytes }) =>
		bytesOf(
			u32(Number(timeNs / 1_000_000_000n), little),
			u32(Number(timeNs % 1_000_000_000n) / (nano ? 1 : 1000), little),
			u32(frame.length, little),
			u32(wireBytes ?? frame.length, little),
			frame,
		),
	);
	return bytesOf(header, ...records);
}

/** One option: code, value. */
export type Option = [number, Uint8Array | number[]];

export function pcapngBlocks(little: boolean) {
	const option = ([code, value]: Option): number[] => {
		const pad = (4 - (value.length % 4)) % 4;
		return [...u16(code, little), ...u16(value.length, little), ...value, ...Array<number>(pad).fill(0)];
	};
	const options = (list: Option[]): number[] => (list.length === 0 ? [] : [...list.flatMap(option), 0, 0, 0, 0]);
	const block = (type: number, body: (Uint8Array | number[])[], list: Option[] = []): Uint8Array => {
		const flat = [...body.flatMap((part) => [...part])];
		while (flat.length % 4 !== 0) flat.push(0);
		flat.push(...options(list));
		const length = u32(12 + flat.length, little);
		return bytesOf(u32(type, little), length, flat, length);
	};
	return {
		u16: (value: number) => u16(value, little),
		u32: (value: number) => u32(value, little),
		block,
		section: () =>
			block(0x0a0d0d0a, [u32(0x1a2b3c4d, little), u16(1, little), u16(0, little), Array<number>(8).fill(255)]),
		interface: (linktype: number, list: Option[] = [], snaplen = 0) =>
			block(1, [u16(linktype, little), u16(0, little), u32(snaplen, little)], list),
		packet: (id: number, ticks: bigint, frame: Uint8Array, list: Option[] = [], wireBytes = frame.length) =>
			block(
				6,
				[
					u32(id, little),
					u32(Number(ticks >> 32n), little),
					u32(Number(ticks & 0xffffffffn), little),
					u32(frame.length, little),
					u32(wireBytes, little),
					frame,
				],
				list,
			),
		obsolete: (id: number, ticks: bigint, frame: Uint8Array) =>
			block(2, [
				u16(id, little),
				u16(0, little),
				u32(Number(ticks >> 32n), little),
				u32(Number(ticks & 0xffffffffn), little),
				u32(frame.length, little),
				u32(frame.length, little),
				frame,
			]),
		simple: (frame: Uint8Array, wireBytes = frame.length) => block(3, [u32(wireBytes, little), frame]),
	};
}

/** Link headers around an IP packet, by link type. */
export function linked(linktype: number, packet: Uint8Array, packetType = 0, ifindex = 7): Uint8Array {
	const ethertype = (packet[0] as number) >>> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd];
	const mac = [2, 0, 0, 0, 0, 9];
	switch (linktype) {
		case 1:
			return bytesOf(mac, mac, ethertype, packet);
		case 113:
			return bytesOf([0, packetType, 0, 1, 0, 6, ...mac, 0, 0], ethertype, packet);
		case 276:
			return bytesOf(ethertype, [0, 0, 0, 0, 0, ifindex, 0, 1, packetType, 6, ...mac, 0, 0], packet);
		case 0:
			return bytesOf([(packet[0] as number) >>> 4 === 4 ? 2 : 30, 0, 0, 0], packet);
		case 108:
			return bytesOf([0, 0, 0, (packet[0] as number) >>> 4 === 4 ? 2 : 30], packet);
		default:
			return packet;
	}
}
