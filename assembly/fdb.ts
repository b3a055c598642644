// A bridge's forwarding database (net/bridge/br_fdb.c): which port leads to a link-layer address. Entries do not age:
// every frame and every ARP request refreshes them, and nothing moves between ports here.

import { base, capacity, row } from "./arena";
import { hashPair } from "./hash";
import * as L from "./layout";

export function fdbReset(): void {
	memory.fill(base(L.TABLE_FDB), 0xff, <usize>capacity(L.TABLE_FDB) * L.FDB_STRIDE);
}

/** Notes that `mac` is behind `port`. A full table keeps what it has; the bridge then floods. */
export function learn(bridge: i32, mac: i32, port: i32): void {
	const mask = capacity(L.TABLE_FDB) - 1;
	let i = hashPair(bridge, mac) & mask;
	// i is masked; the probe ends at an empty slot or after the whole table.
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_FDB, i, L.FDB_STRIDE);
		const owner = load<i32>(at, L.FDB_BRIDGE);
		if (owner == -1) {
			store<i32>(at, bridge, L.FDB_BRIDGE);
			store<i32>(at, mac, L.FDB_MAC);
			store<i32>(at, port, L.FDB_PORT);
			return;
		}
		if (owner == bridge && load<i32>(at, L.FDB_MAC) == mac) {
			store<i32>(at, port, L.FDB_PORT);
			return;
		}
	}
}

/** The port behind which `mac` is; -1: unknown, so the frame is flooded. */
export function portOf(bridge: i32, mac: i32): i32 {
	const mask = capacity(L.TABLE_FDB) - 1;
	let i = hashPair(bridge, mac) & mask;
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_FDB, i, L.FDB_STRIDE);
		const owner = load<i32>(at, L.FDB_BRIDGE);
		if (owner == -1) return -1;
		if (owner == bridge && load<i32>(at, L.FDB_MAC) == mac) return load<i32>(at, L.FDB_PORT);
	}
	return -1;
}
