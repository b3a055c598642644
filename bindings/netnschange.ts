// What is different between a netns as it was and is: its devices, and the addresses on them.

import type { Device, DeviceAddress, Netns } from "../js/net/network.ts";
import { same } from "../js/net/same.ts";

/** A netns as it was and is, and which of its devices the two do not share: all but `first` in front and `last` at the end. */
export interface Change {
	row: number;
	before: Netns;
	now: Netns;
	first: number;
	last: number;
	/** Rows of the devices that it had. */
	rows: readonly number[];
}

/** Is a device of the same name the same one, whatever became of its address or MTU? */
export function isSameDevice(before: Device, now: Device): boolean {
	return before.kind === now.kind && same(before.peer, now.peer) && same(before.vxlan, now.vxlan);
}

/** What two lists of devices do not share: all but the `first` in front and the `last` at the end. */
export function middleOf(before: readonly Device[], now: readonly Device[]): { first: number; last: number } {
	const most = Math.min(before.length, now.length);
	let first = 0;
	while (first < most && before[first] === now[first]) first++;
	let last = 0;
	while (last < most - first && before[before.length - 1 - last] === now[now.length - 1 - last]) last++;
	return { first, last };
}

/** Has a device given its name to another one? Routes name devices by their rows. */
export function isOtherDevice({ before, now, first, last, rows }: Change, own: readonly number[]): boolean {
	const had = new Map<string, number>();
	for (let i = first; i < rows.length - last; i++) had.set((before.devices[i] as Device).name, rows[i] as number);
	for (let i = first; i < own.length - last; i++) {
		const row = had.get((now.devices[i] as Device).name);
		if (row !== undefined && row !== own[i]) return true;
	}
	return false;
}

/** Addresses of the devices that a change does not leave as they are, in their order. */
export function addressesOf(
	devices: readonly Device[],
	rows: readonly number[],
	first: number,
	last: number,
): { device: number; ip: number | string; prefix: number; scope: DeviceAddress["scope"] }[] {
	return devices.slice(first, devices.length - last).flatMap(({ addresses, addresses6 }, i) => {
		const device = rows[first + i] as number;
		return [...addresses, ...addresses6].map(({ ip, prefix, scope }) => ({ device, ip, prefix, scope }));
	});
}
