// What goes with a netns or a device that is removed (net/core/net_namespace.c cleanup_net, net/core/dev.c
// unregister_netdevice_many): connections and sockets of the netns, packets that wait there or on the device, masqueraded
// connections of the device. What was learned of it (`fdb`, `neighbour`, `peer`) is found out when it is next asked for.

import { deviceMaster, deviceNetns, markDeviceGone } from "./device";
import { fdbRoom } from "./fdb";
import { end } from "./forward";
import { neighboursRoom } from "./neighbour";
import { conntrackCleanup, masqueradeCleanup } from "./netfilter/cleanup";
import { markNetnsGone } from "./netns";
import { changedAll } from "./pathcache";
import { packetAt, takeWaiting } from "./queue";
import { closeSockets } from "./socket";
import { Silent } from "./trace";
import * as L from "./layout";

/** A netns is removed; its devices are gone already, and its rules. */
export function netnsGone(index: i32): void {
	endWaiting(index, -1);
	closeSockets(index);
	conntrackCleanup(index);
	markNetnsGone(index);
}

/** A device is removed. */
export function deviceGone(index: i32): void {
	endWaiting(-1, index);
	// Nothing leaves a stack by a port of a bridge.
	if (deviceMaster(index) < 0) masqueradeCleanup(deviceNetns(index), index);
	markDeviceGone(index);
}

/** An address of a device is removed. */
export function addressGone(device: i32, address: u32): void {
	masqueradeCleanup(deviceNetns(device), device, address);
}

/** Between packets, once devices have come: tables of what is learned of them have room for what there is to learn. */
export function roomToLearn(): void {
	fdbRoom();
	// Ways name the rows of neighbours.
	if (neighboursRoom()) changedAll();
}

function endWaiting(netnsIndex: i32, dev: i32): void {
	for (let slot = takeWaiting(netnsIndex, dev); slot >= 0; slot = takeWaiting(netnsIndex, dev)) {
		end<Silent>(packetAt(slot), L.VERDICT_DROPPED, L.REASON_DEVICE_DOWN);
	}
}
