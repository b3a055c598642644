// More room for connections while they live: entries keep their rows, tuples and sources are hashed anew, in the order in which
// they were found before. Between packets only.

import { capacity, extend } from "../arena";
import * as L from "../layout";
import { sourceRoom } from "./source";
import { tupleRoom } from "./tuplehash";

/**
 * Makes room for so many entries, with so many slots for tuples and heads for sources, powers of two; none is less than there is.
 * False: memory is at its maximum; then there are as many entries as before, if with more slots.
 */
export function conntrackRoom(entries: u32, slots: u32, heads: u32): bool {
	// Entries last: with more of them than slots were made for, a search might not end.
	if (slots != capacity(L.TABLE_TUPLE) && !tupleRoom(slots)) return false;
	if (heads != capacity(L.TABLE_BYSOURCE) && !sourceRoom(heads)) return false;
	return extend(L.TABLE_CTWINDOW, entries, L.CTWINDOW_STRIDE) && extend(L.TABLE_CT, entries, L.CT_STRIDE);
}
