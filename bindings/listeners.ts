// The sockets of a network's listeners, and how they change: those that are still there stay open.

import * as L from "../assembly/layout.ts";
import { same } from "../js/net/same.ts";
import type { Listener } from "../js/net/topology.ts";
import type { Core } from "./core.ts";
import { powerOfTwo } from "./sizes.ts";

/** Of the sockets that there is room for, so many may be listeners and others, for look-ups to be short. */
const SOCKETS_SHARE = 3 / 4;
const PROTOS = { tcp: L.PROTO_TCP, udp: L.PROTO_UDP, sctp: L.PROTO_SCTP } as const;

export class Listeners {
	readonly #core: Core;
	/** Rows of TABLE_SOCKET by netns, in the order of its listeners. */
	readonly #sockets: Map<number, readonly number[]>;

	constructor(core: Core, state: ReadonlyMap<number, readonly number[]> = new Map()) {
		this.#core = core;
		this.#sockets = new Map(state);
	}

	/** Copied. */
	get state(): ReadonlyMap<number, readonly number[]> {
		return new Map(this.#sockets);
	}

	/** Those of a netns that has none. */
	open(netns: number, listeners: readonly Listener[]): void {
		if (listeners.length > 0)
			this.#sockets.set(
				netns,
				listeners.map((listener) => this.#listen(netns, listener)),
			);
	}

	/** A netns is removed, and its sockets with it. */
	forget(netns: number): void {
		this.#sockets.delete(netns);
	}

	change(netns: number, before: readonly Listener[], now: readonly Listener[]): void {
		if (same(before, now)) return;
		const sockets = this.#sockets.get(netns) ?? [];
		const open = new Map<string, number[]>();
		for (const [i, listener] of before.entries()) {
			const key = keyOf(listener);
			open.set(key, [...(open.get(key) ?? []), sockets[i] as number]);
		}
		const kept = now.map((listener) => open.get(keyOf(listener))?.pop() ?? null);
		for (const left of open.values()) for (const socket of left) this.#core.engine.close(socket);
		const rows = now.map((listener, i) => kept[i] ?? this.#listen(netns, listener));
		if (rows.length > 0) this.#sockets.set(netns, rows);
		else this.#sockets.delete(netns);
	}

	/** Sockets for so many listeners more, whose rows may become others. False: memory is at its maximum. */
	expect(listeners: number): boolean {
		const { engine, rows } = this.#core;
		const wanted = powerOfTwo((engine.socketCount() + listeners) / SOCKETS_SHARE);
		if (listeners === 0 || wanted <= engine.capacity(L.TABLE_SOCKET)) return true;
		const from = engine.table(L.TABLE_SOCKET);
		if (!engine.socketRoom(wanted)) return false;
		const moved = (row: number) => rows.view.getUint32(from + row * L.SOCKET_STRIDE + L.SOCKET_NEXT, true) - 1;
		for (const [netns, sockets] of this.#sockets) this.#sockets.set(netns, sockets.map(moved));
		return true;
	}

	#listen(netns: number, { proto, port, bind }: Listener): number {
		const { rows, engine } = this.#core;
		const address = bind === undefined ? 0 : rows.addresses.number(bind);
		// A wildcard of IPv6, which is the default, takes IPv4 too (IPV6_V6ONLY off).
		const family = bind === undefined || bind === "::" ? 0 : bind.includes(":") ? 6 : 4;
		const socket = engine.listen(netns, PROTOS[proto], address, port, 0, 0, family);
		if (socket < 0) throw new RangeError("TABLE_SOCKET is full");
		return socket;
	}
}

/** What it listens on. */
function keyOf({ proto, port, bind }: Listener): string {
	return `${proto} ${port} ${bind ?? ""}`;
}
