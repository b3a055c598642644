// What TCP keeps of an entry beside it (struct ip_ct_tcp): a row of TABLE_CTWINDOW, one cache line. With window tracking every
// segment reads and writes it; without, only those that close a connection or pass without moving its state.

import { base, capacity, place, row } from "../arena";
import * as L from "../layout";
import { Conn } from "./conn";

/** Lays out TABLE_CTWINDOW, a row an entry. False where memory is at its maximum. */
export function windowInit(): bool {
	return capacity(L.TABLE_CTWINDOW) != 0 || place(L.TABLE_CTWINDOW, capacity(L.TABLE_CT), L.CTWINDOW_STRIDE) != 0;
}

/** What TCP keeps beside an entry; zeroed at its first use. Not touched by most packets where window tracking is off. */
@unmanaged
export class Window {

	@inline static of(c: Conn): Window {
		// a row of TABLE_CT is twice as long, and has the same number
		const at = base(L.TABLE_CTWINDOW) + ((changetype<usize>(c) - base(L.TABLE_CT)) >>> 1);
		if (c.windowed == 0) begin(c, at);
		return changetype<Window>(at);
	}

	/** Of entry `index`, which has used them before. */
	@inline static row(index: i32): Window {
		return changetype<Window>(row(L.TABLE_CTWINDOW, index, L.CTWINDOW_STRIDE));
	}

	/** Does another row say the same? */
	@inline equals(other: Window): bool {
		const a = changetype<usize>(this);
		const b = changetype<usize>(other);
		const differs = v128.or(
			v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, 16), v128.load(b, 16))),
			v128.xor(v128.load(a, 32), v128.load(b, 32)),
		);
		return !v128.any_true(differs) && load<u64>(a, 48) == load<u64>(b, 48);
	}

	/** Takes over all of another row. */
	@inline become(other: Window): void {
		const from = changetype<usize>(other);
		const to = changetype<usize>(this);
		v128.store(to, v128.load(from));
		v128.store(to, v128.load(from, 16), 16);
		v128.store(to, v128.load(from, 32), 32);
		store<u64>(to, load<u64>(from, 48), 48);
	}


	@inline flags(dir: i32): u8 {
		return load<u8>(changetype<usize>(this) + <usize>dir, L.CTWINDOW_FLAGS);
	}


	@inline setFlags(dir: i32, flags: u8): void {
		store<u8>(changetype<usize>(this) + <usize>dir, flags, L.CTWINDOW_FLAGS);
	}


	@inline anyFlag(flag: u8): bool {
		return ((this.flags(0) | this.flags(1)) & flag) != 0;
	}


	@inline scale(dir: i32): u8 {
		return load<u8>(changetype<usize>(this) + <usize>dir, L.CTWINDOW_SCALE);
	}


	@inline setScale(dir: i32, scale: u8): void {
		store<u8>(changetype<usize>(this) + <usize>dir, scale, L.CTWINDOW_SCALE);
	}


	@inline seen(dir: i32): Seen {
		return changetype<Seen>(changetype<usize>(this) + <usize>(dir << 2));
	}


	@inline get lastSeq(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_LAST_SEQ);
	}


	@inline set lastSeq(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_LAST_SEQ);
	}


	@inline get lastAck(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_LAST_ACK);
	}


	@inline set lastAck(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_LAST_ACK);
	}


	@inline get lastEnd(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_LAST_END);
	}


	@inline set lastEnd(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_LAST_END);
	}


	@inline get lastWin(): u16 {
		return load<u16>(changetype<usize>(this), L.CTWINDOW_LAST_WIN);
	}


	@inline set lastWin(value: u16) {
		store<u16>(changetype<usize>(this), value, L.CTWINDOW_LAST_WIN);
	}


	@inline get lastFlags(): u8 {
		return load<u8>(changetype<usize>(this), L.CTWINDOW_LAST_FLAGS);
	}


	@inline set lastFlags(value: u8) {
		store<u8>(changetype<usize>(this), value, L.CTWINDOW_LAST_FLAGS);
	}


	@inline get lastScale(): u8 {
		return load<u8>(changetype<usize>(this), L.CTWINDOW_LAST_SCALE);
	}


	@inline set lastScale(value: u8) {
		store<u8>(changetype<usize>(this), value, L.CTWINDOW_LAST_SCALE);
	}


	@inline get retrans(): u8 {
		return load<u8>(changetype<usize>(this), L.CTWINDOW_RETRANS);
	}


	@inline set retrans(value: u8) {
		store<u8>(changetype<usize>(this), value, L.CTWINDOW_RETRANS);
	}
}

function begin(c: Conn, at: usize): void {
	for (let offset: usize = 0; offset < <usize>L.CTWINDOW_STRIDE; offset += 16) v128.store(at + offset, i64x2.splat(0));
	c.windowed = 1;
}

/** One direction's half of the window state. */
@unmanaged
export class Seen {

	@inline get end(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_END);
	}


	@inline set end(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_END);
	}


	@inline get maxend(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_MAXEND);
	}


	@inline set maxend(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_MAXEND);
	}


	@inline get maxwin(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_MAXWIN);
	}


	@inline set maxwin(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_MAXWIN);
	}


	@inline get maxack(): u32 {
		return load<u32>(changetype<usize>(this), L.CTWINDOW_MAXACK);
	}


	@inline set maxack(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CTWINDOW_MAXACK);
	}
}
