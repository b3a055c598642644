// Devices as records: lo, veth, bridge, vxlan; their flags and names. What they do with a packet is in `bridge` and `forward`.
// A view on a row of TABLE_DEVICE. A device's index is also its link-layer address: unique, and easy to print.

import { row } from "./arena";
import * as L from "./layout";

// @ts-ignore: decorator
@inline
export function device(index: i32): usize {
	return row(L.TABLE_DEVICE, index, L.DEVICE_STRIDE);
}

// @ts-ignore: decorator
@inline
export function deviceName(index: i32): i32 {
	return load<i32>(device(index), L.DEVICE_NAME);
}

// @ts-ignore: decorator
@inline
export function deviceKind(index: i32): u32 {
	return load<u32>(device(index), L.DEVICE_KIND);
}

// @ts-ignore: decorator
@inline
export function deviceNetns(index: i32): i32 {
	return load<i32>(device(index), L.DEVICE_NETNS);
}

// @ts-ignore: decorator
@inline
export function deviceMaster(index: i32): i32 {
	return load<i32>(device(index), L.DEVICE_MASTER);
}

// @ts-ignore: decorator
@inline
export function devicePeer(index: i32): i32 {
	return load<i32>(device(index), L.DEVICE_PEER);
}

// @ts-ignore: decorator
@inline
export function deviceHas(index: i32, flag: i32): bool {
	return (load<u32>(device(index), L.DEVICE_FLAGS) & <u32>flag) != 0;
}
