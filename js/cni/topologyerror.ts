// The error of a topology that cannot be laid out.

/** A topology that contradicts itself: an unknown node, an address that is none. */
export class TopologyError extends Error {
	constructor(message: string) {
		super(message);
		this.name = "TopologyError";
	}
}
