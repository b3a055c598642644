// One node with rules in the engine and in the slow reference, and packets judged by both.

import { readFileSync } from "node:fs";
import * as L from "../../assembly/layout.ts";
import { takeEvents } from "../../bindings/events.ts";
import { Machine } from "../../bindings/machine.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import { parseIpsetSave } from "../../js/net/ipset.ts";
import { parseIptablesSave } from "../../js/net/iptables/index.ts";
import type { Device, Netns } from "../../js/net/network.ts";
import type { Ruleset, TableName } from "../../js/net/ruleset.ts";
import { type Judged, type RuleConnection, type RulePacket, SlowRules, type Step } from "../reference/rules.ts";

const bytes = new URL("../../bindings/core.wasm", import.meta.url);
export const module = new WebAssembly.Module(readFileSync(bytes));

const DEVICES: [name: string, kind: Device["kind"], address: string | null][] = [
	["lo", "lo", "127.0.0.1/8"],
	["eth0", "veth", "192.0.2.11/24"],
	["cbr0", "bridge", "10.244.1.1/24"],
	["v-a", "veth", null],
	["v-b", "veth", null],
];
export const DEVICE_NAMES = DEVICES.map(([name]) => name);
export const LOCAL = new Set(["127.0.0.1", "192.0.2.11", "10.244.1.1"]);
export const BROADCAST = new Set(["192.0.2.255", "10.244.1.255", "255.255.255.255"]);

const TABLES: Record<TableName, number> = {
	raw: L.XT_RAW,
	mangle: L.XT_MANGLE,
	nat: L.XT_NAT,
	filter: L.XT_FILTER,
	security: L.XT_SECURITY,
};
export const HOOKS: Record<string, number> = {
	PREROUTING: L.HOOK_PREROUTING,
	INPUT: L.HOOK_INPUT,
	FORWARD: L.HOOK_FORWARD,
	OUTPUT: L.HOOK_OUTPUT,
	POSTROUTING: L.HOOK_POSTROUTING,
};
const VERDICTS: Record<number, Judged["verdict"]> = {
	[L.NF_DROP]: "DROP",
	[L.NF_ACCEPT]: "ACCEPT",
	[L.NF_REJECT]: "REJECT",
	[L.NF_UNKNOWN]: "UNKNOWN",
};
const WORDS: Record<number, Step["word"]> = {
	[L.EVENT_RULE_MATCH]: "rule",
	[L.EVENT_RETURN]: "return",
	[L.EVENT_POLICY]: "policy",
};
const CTINFO = { ESTABLISHED: 0, RELATED: 1, NEW: 2 };
export const STATUS: Record<string, number> = {
	EXPECTED: L.IPS_EXPECTED,
	SEEN_REPLY: L.IPS_SEEN_REPLY,
	ASSURED: L.IPS_ASSURED,
	CONFIRMED: L.IPS_CONFIRMED,
	SRC_NAT: L.IPS_SRC_NAT,
	DST_NAT: L.IPS_DST_NAT,
};

export interface BenchOptions {
	/** ip_list_tot of xt_recent. */
	recentMax?: number;
	/** Rows of TABLE_PATH: few, and counters go beside it. */
	paths?: number;
	/** Seed of the engine. */
	seed?: bigint;
}

/** A node `node:n` with the rules and sets of two texts. */
export class RuleBench {
	readonly machine: Machine;
	readonly slow: SlowRules;
	readonly ruleset: Ruleset;
	readonly #ct: number;

	constructor(rules: string, sets = "", { recentMax = 100, paths = 1024, seed = 1n }: BenchOptions = {}) {
		this.ruleset = parseIptablesSave(rules);
		const ipsets = parseIpsetSave(sets);
		this.machine = new Machine(
			module,
			{ netns: [node(this.ruleset, ipsets)] },
			{ seed, capacities: { [L.TABLE_PATH]: paths, [L.TABLE_PATHRULE]: paths * 8 } },
		);
		const { core } = this.machine;
		core.rows.setU32(core.rows.at(L.TABLE_NETNS, 0) + L.NETNS_RECENT_MAX, recentMax);
		this.#ct = core.engine.table(L.TABLE_CT);
		this.slow = new SlowRules(
			this.ruleset,
			{ local: LOCAL, broadcast: BROADCAST, sets: new Map(ipsets.map((set) => [set.name, set])) },
			recentMax,
		);
	}

	/** What the engine says of a packet. */
	judge(packet: RulePacket, table: TableName, hook: string): Judged {
		const { core } = this.machine;
		const { view } = core.rows;
		const at = core.packetIn(0);
		this.#write(packet, at);
		const judge = core.engine as unknown as { judge(index: number, hook: number, table: number): number };
		const verdict = judge.judge(0, HOOKS[hook] ?? -1, TABLES[table]);
		const steps = takeEvents(core).flatMap((event): Step[] => {
			const word = WORDS[event.kind];
			const place = this.machine.placeOf(event.rule);
			return word === undefined || place === null ? [] : [{ word, chain: place.chain, number: place.number }];
		});
		const ct = view.getInt32(at + L.PACKET_CT, true);
		return {
			verdict: VERDICTS[verdict] ?? "UNKNOWN",
			mark: view.getUint32(at + L.PACKET_MARK, true),
			ctmark: ct < 0 ? null : view.getUint32(this.#ct + L.CT_MARK, true),
			untracked: ct === L.CT_UNTRACKED,
			steps,
		};
	}

	/** Text of the rule that ended the last walk, by its row's place; null: none. */
	decided(): { chain: string; number: number } | null {
		const row = this.machine.core.rows.view.getInt32(this.machine.core.packetIn(0) + L.PACKET_RULE, true);
		const place = this.machine.placeOf(row);
		return place === null ? null : { chain: place.chain, number: place.number };
	}

	#write(p: RulePacket, at: number): void {
		const { core } = this.machine;
		const { view } = core.rows;
		new Uint8Array(view.buffer, at, L.PACKET_STRIDE).fill(0);
		const device = (name: string | null) => (name === null ? -1 : DEVICE_NAMES.indexOf(name));
		view.setUint32(at + L.PACKET_SRC, ipv4ToNumber(p.src), true);
		view.setUint32(at + L.PACKET_DST, ipv4ToNumber(p.dst), true);
		view.setUint16(at + L.PACKET_SPORT, p.sport, true);
		view.setUint16(at + L.PACKET_DPORT, p.dport, true);
		view.setUint8(at + L.PACKET_PROTO, p.proto);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.PACKET_TTL, p.ttl);
		view.setUint8(at + L.PACKET_TCP, p.tcpFlags);
		view.setUint8(at + L.PACKET_TOS, p.tos);
		view.setUint32(at + L.PACKET_LEN, p.len, true);
		view.setBigInt64(at + L.PACKET_TIME, p.time, true);
		view.setInt32(at + L.PACKET_IIF, device(p.iif), true);
		view.setInt32(at + L.PACKET_OIF, device(p.oif), true);
		view.setInt32(at + L.PACKET_PHYSIN, device(p.bridge?.physin ?? null), true);
		view.setInt32(at + L.PACKET_PHYSOUT, device(p.bridge?.physout ?? null), true);
		view.setUint8(at + L.PACKET_FLAGS, p.bridge === null ? 0 : L.SKB_BRIDGED);
		view.setUint32(at + L.PACKET_MARK, p.mark, true);
		view.setInt32(at + L.PACKET_RULE, -1, true);
		const { ct } = p;
		view.setInt32(at + L.PACKET_CT, ct === "none" ? L.CT_NONE : ct === "untracked" ? L.CT_UNTRACKED : 0, true);
		if (typeof ct === "string") return;
		view.setUint8(at + L.PACKET_CTINFO, CTINFO[ct.state] + (ct.reply ? 3 : 0));
		this.#writeCt(ct, p.time);
	}

	#writeCt(ct: RuleConnection, time: bigint): void {
		const { view } = this.machine.core.rows;
		for (const [offset, tuple] of [
			[L.CT_ORIG, ct.orig],
			[L.CT_REPLY, ct.repl],
		] as const) {
			view.setUint32(this.#ct + offset, ipv4ToNumber(tuple.src), true);
			view.setUint32(this.#ct + offset + 4, ipv4ToNumber(tuple.dst), true);
			view.setUint16(this.#ct + offset + 8, tuple.sport, true);
			view.setUint16(this.#ct + offset + 10, tuple.dport, true);
			view.setUint32(this.#ct + offset + 12, ct.proto, true);
		}
		view.setUint16(
			this.#ct + L.CT_STATUS,
			ct.status.reduce((bits, name) => bits | (STATUS[name] ?? 0), 0),
			true,
		);
		view.setUint32(this.#ct + L.CT_MARK, ct.mark, true);
		view.setBigInt64(this.#ct + L.CT_DEADLINE, time + BigInt(ct.expires) * 1_000_000_000n, true);
	}
}

function node(ruleset: Ruleset, sets: Netns["sets"]): Netns {
	const devices = DEVICES.map(([name, kind, text]): Device => {
		const [address, prefix] = text?.split("/") ?? [];
		const addresses =
			address === undefined
				? []
				: [
						{
							ip: ipv4ToNumber(address),
							prefix: Number(prefix),
							scope: name === "lo" ? ("host" as const) : ("global" as const),
						},
					];
		return {
			name,
			kind,
			peer: null,
			master: name.startsWith("v-") ? "cbr0" : null,
			addresses,
			addresses6: [],
			mtu: 1500,
			hairpin: false,
			promisc: false,
			vxlan: null,
		};
	});
	return {
		name: "node:n",
		kind: "node",
		devices,
		routes: [],
		routes6: [],
		sysctls: new Map(),
		ruleset,
		ruleset6: null,
		sets,
		listen: [],
		silent: false,
		listenAny: false,
	};
}

export const PACKET: RulePacket = {
	src: "10.244.1.2",
	dst: "10.96.0.10",
	sport: 40000,
	dport: 80,
	proto: L.PROTO_TCP,
	tcpFlags: L.TCP_SYN,
	ttl: 64,
	tos: 0,
	len: 60,
	time: 1_000_000_000_000n,
	iif: "eth0",
	oif: null,
	bridge: null,
	mark: 0,
	ct: "none",
};
