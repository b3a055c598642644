// IPv6 for the specs' small networks: addresses and routes over the netns of `network`, which keep to the second half of
// each netns's rows.

import { intern6 } from "../address6";
import { row } from "../arena";
import { device } from "../device";
import { cbr0, cluster, EACH, node, podA, podB, ready, router, uplink } from "./network";
import * as L from "../layout";
import { firstDevice, netns } from "../netns";

const HALF: i32 = EACH / 2;

/** fd00::/16 addresses: the second group, and the last two. */
export function ip6(group: u32, high: u32, low: u32): u32 {
	return <u32>intern6(((<u64>0xfd00) << 48) | ((<u64>group) << 32), ((<u64>high) << 16) | (<u64>low));
}

function take6(index: i32, counter: i32, first: i32): i32 {
	const at = netns(index);
	const taken = load<i32>(at + <usize>counter);
	if (taken == HALF) throw new Error("a netns has room for four of IPv6");
	store<i32>(at + <usize>counter, taken + 1);
	store<i32>(at + <usize>first, index * EACH + HALF);
	return index * EACH + HALF + taken;
}

/** An IPv6 address, and with it the connected route. */
export function assign6(dev: i32, address: u32, length: u32, network: u32): void {
	const index = load<i32>(device(dev), L.DEVICE_NETNS);
	const at = row(L.TABLE_ADDRESS, take6(index, L.NETNS_ADDRESS6_COUNT, L.NETNS_ADDRESS6_FIRST), L.ADDRESS_STRIDE);
	store<u32>(at, address, L.ADDRESS_IP);
	store<u32>(at, length, L.ADDRESS_PREFIX);
	store<i32>(at, dev, L.ADDRESS_DEVICE);
	if (length < 128) route6(index, network, length, 0, dev);
}

/** A route; its row. */
export function route6(index: i32, prefix: u32, length: u32, via: u32, dev: i32, type: u32 = L.RTN_UNICAST): usize {
	const at = row(L.TABLE_ROUTE, take6(index, L.NETNS_ROUTE6_COUNT, L.NETNS_ROUTE6_FIRST), L.ROUTE_STRIDE);
	memory.fill(at, 0, L.ROUTE_STRIDE);
	store<u32>(at, prefix, L.ROUTE_PREFIX);
	store<u32>(at, length, L.ROUTE_LENGTH);
	store<u32>(at, type, L.ROUTE_TYPE);
	store<u32>(at, via, L.ROUTE_VIA);
	store<i32>(at, dev, L.ROUTE_DEVICE);
	return at;
}

export let A6: u32 = 0;
export let B6: u32 = 0;
export let BRIDGE6: u32 = 0;
export let NODE6: u32 = 0;
export let ROUTER6: u32 = 0;
export let LOOPBACK6: u32 = 0;

/** The specs' cluster, dual-stack: pods in fd00:1::/64, the uplink in fd00:2::/64. */
export function cluster6(nodeFlags: u32): void {
	cluster(nodeFlags | L.NS_IP6_FORWARD);
	A6 = ip6(1, 0, 2);
	B6 = ip6(1, 0, 3);
	BRIDGE6 = ip6(1, 0, 1);
	NODE6 = ip6(2, 0, 11);
	ROUTER6 = ip6(2, 0, 1);
	LOOPBACK6 = <u32>intern6(0, 1);
	const flags = netns(router) + L.NETNS_FLAGS;
	store<u32>(flags, load<u32>(flags) | L.NS_IP6_FORWARD);
	for (let i = podA; i <= router; i++) {
		store<u32>(netns(i), 64, L.NETNS_HOP_LIMIT);
		store<u32>(netns(i), 100, L.NETNS_TIMEOUT_ICMPV6);
	}
	const far = load<i32>(device(uplink), L.DEVICE_PEER);
	assign6(eth(podA), A6, 64, ip6(1, 0, 0));
	assign6(eth(podB), B6, 64, ip6(1, 0, 0));
	assign6(cbr0, BRIDGE6, 64, ip6(1, 0, 0));
	assign6(uplink, NODE6, 64, ip6(2, 0, 0));
	assign6(far, ROUTER6, 64, ip6(2, 0, 0));
	route6(podA, 0, 0, BRIDGE6, eth(podA));
	route6(podB, 0, 0, BRIDGE6, eth(podB));
	route6(node, 0, 0, ROUTER6, uplink);
	route6(router, ip6(1, 0, 0), 64, NODE6, far);
	ready();
}

/** The device of a pod beside lo. */
export function eth(index: i32): i32 {
	return firstDevice(index) + 1;
}
