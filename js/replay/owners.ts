// Who owns what in a recording: the netns of an interface and of an address, by the network that it is replayed over.
// What nobody there owns is a machine outside: it gets a netns name here, `host:NAME` or `host:ADDRESS`, and its netns
// when the network is built. The same input gives the same numbers, so that a survey and the replay after it agree.

import type { AddressTable } from "../flows/addresses.ts";
import { DIRECTION_OUT, type PacketColumns } from "../flows/columns.ts";
import type { FlowInterface, InterfaceTable } from "../flows/interfaces.ts";
import { OUTSIDE, type Ownership } from "../flows/offer.ts";
import { netnsOfTap } from "../flows/taps.ts";
import { ipv4FromNumber } from "../net/address.ts";
import type { Address, Network } from "../net/network.ts";
import type { HostSpec } from "../net/topology.ts";

export interface OwnerOptions {
	/** Where files were captured, `NETNS/DEVICE`, by file name; `*`: all of them. */
	taps?: ReadonlyMap<string, string> | undefined;
	/** Addresses that nothing sends from: Services, load balancers, 1:1 NAT. No machine outside has one of these. */
	virtual?: ReadonlySet<Address> | undefined;
}

/** Who owns what in a network: plain, for a reading may be another thread's. */
export interface Owned {
	/** Netns names; the others go by their places. */
	names: readonly string[];
	/** The netns passes on packets of others. */
	forwards: readonly boolean[];
	addresses: ReadonlyMap<Address, number>;
	/** The network has addresses of IPv6. */
	hasIPv6: boolean;
}

export function ownedIn(network: Network): Owned {
	const names: string[] = [];
	const forwards: boolean[] = [];
	const addresses = new Map<Address, number>();
	for (const { name, kind, devices } of network.netns) {
		const index = names.push(name) - 1;
		forwards.push(kind === "node" || kind === "router" || kind === "fabric");
		for (const { ip, scope } of devices.flatMap((device) => [...device.addresses, ...device.addresses6])) {
			if (scope !== "host" && !addresses.has(ip)) addresses.set(ip, index);
		}
	}
	const hasIPv6 = network.netns.some(({ devices }) => devices.some(({ addresses6 }) => addresses6.length > 0));
	return { names, forwards, addresses, hasIPv6 };
}

/** Name of an interface of a machine outside. */
const HOST = /^host (\S+)$/;

export class Owners implements Ownership {
	/** Netns names by the numbers given out here. */
	readonly names: string[] = [];
	/** Addresses of a machine outside, by number: none where none is known; null: it is one of the network. */
	readonly outside: (Pick<HostSpec, "ip" | "ip6"> | null)[] = [];
	/** Whether the network has addresses of IPv6. */
	readonly hasIPv6: boolean;
	readonly #addresses: AddressTable;
	readonly #interfaces: InterfaceTable;
	readonly #options: OwnerOptions;
	readonly #byName = new Map<string, number>();
	readonly #byAddress: Map<Address, number>;
	readonly #forwarding: boolean[] = [];
	/** Interfaces of machines outside: those that sent nothing of a family yet, and what the others send from. */
	readonly #silent = { 4: new Set<number>(), 6: new Set<number>() };
	readonly #sends = new Map<number, Address[]>();
	/** Machines outside whose interface had sent nothing when it was asked about. */
	readonly #unaddressed = new Map<number, number>();
	#interfacesSeen = 0;

	/** `addresses`: what the recording's rows call those of IPv6. */
	constructor(owned: Owned, interfaces: InterfaceTable, addresses: AddressTable, options: OwnerOptions = {}) {
		this.#interfaces = interfaces;
		this.#addresses = addresses;
		this.#options = options;
		this.hasIPv6 = owned.hasIPv6;
		for (const [index, name] of owned.names.entries()) this.#add(name, null, owned.forwards[index]);
		this.#byAddress = new Map(owned.addresses);
	}

	/**
	 * Before a batch is classified: a machine outside owns what it sends by an interface of its own. Interfaces come with
	 * the first batch, their packets perhaps later.
	 */
	learn(columns: PacketColumns): void {
		for (; this.#interfacesSeen < this.#interfaces.list.length; this.#interfacesSeen++) {
			const { name } = this.#interfaces.list[this.#interfacesSeen] as FlowInterface;
			if (name === null || !HOST.test(name)) continue;
			this.#silent[4].add(this.#interfacesSeen);
			if (this.hasIPv6) this.#silent[6].add(this.#interfacesSeen);
		}
		if (this.#silent[4].size === 0 && this.#silent[6].size === 0) return;
		for (let row = 0; row < columns.count; row++) {
			const at = columns.interfaceIndex[row] as number;
			const silent = columns.family[row] === 6 ? this.#silent[6] : this.#silent[4];
			if (!silent.has(at) || columns.direction[row] !== DIRECTION_OUT) continue;
			const value = columns.src[row] as number;
			if (columns.family[row] === 6 && this.#addresses.isOfLink(value)) continue;
			const address = this.#address(columns.family[row] as number, value);
			silent.delete(at);
			this.#sends.set(at, [...(this.#sends.get(at) ?? []), address]);
			const index = this.#unaddressed.get(at);
			if (index !== undefined) this.#own(index, address);
		}
	}

	/** An address of a row. */
	#address(family: number, value: number): Address {
		return family === 6 ? this.#addresses.text(value) : value;
	}

	netnsOfInterface(interfaceIndex: number): number {
		const entry = this.#interfaces.list[interfaceIndex];
		if (entry === undefined) return OUTSIDE;
		const tap = this.#options.taps?.get(entry.file) ?? this.#options.taps?.get("*") ?? null;
		const known = netnsOfTap(entry, tap, (name) => this.#byName.get(netnsName(name)) ?? OUTSIDE);
		if (known >= 0) return known;
		const name = HOST.exec(entry.name ?? "")?.[1];
		if (tap !== null || name === undefined) return OUTSIDE;
		const addresses = this.#sends.get(interfaceIndex) ?? [];
		const owner = addresses.map((address) => this.#byAddress.get(address)).find((index) => index !== undefined);
		const index = owner ?? this.#add(`host:${name}`, {});
		// What it sends from later, in the other family, is its own as well.
		this.#unaddressed.set(interfaceIndex, index);
		for (const address of addresses) this.#own(index, address);
		return index;
	}

	ownerOf(family: number, value: number): number {
		if (family === 6 && !this.hasIPv6) return OUTSIDE;
		return this.ownerOfAddress(this.#address(family, value));
	}

	/** As `ownerOf`, of an address as the network has it. */
	ownerOfAddress(address: Address): number {
		const known = this.#byAddress.get(address);
		if (known !== undefined) return known;
		if (this.#options.virtual?.has(address)) return OUTSIDE;
		const index = this.#add(`host:${typeof address === "number" ? ipv4FromNumber(address) : address}`, {});
		this.#own(index, address);
		return index;
	}

	forwards(netns: number): boolean {
		return this.#forwarding[netns] ?? false;
	}

	/** Whether an address is one of the network's. */
	isInside(address: Address): boolean {
		const index = this.#byAddress.get(address);
		return (index !== undefined && this.outside[index] === null) || (this.#options.virtual?.has(address) ?? false);
	}

	/** The machine outside that a number stands for, once it has an address; null: none that has, or one of the network. */
	host(index: number): HostSpec | null {
		const addresses = this.outside[index] ?? null;
		if (addresses === null || (addresses.ip ?? addresses.ip6) === undefined) return null;
		return { name: (this.names[index] as string).slice("host:".length), ...addresses, listenAny: true };
	}

	/** Gives a machine outside an address that is nobody's, where it has none of that family. */
	#own(index: number, address: Address): void {
		const own = this.outside[index] ?? null;
		if (own === null || this.#byAddress.has(address)) return;
		if (typeof address === "number") own.ip ??= ipv4FromNumber(address);
		else own.ip6 ??= address;
		this.#byAddress.set(address, index);
	}

	/** `outside`: the addresses of a machine outside. */
	#add(name: string, outside: Pick<HostSpec, "ip" | "ip6"> | null, forwards = false): number {
		const index = this.names.push(name) - 1;
		this.outside.push(outside);
		this.#forwarding.push(forwards);
		this.#byName.set(name, index);
		return index;
	}
}

/** `pod/NS/NAME`, `host/NAME`, `node/NAME` as the network names them; a netns's own name stays. */
function netnsName(word: string): string {
	return word.replace(/^(pod|host|node)\//, "$1:");
}
