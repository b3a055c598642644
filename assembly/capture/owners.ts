// Who owns what, as the host has said: the netns of an interface, what kind of netns it is, the netns that owns an address.
// An address that nobody has asked about yet is a question to the host; a netns that it answers with stays.

import { mix } from "../hash";
import * as L from "../layout";
import { enlarged, moved, room } from "./room";

const NETNS_FORWARDS: u32 = 1;
const NETNS_CAPTURED: u32 = 2;
const NETNS_OFFERS: u32 = 4;
const NETNS_SCOPE: u32 = 8; // the bits from here on

/* An interface, 8 bytes: netns i32 | scope << 1 | is one of packets. Scope 0: its netns is not known; else one number a netns. */
let interfaces: usize = 0;
let interfaceBytes: u32 = 0;
/* A netns, u32: NETNS_ bits, scope << 8 */
let netnses: usize = 0;
let netnsBytes: u32 = 0;
let scopes: u32 = 0;
/* A slot of the owners, 8 bytes: address u32 | netns + 1, 0: free */
let slots: usize = 0;
let mask: u32 = 0;
let owned: u32 = 0;
/* By index of an IPv6 address, u32: netns + 1, 0: not told */
let owners6: usize = 0;
let owners6Bytes: u32 = 0;

const FIRST_SLOTS: u32 = 1024;

/** Says where interface `index` was captured: netns, -1 unknown; `packets`: as seen on a wire, not flow records. */
export function setInterface(index: u32, netns: i32, packets: bool): void {
	const need = (index + 1) << 3;
	if (need > interfaceBytes) {
		const bytes = enlarged(interfaceBytes, need);
		const next = moved(interfaces, interfaceBytes, bytes);
		if (next == 0) return;
		interfaces = next;
		interfaceBytes = bytes;
	}
	const at = interfaces + ((<usize>index) << 3);
	store<i32>(at, netns);
	store<u32>(at, ((netns < 0 ? 0 : scopeOf(netns)) << 1) | (packets ? 1 : 0), 4);
}

// Callers ask about interfaces that columns name; the host has set each before its rows are classified.
// @ts-ignore: decorator
@inline
export function netnsOfInterface(index: u32): i32 {
	return load<i32>(interfaces + ((<usize>index) << 3));
}

// @ts-ignore: decorator
@inline
export function scopeOfInterface(index: u32): u32 {
	return load<u32>(interfaces + ((<usize>index) << 3), 4) >>> 1;
}

// @ts-ignore: decorator
@inline
export function hasPackets(index: u32): bool {
	return (load<u32>(interfaces + ((<usize>index) << 3), 4) & 1) != 0;
}

/** Says that there is netns `netns`, and whether it passes on packets of others. */
export function setNetns(netns: i32, passesOn: bool): void {
	const at = netnsAt(netns);
	if (at != 0) store<u32>(at, (load<u32>(at) & ~NETNS_FORWARDS) | (passesOn ? NETNS_FORWARDS : 0));
}

/** Address of a netns's word, made where it is not there yet; 0: the memory is at its maximum. */
function netnsAt(netns: i32): usize {
	const need = (<u32>netns + 1) << 2;
	if (need > netnsBytes) {
		const bytes = enlarged(netnsBytes, need);
		const next = moved(netnses, netnsBytes, bytes);
		if (next == 0) return 0;
		netnses = next;
		netnsBytes = bytes;
	}
	return netnses + ((<usize>netns) << 2);
}

/** The scope of a captured netns. */
function scopeOf(netns: i32): u32 {
	const at = netnsAt(netns);
	if (at == 0) return 0;
	let word = load<u32>(at);
	if (word >>> NETNS_SCOPE == 0) word |= ++scopes << NETNS_SCOPE;
	store<u32>(at, word | NETNS_CAPTURED);
	return word >>> NETNS_SCOPE;
}

function hasBit(netns: i32, bit: u32): bool {
	return netns >= 0 && (<u32>netns + 1) << 2 <= netnsBytes && (load<u32>(netnses + ((<usize>netns) << 2)) & bit) != 0;
}

export function forwards(netns: i32): bool {
	return hasBit(netns, NETNS_FORWARDS);
}

/** One of its interfaces is in the recording. */
export function isCaptured(netns: i32): bool {
	return hasBit(netns, NETNS_CAPTURED);
}

/** It has offered something. */
export function hasOffered(netns: i32): bool {
	return hasBit(netns, NETNS_OFFERS);
}

export function markOffering(netns: i32): void {
	const at = netnsAt(netns);
	if (at != 0) store<u32>(at, load<u32>(at) | NETNS_OFFERS);
}

/** What `ownerOf` answers about an address that it has not been told about. */
export const NOT_TOLD: i32 = -2;

/** The netns that owns an address as rows have it; NOT_TOLD. */
export function ownerOf(family: u32, address: u32): i32 {
	if (family == 6) {
		if (address << 2 >= owners6Bytes) return NOT_TOLD;
		const netns = load<i32>(owners6 + ((<usize>address) << 2));
		return netns == 0 ? NOT_TOLD : netns - 1;
	}
	if (mask == 0) return NOT_TOLD;
	const at = slotOf(address);
	return load<u32>(at, 4) == 0 ? NOT_TOLD : load<i32>(at, 4) - 1;
}

/** Says who owns an address: a netns. */
export function setOwner(family: u32, address: u32, netns: i32): void {
	if (family == 6) setOwner6(address, netns);
	else setOwner4(address, netns);
}

function setOwner6(address: u32, netns: i32): void {
	const need = (address + 1) << 2;
	if (need > owners6Bytes) {
		const bytes = enlarged(owners6Bytes, need);
		const next = moved(owners6, owners6Bytes, bytes);
		if (next == 0) return;
		owners6 = next;
		owners6Bytes = bytes;
	}
	store<i32>(owners6 + ((<usize>address) << 2), netns + 1);
}

function setOwner4(address: u32, netns: i32): void {
	if ((owned + 1) * 2 > mask + 1 && !grow()) return;
	const at = slotOf(address);
	if (load<u32>(at, 4) == 0) owned++;
	store<u32>(at, address);
	store<i32>(at, netns + 1, 4);
}

/** The slot of an address, or the free one where it would go: half of them are free. */
function slotOf(address: u32): usize {
	let slot = (<u32>mix(address)) & mask;
	let at = slots + ((<usize>slot) << 3);
	while (load<u32>(at, 4) != 0 && load<u32>(at) != address) {
		slot = (slot + 1) & mask;
		at = slots + ((<usize>slot) << 3);
	}
	return at;
}

function grow(): bool {
	const old = slots;
	const count: u32 = mask == 0 ? 0 : mask + 1;
	const next = count == 0 ? FIRST_SLOTS : count * 2;
	const at = room(next << 3);
	if (at == 0) return false;
	slots = at;
	mask = next - 1;
	owned = 0;
	for (let i: u32 = 0; i < count; i++) {
		const from = old + ((<usize>i) << 3);
		if (load<u32>(from, 4) != 0) setOwner4(load<u32>(from), load<i32>(from, 4) - 1);
	}
	return true;
}

/** Forgets owners, netns and interfaces: another network may be asked about. */
export function ownersReset(): void {
	if (mask != 0) memory.fill(slots, 0, (<usize>mask + 1) << 3);
	if (owners6Bytes != 0) memory.fill(owners6, 0, owners6Bytes);
	if (netnsBytes != 0) memory.fill(netnses, 0, netnsBytes);
	owned = 0;
	scopes = 0;
}
