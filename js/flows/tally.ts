// What became of the records of a source: counted, so that nothing is left out silently.

import type { CaptureError, LineError } from "./errors.ts";

const DAMAGE_MAX = 50;

export class FlowTally {
	/** Packet records of a capture, or lines of flow records. */
	records = 0;
	/** Rows delivered that stand for IP packets. */
	rows = 0;
	arp = 0;
	/** IP headers that contradict themselves (version, header length, total length): skipped. */
	malformed = 0;
	/** The capture ends before the IP header does: skipped. */
	headless = 0;
	/** Delivered, but the capture ends inside the transport header. */
	cut = 0;
	/** Rows taken out of a VXLAN or Geneve packet. */
	tunnelled = 0;
	/** Damage that a lenient reader went past: the first 50, and how many. */
	readonly damage: (CaptureError | LineError)[] = [];
	damageCount = 0;
	/** Where the file ended inside a record, if it did and was to be read as far as it goes. */
	truncated: CaptureError | null = null;
	/** Frames of other kinds by ethertype, as the reader has counted them; 802.3 length fields count under `LLC`. */
	ethertypes: () => ReadonlyMap<number, number> = () => new Map();

	/** By a name for the kind: `arp`, `llc`, `ethertype 0x88cc`, `malformed`, `headless`. */
	get skipped(): Record<string, number> {
		const kinds: Record<string, number> = {};
		if (this.arp > 0) kinds.arp = this.arp;
		for (const [type, count] of [...this.ethertypes()].sort((a, b) => a[0] - b[0])) {
			kinds[type === LLC ? "llc" : `ethertype 0x${type.toString(16).padStart(4, "0")}`] = count;
		}
		if (this.malformed > 0) kinds.malformed = this.malformed;
		if (this.headless > 0) kinds.headless = this.headless;
		return kinds;
	}

	addDamage(error: CaptureError | LineError): void {
		this.damageCount++;
		if (this.damage.length < DAMAGE_MAX) this.damage.push(error);
	}
}

/** Stands for a frame with an 802.3 length in place of an ethertype. */
const LLC = 0;
