// Addresses and routes of a netns as rows: one block of rows a table and family, which is given back as a whole.

import * as L from "../assembly/layout.ts";
import type { FibRoute, Netns } from "../js/net/network.ts";
import type { Rows } from "./views.ts";

const ROUTE_TYPES: Readonly<Record<FibRoute["type"], number>> = {
	unicast: L.RTN_UNICAST,
	blackhole: L.RTN_BLACKHOLE,
	unreachable: L.RTN_UNREACHABLE,
	prohibit: L.RTN_PROHIBIT,
};
const SCOPES = { global: 0, link: 253, host: 254 } as const;

/** Distance of a field …_COUNT from its …_FIRST. */
const COUNT = 4;

/** Row of a device of the netns by its name. RangeError where there is none. */
type DeviceRow = (device: string) => number;

/** Writes the addresses and routes of both families of a netns whose row is at `at` and has none. Throws CapacityError. */
export function writeRoutes(rows: Rows, netns: Netns, at: number, deviceRow: DeviceRow): void {
	writeAddresses(rows, netns, at + L.NETNS_ADDRESS_FIRST, "addresses", deviceRow);
	writeAddresses(rows, netns, at + L.NETNS_ADDRESS6_FIRST, "addresses6", deviceRow);
	writeTable(rows, netns.routes, at + L.NETNS_ROUTE_FIRST, deviceRow);
	writeTable(rows, netns.routes6, at + L.NETNS_ROUTE6_FIRST, deviceRow);
}

/** Gives the rows back that `writeRoutes` took. */
export function giveRoutes(rows: Rows, at: number): void {
	for (const field of [L.NETNS_ADDRESS_FIRST, L.NETNS_ADDRESS6_FIRST]) giveBlock(rows, L.TABLE_ADDRESS, at + field);
	for (const field of [L.NETNS_ROUTE_FIRST, L.NETNS_ROUTE6_FIRST]) {
		const first = rows.view.getUint32(at + field, true);
		const count = rows.view.getUint32(at + field + COUNT, true);
		for (let row = first; row < first + count; row++) {
			giveBlock(rows, L.TABLE_NEXTHOP, rows.at(L.TABLE_ROUTE, row) + L.ROUTE_NEXTHOP_FIRST);
		}
		giveBlock(rows, L.TABLE_ROUTE, at + field);
	}
}

function giveBlock(rows: Rows, table: number, at: number): void {
	rows.give(table, rows.view.getUint32(at, true), rows.view.getUint32(at + COUNT, true));
	rows.setU32(at + COUNT, 0);
}

/** `rows` rows of a table, written down in the two fields FIRST and COUNT at `at`. */
function takeBlock(rows: Rows, table: number, at: number, count: number): number {
	const first = count === 0 ? 0 : rows.take(table, count);
	rows.setU32(at, first);
	rows.setU32(at + COUNT, count);
	return first;
}

function writeAddresses(
	rows: Rows,
	netns: Netns,
	at: number,
	of: "addresses" | "addresses6",
	deviceRow: DeviceRow,
): void {
	let count = 0;
	for (const device of netns.devices) count += device[of].length;
	let row = takeBlock(rows, L.TABLE_ADDRESS, at, count);
	if (count === 0) return;
	for (const device of netns.devices) {
		for (const { ip, prefix, scope } of device[of]) {
			const a = rows.at(L.TABLE_ADDRESS, row++);
			const number = numberOf(rows, ip);
			const { view } = rows;
			view.setUint32(a + L.ADDRESS_IP, number, true);
			view.setUint32(a + L.ADDRESS_PREFIX, prefix, true);
			view.setInt32(a + L.ADDRESS_DEVICE, deviceRow(device.name), true);
			view.setUint32(a + L.ADDRESS_SCOPE, SCOPES[scope], true);
		}
	}
}

/** Of equal prefixes the engine takes the later row: the best metric last; of equal metrics the first listed. */
function inOrder<Route extends FibRoute<number | string>>(routes: readonly Route[]): readonly Route[] {
	const order = routes.toReversed();
	return routes.some(({ metric }) => metric !== 0) ? order.sort((a, b) => b.metric - a.metric) : order;
}

function writeTable(rows: Rows, routes: readonly FibRoute<number | string>[], at: number, deviceRow: DeviceRow): void {
	const number = (address: number | string | null) => (address === null ? 0 : numberOf(rows, address));
	let row = takeBlock(rows, L.TABLE_ROUTE, at, routes.length);
	if (routes.length === 0) return;
	for (const route of inOrder(routes)) {
		const [prefix, via, source] = [number(route.prefix), number(route.via), number(route.src)];
		const r = rows.at(L.TABLE_ROUTE, row++);
		const { view } = rows;
		view.setUint32(r + L.ROUTE_PREFIX, prefix, true);
		view.setUint32(r + L.ROUTE_LENGTH, route.length, true);
		view.setUint32(r + L.ROUTE_TYPE, ROUTE_TYPES[route.type], true);
		view.setUint32(r + L.ROUTE_TABLE, 254, true);
		view.setUint32(r + L.ROUTE_VIA, via, true);
		view.setInt32(r + L.ROUTE_DEVICE, route.device === null ? -1 : deviceRow(route.device), true);
		view.setUint32(r + L.ROUTE_PREFSRC, source, true);
		view.setUint32(r + L.ROUTE_METRIC, route.metric, true);
		let hop = takeBlock(rows, L.TABLE_NEXTHOP, r + L.ROUTE_NEXTHOP_FIRST, route.nexthops.length);
		for (const { via: gateway, device, weight } of route.nexthops) {
			const address = number(gateway);
			const h = rows.at(L.TABLE_NEXTHOP, hop++);
			rows.setU32(h + L.NEXTHOP_VIA, address);
			rows.setI32(h + L.NEXTHOP_DEVICE, deviceRow(device));
			rows.setU32(h + L.NEXTHOP_WEIGHT, weight);
		}
	}
}

function numberOf(rows: Rows, address: number | string): number {
	return typeof address === "number" ? address : rows.addresses.number(address);
}
