// Where packets were captured: one table for all the files of a replay, so that a row's `interfaceIndex` says file and
// interface both. Named as pcapng names them (if_name, if_description); other formats have one nameless interface a file.

/** Interfaces of one replay: a row has 16 bits for one. */
const INTERFACES_MAX = 65536;

export interface FlowInterface {
	file: string;
	/** pcapng: the interface's number in its section. Linux cooked v2: the capturing machine's ifindex. Else 0. */
	id: number;
	/** if_name, or null where the file gives none. */
	name: string | null;
	/** if_description, or null. */
	description: string | null;
	/** LINKTYPE_ number; null for flow records. */
	linktype: number | null;
	/** Its rows are packets as seen on a wire (with sequence numbers and IP ids), not flow records. */
	packets: boolean;
}

export class InterfaceTable {
	readonly #list: FlowInterface[] = [];

	/** In the order of `interfaceIndex`; grows while a file is read. */
	get list(): readonly FlowInterface[] {
		return this.#list;
	}

	/** The new interface's index. Throws a RangeError past 65,536. */
	add(entry: FlowInterface): number {
		if (this.#list.length >= INTERFACES_MAX)
			throw new RangeError(`more than ${INTERFACES_MAX} interfaces in all files`);
		return this.#list.push(entry) - 1;
	}
}
