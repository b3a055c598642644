// Rulesets that are replaced chain by chain, in netns that share them, against engines that are loaded afresh with what each netns
// has at the end of each step: verdicts, texts, and counters by a model that knows nothing but rules and objects.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import { editTable } from "../../js/net/edited.ts";
import { parseRule, printIptablesSave } from "../../js/net/iptables/index.ts";
import type { Chain, Counters, Rule, Ruleset, Table } from "../../js/net/ruleset.ts";
import { runs } from "../runs.ts";
import { module } from "./bench.ts";

const NODES = ["a", "b", "c", "d"];
const USER_CHAINS = 6;
const NONE: Counters = { packets: 0n, bytes: 0n };

function network(rulesets: readonly (Ruleset | null)[]): Machine {
	const made = loadTopology({
		fabric: { kind: "routed" },
		router: {},
		nodes: NODES.map((name, i) => ({ name, ip: `192.0.2.${i + 1}`, podCIDR: `10.${i + 1}.0.0/24` })),
		pods: [],
		hosts: [],
	});
	for (const [i, name] of NODES.entries()) {
		const netns = made.netns.find((own) => own.name === `node:${name}`);
		if (netns) netns.ruleset = rulesets[i] ?? null;
	}
	return new Machine(module, made, { capacities: { [L.TABLE_PATH]: 256, [L.TABLE_COUNTER]: 512 }, seed: 7n });
}

interface Sent {
	node: number;
	hook: number;
	dst: number;
	dport: number;
	proto: number;
}

const sent = fc.record<Sent>({
	node: fc.nat(NODES.length - 1),
	hook: fc.constantFrom(L.HOOK_INPUT, L.HOOK_FORWARD),
	dst: fc.nat(9),
	dport: fc.nat(3),
	proto: fc.constantFrom(L.PROTO_TCP, L.PROTO_UDP),
});

/** The verdict of a packet that meets a node's filter table. */
function judge(machine: Machine, { node, hook, dst, dport, proto }: Sent): number {
	const { core } = machine;
	const at = core.packetIn(0);
	new Uint8Array(core.rows.view.buffer, at, L.PACKET_STRIDE).fill(0);
	core.rows.setU32(at + L.PACKET_DST, 0x0a000000 + dst);
	core.rows.setU16(at + L.PACKET_DPORT, 80 + dport);
	core.rows.setU8(at + L.PACKET_PROTO, proto);
	core.rows.setU8(at + L.PACKET_FAMILY, 4);
	core.rows.setU32(at + L.PACKET_LEN, 100 + dst);
	core.rows.setI32(at + L.PACKET_NETNS, machine.netnsRow(`node:${NODES[node]}`));
	for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_CT, L.PACKET_RULE]) core.rows.setI32(at + field, -1);
	const { judge } = core.engine as unknown as { judge(index: number, hook: number, table: number): number };
	return judge(0, hook, L.XT_FILTER);
}

/** Words of a rule; `jump` chooses among the chains behind its own, so that none leads back. */
const words = fc
	.tuple(
		fc.constantFrom("", "-d 10.0.0.1/32", "-d 10.0.0.2/32", "-d 10.0.0.0/29", "! -d 10.0.0.3/32", "-i eth+", "-i eth7"),
		fc.constantFrom("", "-p tcp", "-p tcp -m tcp --dport 80", "-p tcp -m multiport --dports 80,82", "-p udp"),
		fc.constantFrom("", "-m mark --mark 0x0", "-m conntrack --ctstate INVALID"),
		fc.constantFrom(
			"",
			"-j ACCEPT",
			"-j DROP",
			"-j RETURN",
			"-j JUMP",
			"-j JUMP",
			"-g JUMP",
			"-j MARK --set-xmark 0x0/0x1",
		),
		fc.nat(USER_CHAINS),
	)
	.map(([address, port, match, target, jump]) => ({ words: [address, port, match, target].join(" "), jump }));

type Words = typeof words extends fc.Arbitrary<infer T> ? T : never;

const stateful = fc
	.tuple(
		fc.constantFrom(
			"-m limit --limit 1/sec --limit-burst 2",
			"-m statistic --mode nth --every 2 --packet 0",
			"-m recent --set --name x --rsource",
			"-m recent --update --seconds 5 --hitcount 2 --name x --rsource",
		),
		fc.constantFrom("", "-j DROP", "-j ACCEPT"),
	)
	.map((parts): Words => ({ words: parts.join(" "), jump: 0 }));

type Edit =
	| { kind: "write"; chain: number; rules: Words[] }
	| { kind: "insert"; chain: number; at: number; rule: Words; counted: boolean }
	| { kind: "delete"; chain: number; at: number }
	| { kind: "flush"; chain: number }
	| { kind: "rewrite"; chain: number }
	| { kind: "remove"; chain: number }
	| { kind: "policy"; drop: boolean };

interface Step {
	/** Whose ruleset is edited, and which other nodes get it too where they have the same. */
	node: number;
	with: boolean[];
	/** Instead of an edit: the ruleset that another node has. */
	join: number | null;
	edits: Edit[];
	/** The table says itself what is different. */
	told: boolean;
	packets: Sent[];
}

const chain = fc.nat(USER_CHAINS);
const edits = (rule: fc.Arbitrary<Words>): fc.Arbitrary<Edit> =>
	fc.oneof(
		fc.record({ kind: fc.constant("write" as const), chain, rules: fc.array(rule, { maxLength: 9 }) }),
		fc.record({ kind: fc.constant("insert" as const), chain, at: fc.nat(9), rule, counted: fc.boolean() }),
		fc.record({ kind: fc.constant("delete" as const), chain, at: fc.nat(9) }),
		fc.record({ kind: fc.constant("flush" as const), chain }),
		fc.record({ kind: fc.constant("rewrite" as const), chain }),
		fc.record({ kind: fc.constant("remove" as const), chain }),
		fc.record({ kind: fc.constant("policy" as const), drop: fc.boolean() }),
	);
const steps = (rule: fc.Arbitrary<Words>) =>
	fc.array(
		fc.record<Step>({
			node: fc.nat(NODES.length - 1),
			with: fc.array(fc.boolean(), { minLength: NODES.length, maxLength: NODES.length }),
			join: fc.option(fc.nat(NODES.length - 1), { freq: 5 }),
			edits: fc.array(edits(rule), { minLength: 1, maxLength: 3 }),
			told: fc.boolean(),
			packets: fc.array(sent, { maxLength: 12 }),
		}),
		{ minLength: 1, maxLength: 12 },
	);

const nameOf = (number: number) => (number === 0 ? "FORWARD" : `C${number}`);

/** A table while it is edited: chains by name, sorted as iptables prints them. */
class Editing {
	readonly #chains: Map<string, Chain>;

	constructor({ tables }: Ruleset) {
		this.#chains = new Map(tables[0]?.chains.map((own) => [own.name, own]));
	}

	#rule({ words, jump }: Words, inChain: number): Rule {
		const to = inChain + 1 + jump;
		const target = this.#chains.has(nameOf(to)) ? nameOf(to) : null;
		const text = target === null ? words.replace(/-[jg] JUMP/, "") : words.replace("JUMP", target);
		// A rule that INPUT shares with FORWARD may name no device to leave by; these name none.
		return parseRule(text, "filter", "ipv4");
	}

	apply(edit: Edit): void {
		if (edit.kind === "policy") {
			const input = this.#chains.get("INPUT") as Chain;
			const counters = { packets: 3n, bytes: 30n };
			this.#chains.set("INPUT", { ...input, policy: edit.drop ? "DROP" : "ACCEPT", counters });
			return;
		}
		const name = nameOf(edit.chain);
		const old = this.#chains.get(name);
		if (edit.kind === "write") {
			const policy = edit.chain === 0 ? ("ACCEPT" as const) : null;
			const rules = edit.rules.map((rule) => this.#rule(rule, edit.chain));
			this.#chains.set(name, { name, policy, counters: { packets: 5n, bytes: 50n }, rules });
		} else if (old === undefined) return;
		else if (edit.kind === "flush") {
			if (old.policy === null) this.#chains.set(name, { ...old, flushes: (old.flushes ?? 0) + 1 });
		} else if (edit.kind === "rewrite") {
			this.#chains.set(name, { ...old, rules: old.rules.map((rule) => ({ ...rule })) });
		} else if (edit.kind === "insert") {
			const rule = this.#rule(edit.rule, edit.chain);
			if (edit.counted) rule.counters = { packets: 7n, bytes: 70n };
			this.#chains.set(name, { ...old, rules: old.rules.toSpliced(edit.at, 0, rule) });
		} else if (edit.kind === "delete") this.#chains.set(name, { ...old, rules: old.rules.toSpliced(edit.at, 1) });
		else if (old.policy === null) this.#remove(name);
	}

	#remove(name: string): void {
		this.#chains.delete(name);
		for (const own of this.#chains.values()) {
			if (!own.rules.some(({ target }) => target?.name === name)) continue;
			this.#chains.set(own.name, { ...own, rules: own.rules.filter(({ target }) => target?.name !== name) });
		}
	}

	done(): Ruleset {
		const order = (own: Chain) => `${["INPUT", "FORWARD", "OUTPUT"].indexOf(own.name) + 1 || 9}${own.name}`;
		const chains = [...this.#chains.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
		return { family: "ipv4", tables: [{ name: "filter", chains }] };
	}
}

const START: Ruleset = (() => {
	const built = (name: string): Chain => ({ name, policy: "ACCEPT", counters: { packets: 1n, bytes: 10n }, rules: [] });
	const input = { ...built("INPUT"), rules: [parseRule("-d 10.0.0.0/30", "filter", "ipv4")] };
	return { family: "ipv4", tables: [{ name: "filter", chains: [input, built("FORWARD"), built("OUTPUT")] }] };
})();

const at = (ruleset: Ruleset): Table => ruleset.tables[0] as Table;

/** What counters of a node are, by the objects alone. */
class Model {
	ruleset: Ruleset;
	#rules = new Map<Chain["name"], { chain: Chain; rules: Counters[]; policy: Counters }>();

	constructor(ruleset: Ruleset) {
		this.ruleset = ruleset;
		this.load(ruleset);
	}

	load(ruleset: Ruleset): void {
		const before = this.#rules;
		this.#rules = new Map(
			at(ruleset).chains.map((own) => {
				const was = before.get(own.name);
				const goesOn = was !== undefined && was.chain.flushes === own.flushes;
				const rules = own.rules.map((rule) => {
					const index = goesOn ? was.chain.rules.indexOf(rule) : -1;
					return was?.rules[index] ?? rule.counters ?? NONE;
				});
				const policy = was?.chain.counters === own.counters ? was.policy : own.counters;
				return [own.name, { chain: own, rules, policy }];
			}),
		);
		this.ruleset = ruleset;
	}

	/** What an engine counted that was loaded with the same rules just before. */
	count(counted: Ruleset): void {
		for (const own of at(counted).chains) {
			const known = this.#rules.get(own.name);
			if (known === undefined) throw new Error(`no chain ${own.name}`);
			known.rules = known.rules.map((sum, i) =>
				grown(sum, own.rules[i]?.counters ?? NONE, known.chain.rules[i]?.counters),
			);
			if (own.policy !== null) known.policy = grown(known.policy, own.counters, known.chain.counters);
		}
	}

	get counters(): unknown {
		return [...this.#rules.values()].map(({ chain: own, rules, policy }) => [
			own.name,
			own.policy === null ? NONE : policy,
			...rules,
		]);
	}
}

function grown(sum: Counters, now: Counters, start: Counters | null = null): Counters {
	return {
		packets: sum.packets + now.packets - (start?.packets ?? 0n),
		bytes: sum.bytes + now.bytes - (start?.bytes ?? 0n),
	};
}

function countersOf(machine: Machine, node: number): unknown {
	const chains = machine.countedRuleset(`node:${NODES[node]}`)?.tables[0]?.chains ?? [];
	return chains.map((own) => [own.name, own.counters, ...own.rules.map(({ counters }) => counters)]);
}

/** The same as an edit of the table that there was. */
function told(before: Ruleset, next: Ruleset): Ruleset {
	const old = new Set(at(before).chains);
	const names = new Set(at(next).chains.map(({ name }) => name));
	const written = at(next).chains.filter((own) => !old.has(own));
	const removed = at(before).chains.flatMap(({ name }) => (names.has(name) ? [] : [name]));
	return { ...next, tables: [editTable(at(before), written, removed)] };
}

/** The next rulesets of the nodes, and the nodes that get a new one. */
function advance(current: readonly Ruleset[], step: Step): { next: Ruleset; nodes: number[] } {
	const own = current[step.node] as Ruleset;
	const nodes = NODES.map((_, i) => i).filter((i) => i === step.node || (step.with[i] && current[i] === own));
	if (step.join !== null) return { next: current[step.join] as Ruleset, nodes };
	const editing = new Editing(own);
	for (const edit of step.edits) editing.apply(edit);
	const next = editing.done();
	return { next: step.told ? told(own, next) : next, nodes };
}

/** A ruleset that no other number has: other names, ports, lists and lengths. */
function numbered(number: number): Ruleset {
	const rules = Array.from({ length: 1 + (number % 7) }, (_, i) => [
		`-d 10.0.0.${i}/32 -i eth${number} -p tcp -m multiport --dports ${number % 65000},80`,
		`-i veth${number}+ -j C1`,
	]).flat();
	const more = number % 3 === 0 ? [`-m recent --set --name l${number}`, "-m limit --limit 1/sec"] : [];
	const lines = [...rules, ...more].map((rule) => parseRule(rule, "filter", "ipv4", { chains: new Set(["C1"]) }));
	const chains = at(START).chains.map((own) => (own.name === "FORWARD" ? { ...own, rules: lines } : own));
	const counters = NONE;
	return {
		family: "ipv4",
		tables: [{ name: "filter", chains: [...chains, { name: "C1", policy: null, counters, rules: [] }] }],
	};
}

test("ten thousand reloads take no more room than a few", () => {
	const machine = network(NODES.map(() => START));
	const { core } = machine;
	const packet: Sent = { node: 0, hook: L.HOOK_FORWARD, dst: 1, dport: 0, proto: L.PROTO_UDP };
	const inUse = () =>
		[L.TABLE_CHAIN, L.TABLE_RULE, L.TABLE_MATCH, L.TABLE_WORD, L.TABLE_PATTERN, L.TABLE_STATE].map((table) =>
			core.rows.count(table),
		);
	let room: number[] = [];
	for (let number = 1; number <= 10_000; number++) {
		const nodes = NODES.slice(0, 1 + (number % NODES.length)).map((name) => `node:${name}`);
		machine.loadRuleset(nodes, numbered(number));
		for (let i = 0; i < 3; i++) judge(machine, packet);
		if (number === 5_000) room = inUse();
	}
	// Pieces of other lengths do not quite fit into one another.
	for (const [i, rows] of inUse().entries()) expect(rows).toBeLessThanOrEqual((room[i] ?? 0) * 1.1);
	const policy = machine.countedRuleset("node:a")?.tables[0]?.chains.find(({ name }) => name === "FORWARD")?.counters;
	expect(policy).toEqual({ packets: 30_001n, bytes: 3_030_010n });
});

describe("rulesets replaced chain by chain", () => {
	test("are those that an engine has which is loaded with the last of them, and rules that stay keep their counters", () => {
		fc.assert(
			fc.property(steps(words), (all) => {
				const machine = network(NODES.map(() => START));
				const models = NODES.map(() => new Model(START));
				for (const step of all) {
					const { next, nodes } = advance(
						models.map(({ ruleset }) => ruleset),
						step,
					);
					machine.loadRuleset(
						nodes.map((node) => `node:${NODES[node]}`),
						next,
					);
					for (const node of nodes) (models[node] as Model).load(next);
					const fresh = network(models.map(({ ruleset }) => ruleset));
					for (const packet of step.packets) expect(judge(machine, packet)).toBe(judge(fresh, packet));
					for (const [node, model] of models.entries()) {
						model.count(fresh.countedRuleset(`node:${NODES[node]}`) as Ruleset);
						expect(countersOf(machine, node)).toEqual(model.counters);
						const text = printIptablesSave(machine.rulesetOf(`node:${NODES[node]}`) as Ruleset);
						expect(text).toBe(printIptablesSave(model.ruleset));
					}
				}
			}),
			runs(120),
		);
	});

	test("that remember packets are as in an engine in which nobody shares them, and so are those of a copy", () => {
		const all = steps(fc.oneof({ weight: 3, arbitrary: words }, { weight: 1, arbitrary: stateful }));
		fc.assert(
			fc.property(all, fc.nat(11), (all, copied) => {
				const machines = [network(NODES.map(() => START))] as [Machine, ...Machine[]];
				const alone = NODES.map((_, node) => network(NODES.map((_, i) => (i === node ? START : null))));
				const current = NODES.map(() => START);
				for (const [i, step] of all.entries()) {
					const { next, nodes } = advance(current, step);
					for (const machine of machines) {
						machine.loadRuleset(
							nodes.map((node) => `node:${NODES[node]}`),
							next,
						);
					}
					if (i === copied) machines.push(machines[0].fork(module));
					for (const node of nodes) {
						current[node] = next;
						alone[node]?.loadRuleset(`node:${NODES[node]}`, next);
					}
					for (const packet of step.packets) {
						const verdict = judge(alone[packet.node] as Machine, packet);
						for (const machine of machines) expect(judge(machine, packet)).toBe(verdict);
					}
					for (const node of NODES.keys()) {
						const counters = countersOf(alone[node] as Machine, node);
						for (const machine of machines) expect(countersOf(machine, node)).toEqual(counters);
					}
				}
				const [memory, ...copies] = machines.map(({ core }) => Buffer.from(core.engine.memory.buffer));
				for (const copy of copies) expect(copy.compare(memory as Buffer)).toBe(0);
			}),
			runs(120),
		);
	});
});
