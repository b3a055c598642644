// A network as rows, and how the rows change with it: netns, devices, addresses, routes, listeners, sysctls as flags and numbers.
// Rules and sets are `rulesets` and `netnssets`. What a netns has and keeps stays where it is, for packets on their way, neighbours
// and connections name devices by their rows; rows of what is gone are given out again. As in Linux a veth pair goes as a whole,
// and a veth that is joined to another end is another veth.

import * as L from "../assembly/layout.ts";
import type { NetworkChange } from "../js/net/change.ts";
import type { Device, Netns, Network } from "../js/net/network.ts";
import { same } from "../js/net/same.ts";
import type { Core } from "./core.ts";
import { beginDevice, writeDevice } from "./devicerow.ts";
import { DeviceRows } from "./devicerows.ts";
import type { Interner } from "./interner.ts";
import { Listeners } from "./listeners.ts";
import { addressesOf, type Change, isOtherDevice, isSameDevice, middleOf } from "./netnschange.ts";
import { giveRoutes, writeRoutes } from "./routes.ts";
import { writeSysctls } from "./sysctls.ts";
import { Tunnels, type TunnelsState } from "./tunnels.ts";

/** Where things of a network stand in the tables. */
export interface EncodedNetwork {
	/** Row of a netns by its name, and the names by row; a row that is free keeps its last one. */
	readonly netns: ReadonlyMap<string, number>;
	readonly netnsNames: readonly string[];
	/** By device row, likewise. */
	readonly deviceNames: readonly { netns: string; device: string }[];
	/** Row of a device by its netns's name and its own; null: there is none. */
	deviceRow(netns: string, device: string): number | null;
}

/** A network whose rows are written. */
export interface NetworkState extends Omit<EncodedNetwork, "deviceRow"> {
	written: readonly (Netns | null)[];
	deviceRows: readonly (readonly number[])[];
	tunnels: TunnelsState;
	listeners: ReadonlyMap<number, readonly number[]>;
	retained: readonly number[] | null;
}

/** Rows that something was written to. */
export interface Touched {
	netns: Set<number>;
	/** Names of devices that came. */
	names: Set<string>;
}

const KINDS: Readonly<Record<Netns["kind"], number>> = {
	node: L.NS_KIND_NODE,
	pod: L.NS_KIND_POD,
	host: L.NS_KIND_HOST,
	router: L.NS_KIND_ROUTER,
	fabric: L.NS_KIND_FABRIC,
};
const NO_ROWS: readonly number[] = [];

export class NetworkRows implements EncodedNetwork {
	readonly netns: Map<string, number>;
	readonly netnsNames: string[];
	readonly deviceNames: { netns: string; device: string }[];
	readonly #core: Core;
	readonly #names: Interner;
	readonly #tunnels: Tunnels;
	/** As they are written, by row. */
	readonly #written: (Netns | null)[];
	/** Rows of the devices of each, in their order. */
	readonly #deviceRows: (readonly number[])[];
	readonly #devices: DeviceRows;
	readonly #listeners: Listeners;
	/** Devices whose other end has gone, and its name. */
	readonly #orphans = new Map<number, string>();
	/** Devices that came with this change, and those that went. */
	readonly #came = new Set<number>();
	readonly #gone = new Set<number>();
	/** Rows of netns that are no more and keep their names; null: rows are used again. */
	#retained: number[] | null;
	#genid = 0;
	/** null: all is written for the first time. */
	#touched: Touched | null = null;

	/** `state`: of a network whose rows are there already. */
	constructor(core: Core, names: Interner, state?: NetworkState) {
		this.#core = core;
		this.#names = names;
		this.netns = new Map(state?.netns);
		this.netnsNames = [...(state?.netnsNames ?? [])];
		this.deviceNames = [...(state?.deviceNames ?? [])];
		this.#written = [...(state?.written ?? [])];
		this.#deviceRows = [...(state?.deviceRows ?? [])];
		this.#devices = new DeviceRows(this.#written, this.#deviceRows);
		this.#tunnels = new Tunnels(core.rows, state?.tunnels);
		this.#listeners = new Listeners(core, state?.listeners);
		this.#retained = state?.retained ? [...state.retained] : null;
	}

	/** Copied, where the one that takes it does not. */
	get state(): NetworkState {
		const { netns, netnsNames, deviceNames } = this;
		return {
			...{ netns, netnsNames, deviceNames, deviceRows: this.#deviceRows },
			written: this.#written.map((one) => (one === null ? null : { ...one })),
			tunnels: this.#tunnels.state,
			listeners: this.#listeners.state,
			retained: this.#retained,
		};
	}

	/** Writes every netns of a network. Peers and masters are found by name; an unknown one is a RangeError. */
	load({ netns: all }: Network): void {
		for (const netns of all) this.#arrive(netns);
		for (const netns of all) this.#write(netns);
		for (const { name, listen } of all) this.#listeners.open(this.#rowOf(name), listen);
	}

	/** Room for so many listeners more, whose sockets may get other rows. False: memory is at its maximum. */
	expectListeners(listeners: number): boolean {
		return this.#listeners.expect(listeners);
	}

	/** While it is on, no new netns gets the row of one that is no more, so that what names it by its row still does. */
	retain(on: boolean): void {
		if (!on) for (const row of this.#retained ?? []) this.#core.rows.give(L.TABLE_NETNS, row);
		this.#retained = on ? (this.#retained ?? []) : null;
	}

	/** As it is written. */
	at(row: number): Netns | null {
		return this.#written[row] ?? null;
	}

	deviceRow(netns: string, device: string): number | null {
		const row = this.netns.get(netns);
		return row === undefined ? null : this.#devices.find(row, device);
	}

	/** All, as they are written. */
	all(): Netns[] {
		return [...this.netns.values()].map((row) => this.#written[row] as Netns);
	}

	/** Writes what is different. The change fits, and there is room for it (`changecheck`). */
	change({ removed, added, changed }: NetworkChange): Touched {
		const touched: Touched = { netns: new Set(), names: new Set() };
		this.#touched = touched;
		this.#genid = this.#core.engine.nextGenid();
		this.#orphans.clear();
		for (const name of removed) this.#remove(name);
		const changes = changed.map((netns) => this.#changeOf(netns));
		for (const change of changes) this.#leave(change);
		for (const netns of added) this.#arrive(netns);
		for (const change of changes) this.#join(change);
		for (const netns of added) this.#write(netns);
		for (const change of changes) this.#rewrite(change);
		for (const netns of added) this.#build(this.#rowOf(netns.name));
		for (const { row, before, now } of changes) this.#listeners.change(row, before.listen, now.listen);
		for (const { name, listen } of added) this.#listeners.open(this.#rowOf(name), listen);
		this.#core.engine.roomToLearn();
		this.#came.clear();
		this.#gone.clear();
		this.#touched = null;
		return touched;
	}

	#remove(name: string): void {
		const { rows, engine } = this.#core;
		const row = this.#rowOf(name);
		const netns = this.#written[row] as Netns;
		const own = this.#deviceRows[row] as readonly number[];
		for (const [i, device] of netns.devices.entries()) this.#giveDevice(netns, device, own[i] as number);
		engine.netnsGone(row);
		engine.dropFibs(row);
		const at = rows.at(L.TABLE_NETNS, row);
		giveRoutes(rows, at);
		rows.setU32(at + L.NETNS_FLAGS, 0);
		if (this.#retained === null) rows.give(L.TABLE_NETNS, row);
		else this.#retained.push(row);
		this.netns.delete(name);
		this.#listeners.forget(row);
		this.#written[row] = null;
		this.#deviceRows[row] = NO_ROWS;
		this.#devices.changed(row);
		this.#touched?.netns.add(row);
	}

	#arrive(netns: Netns): void {
		const { rows } = this.#core;
		const row = rows.take(L.TABLE_NETNS);
		const at = rows.at(L.TABLE_NETNS, row);
		this.netns.set(netns.name, row);
		this.netnsNames[row] = netns.name;
		this.#written[row] = netns;
		const { view } = rows;
		view.setUint32(at + L.NETNS_KIND, KINDS[netns.kind], true);
		view.setUint32(at + L.NETNS_GENID, this.#genid, true);
		for (const chains of [L.NETNS_CHAINS, L.NETNS_CHAINS6]) {
			for (let chain = 0; chain < L.HOOK_COUNT * L.XT_COUNT; chain++) view.setInt32(at + chains + chain * 4, -1, true);
		}
		this.#deviceRows[row] = netns.devices.map((device) => this.#takeDevice(netns, row, device));
		this.#devices.changed(row);
		this.#touched?.netns.add(row);
	}

	#takeDevice(netns: Netns, owner: number, { name, kind }: Device): number {
		const { rows } = this.#core;
		const row = rows.take(L.TABLE_DEVICE);
		this.deviceNames[row] = { netns: netns.name, device: name };
		beginDevice(rows, row, { owner, kind, name: this.#names.intern(name), genid: this.#genid });
		if (this.#touched !== null) {
			this.#touched.names.add(name);
			this.#came.add(row);
		}
		return row;
	}

	#giveDevice(netns: Netns, { name, peer, vxlan }: Device, row: number): void {
		const { rows, engine } = this.#core;
		const other = peer === null ? null : this.#staying(peer.netns, peer.device);
		if (other !== null) this.#orphans.set(other, `${netns.name}/${name}`);
		this.#orphans.delete(row);
		if (vxlan) this.#tunnels.leave(row);
		engine.deviceGone(row);
		this.#names.release(name);
		this.#gone.add(row);
		rows.give(L.TABLE_DEVICE, row);
	}

	/** Of a device that there was before this change, and that has not gone with it. */
	#staying(netns: string, device: string): number | null {
		const row = this.deviceRow(netns, device);
		return row === null || this.#gone.has(row) ? null : row;
	}

	/** A netns that came, but for its FIBs and listeners. */
	#write(netns: Netns): void {
		const { rows } = this.#core;
		const row = this.#rowOf(netns.name);
		const own = this.#deviceRows[row] as readonly number[];
		for (const [i, device] of netns.devices.entries()) {
			this.#writeDevice(netns, row, device, own[i] as number);
			this.#connect(netns, device, own[i] as number);
		}
		this.#order(netns, row, 0, own.length);
		const at = rows.at(L.TABLE_NETNS, row);
		writeSysctls(rows, netns, at);
		rows.setU32(at + L.NETNS_ADDRESS_GENID, this.#genid);
		writeRoutes(rows, netns, at, (device) => this.#ownRow(row, device));
	}

	/** What of a device may change while it stays the same. `owner`: row of its netns. */
	#writeDevice(netns: Netns, owner: number, device: Device, row: number): void {
		const { rows } = this.#core;
		const at = rows.at(L.TABLE_DEVICE, row);
		writeDevice(rows.view, at, netns, device);
		const master = device.master === null ? -1 : this.#ownRow(owner, device.master);
		if (master === rows.view.getInt32(at + L.DEVICE_MASTER, true)) return;
		// Joining a bridge, or leaving it: what it has learned of the port goes (br_fdb_delete_by_port).
		rows.setI32(at + L.DEVICE_MASTER, master);
		rows.setU32(at + L.DEVICE_GENID, this.#genid);
	}

	/** A device that came gets its other end, or its place among tunnels. */
	#connect(netns: Netns, device: Device, row: number): void {
		const { rows } = this.#core;
		if (!device.vxlan && device.peer === null) return;
		const at = rows.at(L.TABLE_DEVICE, row);
		if (device.vxlan) {
			rows.setU32(at + L.DEVICE_VNI, device.vxlan.vni);
			rows.setU32(at + L.DEVICE_LOCAL, device.vxlan.local);
			rows.setU32(at + L.DEVICE_VPORT, device.vxlan.port);
			this.#tunnels.join(row);
		}
		if (device.peer === null) return;
		const peer = this.#deviceRow(device.peer.netns, device.peer.device);
		rows.setI32(at + L.DEVICE_PEER, peer);
		if (this.#orphans.get(peer) !== `${netns.name}/${device.name}`) return;
		this.#orphans.delete(peer);
		this.#renew(peer, row);
	}

	/** The other end of a pair is another one: so is this end. */
	#renew(row: number, peer: number): void {
		const { rows } = this.#core;
		const at = rows.at(L.TABLE_DEVICE, row);
		rows.setI32(at + L.DEVICE_PEER, peer);
		rows.setU32(at + L.DEVICE_GENID, this.#genid);
		for (const field of [L.DEVICE_RX_PACKETS, L.DEVICE_RX_BYTES, L.DEVICE_TX_PACKETS, L.DEVICE_TX_BYTES]) {
			rows.view.setBigUint64(at + field, 0n, true);
		}
		this.#touched?.netns.add(rows.view.getInt32(at + L.DEVICE_NETNS, true));
	}

	/** Devices `first` to `end` of a netns, and the one before them, are followed by the next in order; the first tunnel among all. */
	#order(netns: Netns, row: number, first: number, end: number): void {
		const { rows } = this.#core;
		const own = this.#deviceRows[row] as readonly number[];
		for (let i = Math.max(0, first - 1); i < end; i++) {
			rows.setI32(rows.at(L.TABLE_DEVICE, own[i] as number) + L.DEVICE_NEXT, own[i + 1] ?? -1);
		}
		const tunnel = netns.devices.findIndex(({ vxlan }) => vxlan !== null);
		const at = rows.at(L.TABLE_NETNS, row);
		rows.setI32(at + L.NETNS_DEVICE_FIRST, own[0] ?? -1);
		rows.setU32(at + L.NETNS_TUNNEL, tunnel < 0 ? 0 : (own[tunnel] as number) + 1);
	}

	#changeOf(now: Netns): Change {
		const row = this.#rowOf(now.name);
		const before = this.#written[row] as Netns;
		this.#touched?.netns.add(row);
		return {
			row,
			before,
			now,
			...middleOf(before.devices, now.devices),
			rows: this.#deviceRows[row] as readonly number[],
		};
	}

	#leave({ before, now, first, last, rows }: Change): void {
		const names = new Map(now.devices.slice(first, now.devices.length - last).map((device) => [device.name, device]));
		for (let i = first; i < before.devices.length - last; i++) {
			const device = before.devices[i] as Device;
			const stays = names.get(device.name);
			if (stays === undefined || !isSameDevice(device, stays)) this.#giveDevice(before, device, rows[i] as number);
		}
	}

	#join({ row, now, first, last, rows }: Change): void {
		const middle = now.devices.slice(first, now.devices.length - last);
		const own = [
			...rows.slice(0, first),
			...middle.map((device) => this.#staying(now.name, device.name) ?? this.#takeDevice(now, row, device)),
			...rows.slice(rows.length - last),
		];
		this.#written[row] = now;
		this.#deviceRows[row] = own;
		this.#devices.changed(row);
	}

	#rewrite(change: Change): void {
		const { row, before, now, first, last, rows } = change;
		const table = this.#core.rows;
		const at = table.at(L.TABLE_NETNS, row);
		const own = this.#deviceRows[row] as readonly number[];
		const sysctls = !same(before.sysctls, now.sysctls);
		for (const [i, device] of now.devices.entries()) {
			const isOther = i >= first && i < own.length - last;
			if (isOther || sysctls) this.#writeDevice(now, row, device, own[i] as number);
			if (isOther && this.#came.has(own[i] as number)) this.#connect(now, device, own[i] as number);
		}
		if (first + last < Math.max(own.length, rows.length)) this.#order(now, row, first, own.length - last);
		if (before.kind !== now.kind) table.setU32(at + L.NETNS_KIND, KINDS[now.kind]);
		if (sysctls || before.silent !== now.silent || before.listenAny !== now.listenAny) writeSysctls(table, now, at);
		const addresses = this.#readdress(change);
		const routes = isOtherDevice(change, own) || !same(before.routes, now.routes) || !same(before.routes6, now.routes6);
		if (!addresses && !routes && !sysctls) return;
		giveRoutes(table, at);
		writeRoutes(table, now, at, (device) => this.#ownRow(row, device));
		this.#build(row);
	}

	/** Has it other addresses than before? What goes with those that are gone. */
	#readdress({ row, before, now, first, last, rows }: Change): boolean {
		const own = this.#deviceRows[row] as readonly number[];
		const old = addressesOf(before.devices, rows, first, last);
		const current = addressesOf(now.devices, own, first, last);
		if (same(old, current)) return false;
		const { rows: table, engine } = this.#core;
		table.setU32(table.at(L.TABLE_NETNS, row) + L.NETNS_ADDRESS_GENID, this.#genid);
		for (const { device, ip } of old) {
			if (current.some((other) => other.device === device && other.ip === ip)) continue;
			engine.addressGone(device, typeof ip === "number" ? ip : table.addresses.number(ip));
		}
		return true;
	}

	#build(row: number): void {
		const { rows, engine } = this.#core;
		if (engine.rebuildFibs(row, rows.count(L.TABLE_NETNS))) return;
		throw new RangeError(`the routes of ${this.netnsNames[row]} do not fit into memory`);
	}

	#deviceRow(netns: string, device: string): number {
		const row = this.deviceRow(netns, device);
		if (row === null) throw new RangeError(`there is no device ${netns}/${device}`);
		return row;
	}

	/** Of a netns by its row. */
	#ownRow(netns: number, device: string): number {
		const row = this.#devices.find(netns, device);
		if (row === null) throw new RangeError(`there is no device ${this.netnsNames[netns]}/${device}`);
		return row;
	}

	#rowOf(name: string): number {
		const row = this.netns.get(name);
		if (row === undefined) throw new RangeError(`there is no netns ${name}`);
		return row;
	}
}
