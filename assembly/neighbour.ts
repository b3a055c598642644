// Neighbour resolution (net/core/neighbour.c, net/ipv4/arp.c, net/ipv6/ndisc.c): who answers for an address on a device's
// segment. An ARP request or neighbour solicitation crosses bridges, which learn from it; the stack that owns the address
// answers and notes the asker as STALE: of IPv4 whatever device holds the address (arp_ignore 0), of IPv6 that device alone.
// Link-layer addresses are device indices. Gratuitous ARP, proxy ARP and duplicate addresses are not modelled: the first
// answer wins. Solicitations are no packets here: no rule sees them. What is known of a neighbour goes with the device that it is
// known on (neigh_ifdown). It also goes with the device that answered, and with its address there: the kernel finds that out
// by probes that stay unanswered, here it is known at once.

import { is6 } from "./address6";
import { base, capacity, row } from "./arena";
import { device, deviceGenid, deviceKind, deviceMaster, deviceNetns, devicePeer, nextDevice } from "./device";
import { learn } from "./fdb";
import { genid } from "./genid";
import { hashPair } from "./hash";
import { note, notRepeatable } from "./journey";
import { firstDevice, hasAddress, isLocal, netns } from "./netns";
import { clearPairs, enlargePairs, removePair } from "./pairtable";
import * as L from "./layout";

/** No device answered. */
export const MAC_NONE: i32 = -1;

const DELAY_FIRST_PROBE_NS: i64 = 5_000_000_000;
const REACHABLE_NS: i64 = 30_000_000_000;
const HOPS_MAX: i32 = 8; // bridges in a row

// The last slot that was looked up: a neighbour is often asked about twice in a row.
let found: usize = 0;
// Slots that are not empty.
let used: u32 = 0;

export function neighboursReset(): void {
	found = 0;
	used = 0;
	clearPairs(L.TABLE_NEIGH, L.NEIGH_STRIDE);
}

/**
 * Link-layer address of `ip` on `dev`, asking the segment where it is not known; MAC_NONE: nobody answers. `src`: the source
 * of the packet that waits for it.
 */
export function resolve(dev: i32, ip: u32, now: i64, src: u32 = 0): i32 {
	if (deviceKind(dev) == L.DEVICE_KIND_VXLAN) return vtepOf(dev, ip);
	const at = neighbour(dev, ip);
	if (at == 0) {
		notRepeatable();
		return ask(dev, ip, src, now);
	}
	const state = load<u32>(at, L.NEIGH_STATE);
	if (state == 0 || state == L.NUD_FAILED) {
		notRepeatable();
		const mac = ask(dev, ip, src, now);
		store<i32>(at, mac, L.NEIGH_MAC);
		store<u32>(at, mac == MAC_NONE ? L.NUD_FAILED : L.NUD_REACHABLE, L.NEIGH_STATE);
		store<i64>(at, now, L.NEIGH_TIME);
		return mac;
	}
	age(at, now);
	note(L.STEP_NEIGHBOUR, <u32>(at - base(L.TABLE_NEIGH)) / L.NEIGH_STRIDE);
	return load<i32>(at, L.NEIGH_MAC);
}

/** May a packet be given the cached header at once (NUD_CONNECTED, hh_len set)? Using a neighbour caches its header. */
export function headerCached(dev: i32, ip: u32): bool {
	const at = neighbour(dev, ip);
	if (at == 0) return true;
	const cached = load<u32>(at, L.NEIGH_HH) != 0 && load<u32>(at, L.NEIGH_STATE) == L.NUD_REACHABLE;
	store<u32>(at, 1, L.NEIGH_HH);
	return cached;
}

// STALE turns DELAY on use, and REACHABLE five seconds later when the probe is answered.
function age(at: usize, now: i64): void {
	const state = load<u32>(at, L.NEIGH_STATE);
	const since = now - load<i64>(at, L.NEIGH_TIME);
	if (state == L.NUD_REACHABLE && since > REACHABLE_NS) {
		store<u32>(at, L.NUD_DELAY, L.NEIGH_STATE);
		store<i64>(at, now, L.NEIGH_TIME);
	} else if (state == L.NUD_STALE) {
		store<u32>(at, L.NUD_DELAY, L.NEIGH_STATE);
		store<i64>(at, now, L.NEIGH_TIME);
	} else if (state == L.NUD_DELAY && since > DELAY_FIRST_PROBE_NS) {
		store<u32>(at, L.NUD_REACHABLE, L.NEIGH_STATE);
		store<i64>(at, now, L.NEIGH_TIME);
	}
}

/** The last moment, ns, at which using row `index` of TABLE_NEIGH leaves its state as it is. */
export function ageDue(index: u32): i64 {
	const at = row(L.TABLE_NEIGH, index, L.NEIGH_STRIDE);
	const state = load<u32>(at, L.NEIGH_STATE);
	const since = load<i64>(at, L.NEIGH_TIME);
	if (state == L.NUD_REACHABLE) return since + REACHABLE_NS;
	return state == L.NUD_DELAY ? since + DELAY_FIRST_PROBE_NS : i64.MIN_VALUE;
}

// The slot of (dev, ip), made on first use with state 0; 0 where the table is full: then every packet asks anew.
function neighbour(dev: i32, ip: u32): usize {
	const same = found != 0 && load<i32>(found, L.NEIGH_DEVICE) == dev && load<u32>(found, L.NEIGH_IP) == ip;
	if (!same) found = lookup(dev, ip);
	if (found != 0 && !holds(found)) forget(found);
	return found;
}

function lookup(dev: i32, ip: u32): usize {
	const mask = capacity(L.TABLE_NEIGH) - 1;
	let i = hashPair(dev, ip) & mask;
	let room: usize = 0;
	// The probe ends at an empty slot, or after every slot was seen; i is masked.
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_NEIGH, i, L.NEIGH_STRIDE);
		const owner = load<i32>(at, L.NEIGH_DEVICE);
		if (owner == dev && load<u32>(at, L.NEIGH_IP) == ip) return at;
		if (owner != -1) {
			if (room == 0 && !isOfDevice(at)) room = at;
			continue;
		}
		if (room == 0) {
			room = at;
			used++;
		}
		break;
	}
	if (room == 0) return 0;
	store<i32>(room, dev, L.NEIGH_DEVICE);
	store<u32>(room, ip, L.NEIGH_IP);
	forget(room);
	return room;
}

function forget(at: usize): void {
	store<i32>(at, MAC_NONE, L.NEIGH_MAC);
	store<u32>(at, 0, L.NEIGH_STATE);
	store<u32>(at, 0, L.NEIGH_HH);
	store<u32>(at, genid(), L.NEIGH_GENID);
}

// Is the device still the one on which it was learned?
// @ts-ignore: decorator
@inline
function isOfDevice(at: usize): bool {
	const learned = load<u32>(at, L.NEIGH_GENID);
	return learned == genid() || deviceGenid(load<i32>(at, L.NEIGH_DEVICE)) <= learned;
}

// Are its device, and who answered, those that they were, and does that one have the address?
// @ts-ignore: decorator
@inline
function holds(at: usize): bool {
	return load<u32>(at, L.NEIGH_GENID) == genid() || stillHolds(at);
}

function stillHolds(at: usize): bool {
	if (!isOfDevice(at)) return false;
	const learned = load<u32>(at, L.NEIGH_GENID);
	const mac = load<i32>(at, L.NEIGH_MAC);
	if (mac != MAC_NONE) {
		if (deviceGenid(mac) > learned) return false;
		const changed = load<u32>(netns(deviceNetns(mac)), L.NETNS_ADDRESS_GENID) > learned;
		if (changed && !answersFor(mac, load<u32>(at, L.NEIGH_IP))) return false;
	}
	store<u32>(at, genid(), L.NEIGH_GENID);
	return true;
}

/**
 * Between packets: empties slots that hold no more where the table is crowded, and makes it a larger one where that is not enough.
 * Rows move then, so that nothing that was noted of a way holds: the caller sees to it. False: nothing had to be done.
 */
export function neighboursRoom(): bool {
	const slots = capacity(L.TABLE_NEIGH);
	if (used <= slots - (slots >>> 2)) return false;
	found = 0;
	for (let i: u32 = 0; i < slots; i++) {
		while (load<i32>(row(L.TABLE_NEIGH, i, L.NEIGH_STRIDE), L.NEIGH_DEVICE) != -1) {
			if (holds(row(L.TABLE_NEIGH, i, L.NEIGH_STRIDE))) break;
			removePair(L.TABLE_NEIGH, i, L.NEIGH_STRIDE);
			used--;
		}
	}
	// Without memory for a larger one it may get full: then every packet asks anew.
	if (used > slots >>> 1) enlargePairs(L.TABLE_NEIGH, L.NEIGH_STRIDE);
	return true;
}

function ask(dev: i32, ip: u32, src: u32, now: i64): i32 {
	const sender = is6(ip) ? solicitor(dev, src) : load<u32>(device(dev), L.DEVICE_ADDRESS);
	if (deviceKind(dev) == L.DEVICE_KIND_BRIDGE) return flood(dev, -1, dev, sender, ip, now, 0);
	const peer = devicePeer(dev);
	return peer < 0 ? MAC_NONE : hear(peer, dev, sender, ip, now, 0);
}

// ndisc_solicit: the packet's own source where the device has it; else a link-local address, which nobody here will ask for.
function solicitor(dev: i32, src: u32): u32 {
	return hasAddress(deviceNetns(dev), src, dev) ? src : 0;
}

// A request from `asker` reaches device `dev`.
function hear(dev: i32, asker: i32, sender: u32, ip: u32, now: i64, hops: i32): i32 {
	if (hops > HOPS_MAX) return MAC_NONE;
	const bridge = deviceMaster(dev);
	if (bridge < 0) return answer(dev, asker, sender, ip, now);
	learn(bridge, asker, dev);
	const own = answer(bridge, asker, sender, ip, now);
	if (own != MAC_NONE) return own;
	return flood(bridge, dev, asker, sender, ip, now, hops + 1);
}

// The bridge sends the request out of every port but the one it came in by; the answer teaches it the port.
function flood(bridge: i32, except: i32, asker: i32, sender: u32, ip: u32, now: i64, hops: i32): i32 {
	for (let port = firstDevice(deviceNetns(bridge)); port >= 0; port = nextDevice(port)) {
		if (port == except || deviceMaster(port) != bridge || devicePeer(port) < 0) continue;
		const mac = hear(devicePeer(port), asker, sender, ip, now, hops);
		if (mac != MAC_NONE) {
			learn(bridge, mac, port);
			return mac;
		}
	}
	return MAC_NONE;
}

// Does the stack behind a device answer for an address?
function answersFor(dev: i32, ip: u32): bool {
	if (is6(ip)) return hasAddress(deviceNetns(dev), ip, dev);
	return ip >>> 24 != 127 && isLocal(deviceNetns(dev), ip);
}

function answer(dev: i32, asker: i32, sender: u32, ip: u32, now: i64): i32 {
	if (!answersFor(dev, ip)) return MAC_NONE;
	if (sender != 0) {
		const at = neighbour(dev, sender);
		if (at != 0 && load<u32>(at, L.NEIGH_STATE) == 0) {
			store<i32>(at, asker, L.NEIGH_MAC);
			store<u32>(at, L.NUD_STALE, L.NEIGH_STATE);
			store<i64>(at, now, L.NEIGH_TIME);
		}
	}
	return dev;
}

// A tunnel's neighbours are permanent: the device of the same VNI that holds the address (flannel's static entries).
function vtepOf(dev: i32, ip: u32): i32 {
	const vni = load<u32>(device(dev), L.DEVICE_VNI);
	for (let other = load<i32>(device(dev), L.DEVICE_NEXT_VTEP); other >= 0 && other != dev;) {
		if (load<u32>(device(other), L.DEVICE_VNI) == vni && isLocal(deviceNetns(other), ip)) return other;
		other = load<i32>(device(other), L.DEVICE_NEXT_VTEP);
	}
	return MAC_NONE;
}
