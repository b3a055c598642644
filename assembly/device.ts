// Devices as records: lo, veth, bridge, vxlan; their flags and names. What they do with a packet is in `bridge` and `forward`.
// A view on a row of TABLE_DEVICE. A device's index is also its link-layer address: unique, and easy to print.

import { row } from "./arena";
import { note } from "./journey";
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

/** The next device of its netns; -1: it is the last. */
// @ts-ignore: decorator
@inline
export function nextDevice(index: i32): i32 {
	return load<i32>(device(index), L.DEVICE_NEXT);
}

/** Generation of the network in which the device came, or became a port: what was learned of it before is of another one. */
// @ts-ignore: decorator
@inline
export function deviceGenid(index: i32): u32 {
	return load<u32>(device(index), L.DEVICE_GENID);
}

// @ts-ignore: decorator
@inline
export function deviceHas(index: i32, flag: i32): bool {
	return (load<u32>(device(index), L.DEVICE_FLAGS) & (<u32>flag)) != 0;
}

export function deviceMtu(index: i32): u32 {
	return load<u32>(device(index), L.DEVICE_MTU);
}

/** A tunnel's own end on the underlay. */
export function tunnelLocal(index: i32): u32 {
	return load<u32>(device(index), L.DEVICE_LOCAL);
}

/** A tunnel's UDP port. */
export function tunnelPort(index: i32): u16 {
	return <u16>load<u32>(device(index), L.DEVICE_VPORT);
}

/** The device is removed: the other end of a veth has none any more. */
export function markDeviceGone(index: i32): void {
	const peer = devicePeer(index);
	if (peer >= 0) store<i32>(device(peer), -1, L.DEVICE_PEER);
	store<u32>(device(index), L.GENID_GONE, L.DEVICE_GENID);
}

/** Counts a received packet. */
export function countIn(index: i32, bytes: u32): void {
	note(L.STEP_IN, index);
	count(device(index) + L.DEVICE_RX_PACKETS, bytes);
}

/** Counts a sent packet. */
export function countOut(index: i32, bytes: u32): void {
	note(L.STEP_OUT, index);
	count(device(index) + L.DEVICE_TX_PACKETS, bytes);
}

// Packets, and 8 bytes later bytes.
function count(at: usize, bytes: u32): void {
	store<u64>(at, load<u64>(at) + 1);
	store<u64>(at, load<u64>(at, 8) + <u64>bytes, 8);
}
