// A bridge's forwarding database (net/bridge/br_fdb.c): which port leads to a link-layer address. Entries do not age:
// every frame and every ARP request refreshes them, and nothing moves between ports here. They go with their port
// (br_fdb_delete_by_port), and with the device whose address it is.

import { capacity, row } from "./arena";
import { deviceGenid } from "./device";
import { genid } from "./genid";
import { hashPair } from "./hash";
import { clearPairs, enlargePairs, removePair } from "./pairtable";
import * as L from "./layout";

// Slots that are not empty.
let used: u32 = 0;

export function fdbReset(): void {
	used = 0;
	clearPairs(L.TABLE_FDB, L.FDB_STRIDE);
}

/** Notes that `mac` is behind `port`. A full table keeps what it has; the bridge then floods. */
export function learn(bridge: i32, mac: i32, port: i32): void {
	const mask = capacity(L.TABLE_FDB) - 1;
	let i = hashPair(bridge, mac) & mask;
	let room: usize = 0;
	// i is masked; the probe ends at an empty slot or after the whole table.
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_FDB, i, L.FDB_STRIDE);
		const owner = load<i32>(at, L.FDB_BRIDGE);
		if (owner == bridge && load<i32>(at, L.FDB_MAC) == mac) {
			room = at;
			break;
		}
		if (owner != -1) {
			if (room == 0 && !holds(at)) room = at;
			continue;
		}
		if (room == 0) {
			room = at;
			used++;
		}
		break;
	}
	if (room == 0) return;
	store<i32>(room, bridge, L.FDB_BRIDGE);
	store<i32>(room, mac, L.FDB_MAC);
	store<i32>(room, port, L.FDB_PORT);
	store<u32>(room, genid(), L.FDB_GENID);
}

/** The port behind which `mac` is; -1: unknown, so the frame is flooded. */
export function portOf(bridge: i32, mac: i32): i32 {
	const mask = capacity(L.TABLE_FDB) - 1;
	let i = hashPair(bridge, mac) & mask;
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_FDB, i, L.FDB_STRIDE);
		const owner = load<i32>(at, L.FDB_BRIDGE);
		if (owner == -1) return -1;
		if (owner == bridge && load<i32>(at, L.FDB_MAC) == mac) return holds(at) ? load<i32>(at, L.FDB_PORT) : -1;
	}
	return -1;
}

// Are bridge, port and station those that they were when it was learned?
function holds(at: usize): bool {
	const learned = load<u32>(at, L.FDB_GENID);
	if (learned == genid()) return true;
	if (deviceGenid(load<i32>(at, L.FDB_BRIDGE)) > learned || deviceGenid(load<i32>(at, L.FDB_MAC)) > learned)
		return false;
	if (deviceGenid(load<i32>(at, L.FDB_PORT)) > learned) return false;
	store<u32>(at, genid(), L.FDB_GENID);
	return true;
}

/** Between packets: empties slots that hold no more where the table is crowded, and makes it a larger one where that is not enough. */
export function fdbRoom(): void {
	const slots = capacity(L.TABLE_FDB);
	if (used <= slots - (slots >>> 2)) return;
	for (let i: u32 = 0; i < slots; i++) {
		while (load<i32>(row(L.TABLE_FDB, i, L.FDB_STRIDE), L.FDB_BRIDGE) != -1) {
			if (holds(row(L.TABLE_FDB, i, L.FDB_STRIDE))) break;
			removePair(L.TABLE_FDB, i, L.FDB_STRIDE);
			used--;
		}
	}
	// Without memory for a larger one it may get full: then the bridge floods.
	if (used > slots >>> 1) enlargePairs(L.TABLE_FDB, L.FDB_STRIDE);
}
