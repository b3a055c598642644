// Whether a change fits the network that is loaded, and whether there is room for it: everything that can be wrong with it is found
// before anything is written.

import * as L from "../assembly/layout.ts";
import type { NetworkChange } from "../js/net/change.ts";
import type { Device, DeviceRef, FibRoute, Netns } from "../js/net/network.ts";
import { same } from "../js/net/same.ts";
import { AddressesFullError } from "./addresses.ts";
import type { Core } from "./core.ts";
import { isSameDevice, middleOf } from "./netnschange.ts";
import type { NetworkRows } from "./network.ts";
import { routesNeed } from "./sizes.ts";
import { CapacityError } from "./views.ts";

/** Of a netns's devices: those that it will have and the loaded ones do not show, and those that it will have no more. */
interface Devices {
	came: ReadonlyMap<string, Device>;
	gone: ReadonlySet<string>;
}

const NOTHING: Devices = { came: new Map(), gone: new Set() };

/** Throws RangeError where something is missing or there twice, CapacityError where a table cannot grow. */
export function checkChange(core: Core, network: NetworkRows, change: NetworkChange): void {
	new ChangeCheck(core, network, change).run();
}

class ChangeCheck {
	readonly #core: Core;
	readonly #network: NetworkRows;
	readonly #change: NetworkChange;
	readonly #removed: ReadonlySet<string>;
	/** Of netns that came or change. */
	readonly #devices = new Map<string, Devices>();

	constructor(core: Core, network: NetworkRows, change: NetworkChange) {
		this.#core = core;
		this.#network = network;
		this.#change = change;
		this.#removed = new Set(change.removed);
	}

	run(): void {
		const { added, changed } = this.#change;
		this.#checkNames();
		for (const netns of added)
			this.#devices.set(netns.name, { came: devicesOf(netns, netns.devices), gone: new Set() });
		for (const netns of changed) this.#devices.set(netns.name, this.#differenceOf(netns));
		for (const netns of [...added, ...changed]) this.#checkLinks(netns);
		for (const name of this.#removed) for (const device of this.#loaded(name).devices) this.#checkPair(name, device);
		for (const netns of changed) this.#checkGone(netns);
		this.#checkRoom();
	}

	#checkNames(): void {
		const { removed, added, changed } = this.#change;
		if (this.#removed.size < removed.length) throw new RangeError("a netns is removed twice");
		for (const name of removed) this.#loaded(name);
		const names = new Set<string>();
		for (const { name } of [...added, ...changed]) {
			if (names.has(name)) throw new RangeError(`there are two netns ${name}`);
			names.add(name);
		}
		for (const { name } of added) {
			if (this.#network.netns.has(name) && !this.#removed.has(name)) throw new RangeError(`there is a netns ${name}`);
		}
		for (const { name } of changed) {
			if (this.#removed.has(name)) throw new RangeError(`netns ${name} is removed`);
			this.#loaded(name);
		}
	}

	/** As it is loaded. */
	#loaded(name: string): Netns {
		const row = this.#network.netns.get(name);
		const netns = row === undefined ? null : this.#network.at(row);
		if (netns === null) throw new RangeError(`there is no netns ${name}`);
		return netns;
	}

	#differenceOf(now: Netns): Devices {
		const before = this.#loaded(now.name);
		if (before.devices === now.devices) return NOTHING;
		const { first, last } = middleOf(before.devices, now.devices);
		const came = devicesOf(now, now.devices.slice(first, now.devices.length - last));
		const old = new Set<string>();
		for (const { name } of before.devices.slice(first, before.devices.length - last)) old.add(name);
		for (const name of came.keys()) {
			if (old.has(name) || this.#network.deviceRow(now.name, name) === null) continue;
			throw new RangeError(`there are two devices ${now.name}/${name}`);
		}
		return { came, gone: new Set([...old].filter((name) => !came.has(name))) };
	}

	/** Will there be such a device? */
	#has(netns: string, device: string): boolean {
		const own = this.#devices.get(netns) ?? NOTHING;
		if (own.came.has(device)) return true;
		if (this.#removed.has(netns) || own.gone.has(device)) return false;
		return this.#network.deviceRow(netns, device) !== null;
	}

	#need(netns: string, device: string): void {
		if (!this.#has(netns, device)) throw new RangeError(`there is no device ${netns}/${device}`);
	}

	#checkLinks(netns: Netns): void {
		const row = this.#removed.has(netns.name) ? undefined : this.#network.netns.get(netns.name);
		const before = row === undefined ? null : this.#network.at(row);
		const { came, gone } = this.#devices.get(netns.name) ?? NOTHING;
		for (const { peer, master } of came.values()) {
			if (peer !== null) this.#need(peer.netns, peer.device);
			if (master !== null) this.#need(netns.name, master);
		}
		const ports = gone.size > 0 ? netns.devices : [];
		for (const { master } of ports) if (master !== null) this.#need(netns.name, master);
		this.#checkRoutes(netns, gone, netns.routes, before?.routes);
		this.#checkRoutes(netns, gone, netns.routes6, before?.routes6);
	}

	#checkRoutes<A>(
		{ name }: Netns,
		gone: ReadonlySet<string>,
		routes: readonly FibRoute<A>[],
		before: readonly FibRoute<A>[] | undefined,
	): void {
		if (routes === before && gone.size === 0) return;
		const known = new Set<string>();
		const need = (device: string) => {
			if (known.has(device)) return;
			this.#need(name, device);
			known.add(device);
		};
		for (const { device, nexthops } of routes) {
			if (device !== null) need(device);
			for (const hop of nexthops) need(hop.device);
		}
	}

	#checkGone(netns: Netns): void {
		const { came, gone } = this.#devices.get(netns.name) ?? NOTHING;
		if (came.size + gone.size === 0) return;
		for (const device of this.#loaded(netns.name).devices) {
			const now = came.get(device.name);
			const stays = now === undefined ? !gone.has(device.name) : isSameDevice(device, now);
			if (!stays) this.#checkPair(netns.name, device);
		}
	}

	/** A device goes: the other end goes too, or is given another one. */
	#checkPair(netns: string, { name, peer }: Device): void {
		if (peer === null || !this.#has(peer.netns, peer.device)) return;
		const other = this.#devices.get(peer.netns)?.came.get(peer.device)?.peer ?? this.#loadedPeer(peer);
		if (other === null || this.#has(other.netns, other.device)) return;
		throw new RangeError(`${peer.netns}/${peer.device} is there, and its other end ${netns}/${name} is not`);
	}

	/** The other end that a device has which stays as it is loaded. */
	#loadedPeer({ netns, device }: DeviceRef): DeviceRef | null {
		return this.#loaded(netns).devices.find(({ name }) => name === device)?.peer ?? null;
	}

	#checkRoom(): void {
		const { rows, engine } = this.#core;
		const { added, changed } = this.#change;
		const need = { devices: 0, addresses: 0, routes: 0, nexthops: 0, listeners: 0, scratch: 0 };
		const texts = new Set<string>();
		const isChanged = new Set(changed);
		for (const netns of [...added, ...changed]) {
			need.devices += this.#devices.get(netns.name)?.came.size ?? 0;
			const before = isChanged.has(netns) ? this.#loaded(netns.name) : null;
			if (before?.listen !== netns.listen) need.listeners += netns.listen.length;
			for (const { bind } of netns.listen) if (bind !== undefined) texts.add(bind);
			if (before !== null && !isReadressed(before, netns)) continue;
			const { addresses, addresses6, nexthops, scratch } = routesNeed(netns);
			need.addresses += addresses + addresses6;
			need.routes += netns.routes.length + netns.routes6.length;
			need.nexthops += nexthops;
			need.scratch = Math.max(need.scratch, scratch);
			for (const text of textsOf(netns)) texts.add(text);
		}
		this.#checkAddresses(texts);
		rows.expect(L.TABLE_NETNS, added.length);
		rows.expect(L.TABLE_DEVICE, need.devices);
		rows.expect(L.TABLE_ADDRESS, need.addresses);
		rows.expect(L.TABLE_ROUTE, need.routes);
		rows.expect(L.TABLE_NEXTHOP, need.nexthops);
		if (!this.#network.expectListeners(need.listeners))
			throw new CapacityError(L.TABLE_SOCKET, engine.capacity(L.TABLE_SOCKET));
		const scratch = engine.capacity(L.TABLE_SCRATCH);
		if (need.scratch > scratch && !engine.grow(L.TABLE_SCRATCH, need.scratch * 2))
			throw new CapacityError(L.TABLE_SCRATCH, scratch);
	}

	/** Gives every address its number. */
	#checkAddresses(texts: ReadonlySet<string>): void {
		const { addresses } = this.#core.rows;
		try {
			addresses.expect(texts);
			for (const text of texts) addresses.number(text);
		} catch (error) {
			if (error instanceof AddressesFullError) throw new CapacityError(L.TABLE_ADDRESS6, error.capacity);
			throw error;
		}
	}
}

function devicesOf(netns: Netns, devices: readonly Device[]): Map<string, Device> {
	const byName = new Map<string, Device>();
	for (const device of devices) {
		if (byName.has(device.name)) throw new RangeError(`there are two devices ${netns.name}/${device.name}`);
		byName.set(device.name, device);
	}
	return byName;
}

/** May its addresses or routes have to be written again? */
function isReadressed(before: Netns, now: Netns): boolean {
	if (before.devices !== now.devices || !same(before.sysctls, now.sysctls)) return true;
	return before.routes !== now.routes || before.routes6 !== now.routes6;
}

/** Every address that is a text. */
function textsOf({ devices, routes6 }: Netns): string[] {
	const routes = routes6.flatMap(({ prefix, via, src, nexthops }) => [
		prefix,
		via,
		src,
		...nexthops.map((hop) => hop.via),
	]);
	const own = devices.flatMap(({ addresses6 }) => addresses6.map(({ ip }) => ip));
	return [...own, ...routes.filter((address) => address !== null)];
}
