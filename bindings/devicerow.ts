// One row of TABLE_DEVICE: what a device is when it comes, and what of it may change while it stays the same.

import * as L from "../assembly/layout.ts";
import type { Device, Netns } from "../js/net/network.ts";
import { deviceFlags, effective } from "./sysctls.ts";
import type { Rows } from "./views.ts";

const KINDS: Readonly<Record<Device["kind"], number>> = {
	lo: L.DEVICE_KIND_LO,
	veth: L.DEVICE_KIND_VETH,
	bridge: L.DEVICE_KIND_BRIDGE,
	vxlan: L.DEVICE_KIND_VXLAN,
};

/** A device that is joined to nothing yet. `owner`: row of its netns; `name`: its number. */
export function beginDevice(
	rows: Rows,
	row: number,
	{ owner, kind, name, genid }: { owner: number; kind: Device["kind"]; name: number; genid: number },
): void {
	const at = rows.at(L.TABLE_DEVICE, row);
	const { view } = rows;
	view.setInt32(at + L.DEVICE_NETNS, owner, true);
	view.setUint32(at + L.DEVICE_KIND, KINDS[kind], true);
	view.setInt32(at + L.DEVICE_PEER, -1, true);
	view.setInt32(at + L.DEVICE_MASTER, -1, true);
	view.setInt32(at + L.DEVICE_NEXT_VTEP, -1, true);
	view.setInt32(at + L.DEVICE_NAME, name, true);
	view.setUint32(at + L.DEVICE_GENID, genid, true);
}

/** MTU, flags and first address, at byte `at` of the memory. */
export function writeDevice(view: DataView, at: number, netns: Netns, device: Device): void {
	const [address] = device.addresses;
	view.setUint32(at + L.DEVICE_MTU, device.mtu, true);
	view.setUint32(at + L.DEVICE_FLAGS, deviceFlags(netns, device), true);
	view.setUint32(at + L.DEVICE_RP_FILTER, effective(netns, device.name, "rp_filter"), true);
	view.setUint32(at + L.DEVICE_ADDRESS, address?.ip ?? 0, true);
	view.setUint32(at + L.DEVICE_PREFIX, address?.prefix ?? 0, true);
}
