// The twin of the packet's way through two nodes: flow, and on each node conntrack, NAT, FIB (destination and source),
// FORWARD, POSTROUTING, confirmation; the flow's outcome at the end. Left out of it, and so in the engine's disfavour:
// links, the bridges and their tables, neighbours, interface counters, the client's and the server's own stacks.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import * as ct from "./conntrack.ts";
import { Fib } from "./fib.ts";
import * as flow from "./flows.ts";
import { Rules, WALKER, type Walker } from "./rules.ts";

const NS = 1e9;
const SYN_SENT_S = 120;
const SYN_RECV_S = 60;
const ESTABLISHED_S = 432000;

/** Of the last packet: its entries, whether they stayed ESTABLISHED, its flow. */
export interface Last {
	entries: [number, number];
	steady: boolean;
	flow: number;
}

export class TwoNodes {
	readonly #ct: ct.Conntrack;
	readonly #flows: flow.Flows;
	readonly #rules: Rules;
	readonly #fibs: Fib[];
	readonly #nodes: number[];
	readonly #p: Walker = { ...WALKER };
	readonly #last: Last = { entries: [0, 0], steady: false, flow: 0 };

	constructor(machine: Machine, connections: number) {
		const power = (least: number) => 2 ** Math.ceil(Math.log2(least));
		this.#ct = new ct.Conntrack(connections * 2, power(connections * 8));
		this.#flows = new flow.Flows(connections, power(connections));
		this.#rules = new Rules(machine);
		this.#nodes = ["node:a", "node:b"].map((name) => machine.netnsRow(name));
		this.#fibs = this.#nodes.map((netns) => Fib.of(machine, netns));
	}

	/** Forgets flows and connections; counters stay. */
	clear(): void {
		this.#ct.clear();
		this.#flows.clear();
	}

	/** Offers rows of TABLE_BATCH; `mirror`: the server answers each packet that it gets. */
	offer(words: Uint32Array, first: number, count: number, time: number, mirror: boolean): void {
		for (let i = first; i < first + count; i++) this.#request(words, i * (L.BATCH_STRIDE >> 2), time, mirror);
	}

	/** Carries one row at word `at`; the paths that it counts on are noted in `way`. */
	carry(words: ArrayLike<number>, at: number, time: number, way: number[]): Last {
		const last = this.#last;
		last.steady = true;
		this.#rules.paths.noted = way;
		this.#request(words, at, time, false);
		this.#rules.paths.noted = null;
		return last;
	}

	/** What `packets` more like one that was carried leave behind. */
	repeat(f: number, entries: readonly number[], way: readonly number[], packets: number, bytes: number, later: number) {
		const { rows } = this.#flows;
		rows[f + flow.PACKETS] = (rows[f + flow.PACKETS] as number) + packets;
		rows[f + flow.BYTES] = (rows[f + flow.BYTES] as number) + bytes;
		for (const index of entries) {
			const at = index * ct.ENTRY_WORDS + ct.PACKETS;
			this.#ct.entries[at] = (this.#ct.entries[at] as number) + packets;
			this.#ct.entries[at + 1] = (this.#ct.entries[at + 1] as number) + bytes;
			this.#ct.setDeadline(index, this.#ct.deadline(index) + later);
		}
		for (const slot of way) this.#rules.paths.repeat(slot, packets, bytes);
	}

	#request(words: ArrayLike<number>, at: number, time: number, mirror: boolean): void {
		const p = this.#p;
		const [src, dst] = [(words[at] as number) >>> 0, (words[at + 1] as number) >>> 0];
		const ports = (words[at + 2] as number) >>> 0;
		const tcp = (words[at + 3] as number) >>> 24;
		const netns = words[at + (L.BATCH_NETNS >> 2)] as number;
		let f = this.#flows.find(netns, src | 0, dst | 0, ports | 0);
		const { rows } = this.#flows;
		if (f < 0 || this.#ct.deadline(rows[f + flow.CT] as number) <= time)
			f = this.#flows.add(netns, src | 0, dst | 0, ports | 0);
		this.#last.flow = f;
		this.#load(p, src, dst, ports, words[at + 4] as number);
		this.#account(f, p.bytes);
		for (let node = 0; node < 2; node++) if (!this.#cross(p, node, tcp, time, f)) return;
		rows[f + flow.SERVER] = 1;
		rows[f + flow.SEEN_SRC] = p.src;
		rows[f + flow.SEEN_DST] = p.dst;
		rows[f + flow.SEEN_PORTS] = (p.dport << 16) | p.sport;
		if (mirror) this.#answer(p, f, tcp, time);
	}

	#answer(p: Walker, f: number, tcp: number, time: number): void {
		this.#load(p, p.dst, p.src, ((p.sport << 16) | p.dport) >>> 0, p.bytes - 12);
		this.#account(f, p.bytes);
		const flags = L.TCP_ACK | (tcp & L.TCP_SYN);
		for (let node = 1; node >= 0; node--) if (!this.#cross(p, node, flags, time, f)) return;
		this.#flows.rows[f + flow.ANSWERED] = 1;
	}

	#load(p: Walker, src: number, dst: number, ports: number, bytes: number): void {
		p.src = src;
		p.dst = dst;
		p.sport = ports & 0xffff;
		p.dport = ports >>> 16;
		p.bytes = bytes;
		p.mark = 0;
		p.toDst = 0;
	}

	#account(f: number, bytes: number): void {
		const { rows } = this.#flows;
		rows[f + flow.PACKETS] = (rows[f + flow.PACKETS] as number) + 1;
		rows[f + flow.BYTES] = (rows[f + flow.BYTES] as number) + bytes;
	}

	/** One node's PREROUTING to POSTROUTING; false: dropped. */
	#cross(p: Walker, node: number, tcp: number, time: number, f: number): boolean {
		const netns = this.#nodes[node] as number;
		const ports = ((p.dport << 16) | p.sport) >>> 0;
		const zone = ((netns << 8) | L.PROTO_TCP) >>> 0;
		let found = this.#ct.find(p.src, p.dst, ports, zone, time);
		const fresh = found < 0;
		if (fresh) found = this.#ct.allocate(p.src, p.dst, ports, zone) * 2;
		const index = found >> 1;
		const e = index * ct.ENTRY_WORDS;
		const { entries } = this.#ct;
		const dir = found & 1;
		this.#last.entries[node] = index;
		const known = dir === 1 || ((entries[e + ct.STATUS] as number) & ct.SEEN_REPLY) !== 0;
		p.ctstate = known ? L.CTS_ESTABLISHED : L.CTS_NEW;
		this.#track(index, tcp, dir, time, p.bytes);
		if (node === 0 && dir === 0) this.#flows.rows[f + flow.CT] = index;
		if (!known && fresh && !this.#translate(p, e, netns)) return false;
		rewrite(p, entries, e + (dir === 0 ? 4 : 0));
		const fib = this.#fibs[node] as Fib;
		if (fib.lookup(p.dst) < 0 || fib.lookup(p.src) < 0) return false;
		if (this.#rules.walk(p, netns, L.HOOK_FORWARD, L.XT_FILTER) !== L.NF_ACCEPT) return false;
		if (!fresh) return true;
		if (this.#rules.walk(p, netns, L.HOOK_POSTROUTING, L.XT_NAT) !== L.NF_ACCEPT) return false;
		return this.#confirm(index, e, time);
	}

	#translate(p: Walker, e: number, netns: number): boolean {
		if (this.#rules.walk(p, netns, L.HOOK_PREROUTING, L.XT_NAT) !== L.NF_ACCEPT) return false;
		if (p.toDst === 0) return true;
		const { entries } = this.#ct;
		entries[e + 4] = p.toDst;
		entries[e + 6] = (((entries[e + 6] as number) & 0xffff0000) | p.toPort) >>> 0;
		p.toDst = 0;
		return true;
	}

	/** Clashes are looked for as NAT and confirmation do. */
	#confirm(index: number, e: number, time: number): boolean {
		const { entries } = this.#ct;
		for (let tuple = e + 4; tuple >= e; tuple -= 4) {
			const [src, dst] = [entries[tuple] as number, entries[tuple + 1] as number];
			if (this.#ct.find(src, dst, entries[tuple + 2] as number, entries[tuple + 3] as number, time) >= 0) return false;
		}
		entries[e + ct.STATUS] = (entries[e + ct.STATUS] as number) | ct.CONFIRMED;
		this.#ct.insert(index);
		return true;
	}

	#track(index: number, tcp: number, dir: number, time: number, bytes: number): void {
		const { entries } = this.#ct;
		const e = index * ct.ENTRY_WORDS;
		let state = entries[e + ct.STATE] as number;
		const before = state;
		if (dir === 1) entries[e + ct.STATUS] = (entries[e + ct.STATUS] as number) | ct.SEEN_REPLY;
		if ((tcp & L.TCP_SYN) !== 0) state = dir === 0 ? L.TCP_CT_SYN_SENT : L.TCP_CT_SYN_RECV;
		else if (state !== L.TCP_CT_SYN_SENT) state = L.TCP_CT_ESTABLISHED;
		entries[e + ct.STATE] = state;
		if (before !== state || state !== L.TCP_CT_ESTABLISHED) this.#last.steady = false;
		const seconds = state === L.TCP_CT_SYN_SENT ? SYN_SENT_S : state === L.TCP_CT_SYN_RECV ? SYN_RECV_S : ESTABLISHED_S;
		this.#ct.setDeadline(index, time + seconds * NS);
		const counter = e + ct.PACKETS + dir * 2;
		entries[counter] = (entries[counter] as number) + 1;
		entries[counter + 1] = (entries[counter + 1] as number) + bytes;
	}

	/** Of flows: where they went, and their packets; of rules: their counters. */
	checksum(): number {
		const { rows, count } = this.#flows;
		let sum = this.#rules.paths.hits;
		for (let at = 0; at < count * flow.FLOW_WORDS; at += flow.FLOW_WORDS) {
			sum += ((rows[at + flow.SEEN_DST] as number) >>> 0) + (rows[at + flow.PACKETS] as number);
		}
		return sum;
	}
}

/** The packet gets the other direction of the tuple at `at`. */
function rewrite(p: Walker, entries: Uint32Array, at: number): void {
	p.src = entries[at + 1] as number;
	p.dst = entries[at] as number;
	p.sport = (entries[at + 2] as number) >>> 16;
	p.dport = (entries[at + 2] as number) & 0xffff;
}
