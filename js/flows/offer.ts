// Which of a recording's packets are offered again, decided by the engine (`assembly/capture/offer`): here is who owns what,
// asked about when a new interface or a new address comes up.

import * as L from "../../assembly/layout.ts";
import { EngineError } from "../../bindings/core.ts";
import type { Recording } from "../../bindings/recording.ts";
import type { PacketColumns } from "./columns.ts";
import type { FlowInterface } from "./interfaces.ts";
import type { FlowSource } from "./open.ts";

export {
	KIND_DUPLICATE as DUPLICATE,
	KIND_IGNORED as IGNORED,
	KIND_OFFER as OFFER,
	KIND_REPLY as REPLY,
	NO_FLOW,
	OUTSIDE,
} from "../../assembly/layout.ts";

/** Copies of one packet lie within this time of each other. */
export const COPY_WINDOW_NS = 100_000_000;
/** Netns numbers are below this. */
const NETNS_MAX = 2 ** 24 - 1;
/** What `classify` returns where memory ran out. */
const EXHAUSTED = 0xffffffff;

/** Who owns what; netns are the caller's indices, 0 and up. */
export interface Ownership {
	/** The netns of an interface of the capture, or OUTSIDE where it is not known. Asked once an interface. */
	netnsOfInterface(interfaceIndex: number): number;
	/** The netns that owns an address, in the form of a `PacketColumns` row, or OUTSIDE. An address's netns is asked once. */
	ownerOf(family: number, address: number): number;
	/** The netns passes on packets of others (a node, the router), so that it may also send them under its own address. */
	forwards(netns: number): boolean;
}

/** Packets (`repeat` counted) by what became of them. */
export interface OfferTally {
	flows: number;
	offered: number;
	replies: number;
	duplicates: number;
	icmpErrors: number;
	/** Fragments behind the first: their datagram is offered with its first fragment's size. */
	laterFragments: number;
	/** The capture cut them before their ports or flags. */
	cut: number;
	/** Answers to what was never offered here (the capture began between the two, or the answer came past its NAT), and the RST that the kernel sends to such a one. */
	orphans: number;
	/** IPv6 that does not leave its link: neighbour discovery, MLD, link-local addresses. */
	linkLocal: number;
}

export class Offers {
	readonly #source: Pick<FlowSource, "addresses" | "interfaces">;
	readonly #ownership: Ownership;
	readonly #copyWindowNs: number;
	#recording: Recording | null = null;
	/** Interfaces that the engine knows. */
	#interfaces = 0;

	/** Of one source, or of those merged with it. */
	constructor(
		source: Pick<FlowSource, "addresses" | "interfaces">,
		ownership: Ownership,
		copyWindowNs: number = COPY_WINDOW_NS,
	) {
		this.#source = source;
		this.#ownership = ownership;
		this.#copyWindowNs = copyWindowNs;
	}

	/** Fills `kind`, `flow` and `netns` of all rows, which are in time order from batch to batch. Throws EngineError. */
	classify(columns: PacketColumns): void {
		const { engine } = this.#begun();
		this.#learnInterfaces();
		for (let row = 0; ; this.#answer()) {
			row = engine.classify(columns.address, row, columns.count) >>> 0;
			if (row === EXHAUSTED) throw new EngineError("the flows of a recording do not fit into the engine's memory");
			if (row === columns.count) break;
		}
		this.#begun().settle();
	}

	get tally(): OfferTally {
		const counted = (which: number) => this.#recording?.engine.offersCounted(which) ?? 0;
		return {
			flows: counted(L.OFFERS_FLOWS),
			offered: counted(L.OFFERS_OFFERED),
			replies: counted(L.OFFERS_REPLIES),
			duplicates: counted(L.OFFERS_DUPLICATES),
			icmpErrors: counted(L.OFFERS_ICMP_ERRORS),
			laterFragments: counted(L.OFFERS_LATER_FRAGMENTS),
			cut: counted(L.OFFERS_CUT),
			orphans: counted(L.OFFERS_ORPHANS),
			linkLocal: counted(L.OFFERS_LINK),
		};
	}

	/** The recording, which is there once its first batch is. */
	#begun(): Recording {
		if (this.#recording === null) {
			this.#recording = this.#source.addresses.recording;
			this.#recording.engine.offersReset(BigInt(this.#copyWindowNs));
		}
		return this.#recording;
	}

	#learnInterfaces(): void {
		const { list } = this.#source.interfaces;
		for (; this.#interfaces < list.length; this.#interfaces++) {
			const netns = this.#ownership.netnsOfInterface(this.#interfaces);
			const { packets } = list[this.#interfaces] as FlowInterface;
			this.#tell(netns);
			this.#begun().engine.setInterface(this.#interfaces, netns, packets ? 1 : 0);
		}
	}

	/** Whose the address is that the engine has met. */
	#answer(): void {
		const { engine } = this.#begun();
		const netns = this.#ownership.ownerOf(engine.ownerAskedFamily(), engine.ownerAsked() >>> 0);
		this.#tell(netns);
		engine.answerOwner(netns);
	}

	#tell(netns: number): void {
		if (netns >= NETNS_MAX) throw new RangeError(`netns ${netns} of a recording; expected fewer than ${NETNS_MAX}`);
		if (netns >= 0) this.#begun().engine.setNetns(netns, this.#ownership.forwards(netns) ? 1 : 0);
	}
}
