// IPv6 addresses interned to 32-bit indices, so that a packet row has one word an address in both families. The table is the
// recording's, in the engine's memory (`assembly/capture/addresses`); an index, once given, stays. Sources with one table are
// read by one engine. Left out: zone ids (`%eth0`), which no capture holds.

import type { EngineModule } from "../../bindings/core.ts";
import { Recording, type TakeRecording } from "../../bindings/recording.ts";
import { ipv4FromNumber, ipv6FromGroups, parseIpv6 } from "../net/address.ts";

/** Addresses that one table may hold by default: 1 Mi, 24 MiB with its hash slots. */
export const ADDRESSES_MAX = 1 << 20;

const ADDRESS_BYTES = 16;

export class AddressTable {
	readonly max: number;
	readonly #take: TakeRecording;
	#recording: Recording | null = null;

	/** `take`: where its engine comes from; default: it is a new one. */
	constructor(max: number = ADDRESSES_MAX, take: TakeRecording = (module) => new Recording(module)) {
		this.max = max;
		this.#take = take;
	}

	/** The engine that the table is in, taken for `module` when it is first asked for. */
	recordingOf(module: EngineModule): Recording {
		if (this.#recording === null) {
			this.#recording = this.#take(module);
			this.#recording.engine.addressLimit(this.max);
		}
		return this.#recording;
	}

	/** Throws a TypeError before a source over it is read. */
	get recording(): Recording {
		if (this.#recording === null)
			throw new TypeError("an address table without a recording; expected one that is read");
		return this.#recording;
	}

	get count(): number {
		return this.#recording?.engine.addressCount() ?? 0;
	}

	/** The index of the address with these host-order words (bits 127-96 first), or -1 where it is new and the table is full. */
	intern(w0: number, w1: number, w2: number, w3: number): number {
		const { recording } = this;
		const { engine } = recording;
		const index = engine.internWords(w0, w1, w2, w3);
		recording.settle();
		return engine.internFailed() ? -1 : index;
	}

	/** Does the address at `index` not leave its link: link-local, multicast of the link, or unspecified? */
	isOfLink(index: number): boolean {
		return this.recording.engine.isOfLink(index) !== 0;
	}

	/** Canonical text (RFC 5952) of the address at `index`. */
	text(index: number): string {
		const { count } = this;
		if (index >= count) throw new RangeError(`address index ${index}; expected 0 to ${count - 1}`);
		const { engine, view } = this.recording;
		const at = (engine.addressRows() >>> 0) + index * ADDRESS_BYTES;
		return ipv6FromGroups(Array.from({ length: 8 }, (_, i) => view.getUint16(at + i * 2)));
	}

	/** Canonical text of a row's address: `family` and value as in `PacketColumns`. */
	addressText(family: number, value: number): string {
		return family === 4 ? ipv4FromNumber(value) : this.text(value);
	}
}

/** The four host-order words of an IPv6 address text, or null. */
export function ipv6Words(text: string): [number, number, number, number] | null {
	const groups = parseIpv6(text);
	if (groups === null) return null;
	const word = (i: number): number => (((groups[i] as number) << 16) | (groups[i + 1] as number)) >>> 0;
	return [word(0), word(2), word(4), word(6)];
}
