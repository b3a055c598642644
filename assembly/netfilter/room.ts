// More room for connections while they live: entries keep their rows, tuples and sources are hashed anew, in the order in which
// they were found before. Between packets only.

import { capacity, extend } from "../arena";
import * as L from "../layout";
import { sourceRoom } from "./source";
import { tupleRoom } from "./tuplehash";

/**
 * Makes room for so many entries, with so many slots for tuples and heads for sources, powers of two; none is less than there is.
 * False: memory is at its maximum; then nothing has changed but what memory is left.
 */
export function conntrackRoom(entries: u32, slots: u32, heads: u32): bool {
	if (!extend(L.TABLE_CT, entries, L.CT_STRIDE) || !extend(L.TABLE_CTWINDOW, entries, L.CTWINDOW_STRIDE)) return false;
	if (slots != capacity(L.TABLE_TUPLE) && !tupleRoom(slots)) return false;
	return heads == capacity(L.TABLE_BYSOURCE) || sourceRoom(heads);
}
