// Who owns what in a recording: the netns of an interface and of an address, by the network that it is replayed over.
// What nobody there owns is a machine outside: it gets a netns name here, `host:NAME` or `host:ADDRESS`, and its netns
// when the network is built. The same input gives the same numbers, so that a survey and the replay after it agree.

import { DIRECTION_OUT, type PacketColumns } from "../flows/columns.ts";
import type { FlowInterface, InterfaceTable } from "../flows/interfaces.ts";
import { OUTSIDE, type Ownership } from "../flows/offer.ts";
import { netnsOfTap } from "../flows/taps.ts";
import { ipv4FromNumber } from "../net/address.ts";
import type { Network } from "../net/network.ts";
import type { Mapping } from "./mapping.ts";

export interface OwnerOptions {
	/** Where files were captured, `NETNS/DEVICE`, by file name; `*`: all of them. */
	taps?: ReadonlyMap<string, string>;
	/** Addresses of the recording that belong to someone else here. */
	mappings?: readonly Mapping[];
	/** Addresses that nothing sends from: Services, load balancers, 1:1 NAT. No machine outside has one of these. */
	isVirtual?: (address: number) => boolean;
}

const NO_ADDRESS = -1;
/** Name of an interface of a machine outside. */
const HOST = /^host (\S+)$/;

export class Owners implements Ownership {
	/** Netns names by the numbers given out here. */
	readonly names: string[] = [];
	/** Address of a machine outside, by number; -1 where none is known or it is one of the network. */
	readonly outside: number[] = [];
	readonly #interfaces: InterfaceTable;
	readonly #options: OwnerOptions;
	readonly #byName = new Map<string, number>();
	readonly #byAddress = new Map<number, number>();
	readonly #forwarding: boolean[] = [];
	/** Interfaces of machines outside: those that sent nothing yet, and what the others send from. */
	readonly #silent = new Set<number>();
	readonly #sends = new Map<number, number>();
	/** Machines outside whose interface had sent nothing when it was asked about. */
	readonly #unaddressed = new Map<number, number>();
	#interfacesSeen = 0;

	constructor(network: Network, interfaces: InterfaceTable, options: OwnerOptions = {}) {
		this.#interfaces = interfaces;
		this.#options = options;
		for (const netns of network.netns) {
			const index = this.#add(netns.name, netns.kind === "node" || netns.kind === "router" || netns.kind === "fabric");
			for (const device of netns.devices) {
				for (const { ip, scope } of device.addresses) {
					if (scope !== "host" && !this.#byAddress.has(ip)) this.#byAddress.set(ip, index);
				}
			}
		}
	}

	/**
	 * Before a batch is classified: a machine outside owns what it sends by an interface of its own. Interfaces come with
	 * the first batch, their packets perhaps later.
	 */
	learn(columns: PacketColumns): void {
		for (; this.#interfacesSeen < this.#interfaces.list.length; this.#interfacesSeen++) {
			const { name } = this.#interfaces.list[this.#interfacesSeen] as FlowInterface;
			if (name !== null && HOST.test(name)) this.#silent.add(this.#interfacesSeen);
		}
		if (this.#silent.size === 0) return;
		for (let row = 0; row < columns.count; row++) {
			const at = columns.interfaceIndex[row] as number;
			if (!this.#silent.has(at) || columns.family[row] !== 4 || columns.direction[row] !== DIRECTION_OUT) continue;
			this.#silent.delete(at);
			this.#sends.set(at, columns.src[row] as number);
			const index = this.#unaddressed.get(at);
			if (index !== undefined) this.#own(index, columns.src[row] as number);
		}
	}

	netnsOfInterface(interfaceIndex: number): number {
		const entry = this.#interfaces.list[interfaceIndex];
		if (entry === undefined) return OUTSIDE;
		const tap = this.#options.taps?.get(entry.file) ?? this.#options.taps?.get("*") ?? null;
		const known = netnsOfTap(entry, tap, (name) => this.#byName.get(netnsName(name)) ?? OUTSIDE);
		if (known >= 0) return known;
		const name = HOST.exec(entry.name ?? "")?.[1];
		if (tap !== null || name === undefined) return OUTSIDE;
		const address = this.#sends.get(interfaceIndex);
		const owner = address === undefined ? undefined : this.#byAddress.get(address);
		if (owner !== undefined) return owner;
		const index = this.#add(`host:${name}`, false);
		if (address === undefined) this.#unaddressed.set(interfaceIndex, index);
		else this.#own(index, address);
		return index;
	}

	ownerOf(family: number, address: number): number {
		if (family !== 4) return OUTSIDE;
		const known = this.#byAddress.get(address);
		if (known !== undefined) return known;
		if (this.#options.isVirtual?.(address)) return OUTSIDE;
		const index = this.#add(`host:${ipv4FromNumber(address)}`, false);
		this.outside[index] = address;
		this.#byAddress.set(address, index);
		return index;
	}

	forwards(netns: number): boolean {
		return this.#forwarding[netns] ?? false;
	}

	/** Whether an address is one of the network's. */
	isInside(address: number): boolean {
		const index = this.#byAddress.get(address);
		return (index !== undefined && this.outside[index] === NO_ADDRESS) || (this.#options.isVirtual?.(address) ?? false);
	}

	#own(index: number, address: number): void {
		if (this.#byAddress.has(address)) return;
		this.outside[index] = address;
		this.#byAddress.set(address, index);
	}

	#add(name: string, forwards: boolean): number {
		const index = this.names.push(name) - 1;
		this.outside.push(NO_ADDRESS);
		this.#forwarding.push(forwards);
		this.#byName.set(name, index);
		return index;
	}
}

/** `pod/NS/NAME`, `host/NAME`, `node/NAME` as the network names them; a netns's own name stays. */
function netnsName(word: string): string {
	return word.replace(/^(pod|host|node)\//, "$1:");
}
