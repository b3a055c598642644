// `npm run bench:kernel -- [--json FILE] [--keep]`: the end-to-end scene in Linux and in the engine, on the same machine, in
// turns; prints how many times faster the engine is. Needs root, iptables-legacy, conntrack and gcc.
// The kernel moves real frames through real devices, the engine moves records of 32 bytes: the ratio says what a simulation
// gains, not that Linux is slow. Sending is not counted: what the same sender needs into a device that drops everything is taken
// off the kernel's time.

import { parseArgs } from "node:util";
import * as L from "../../assembly/layout.ts";
import { type Figure, figure, median } from "../figure.ts";
import { dotted } from "../inputs.ts";
import { keep, machine, writeJson } from "../report.ts";
import { line } from "../results.ts";
import { CALL, carrying } from "../scenes/carrying.ts";
import { connection, connections, SERVERS, START_NS } from "../scenes/services.ts";
import { Linux, type Segment } from "./linux.ts";

const ROUNDS = 7;
const CONNECTIONS = 50_000;
const NEW = 10_000;
const SERVICES = 10_000;
/** Packets of a round through the engine; enough for a fifth of a second. */
const SHARE = 500_000;
const [SYN, ACK] = [2, 16];
const CLIENT = "client-0";
/** One of RFC 2544's addresses, which no node has. */
const VOID = 0xc6120001;

/** Nanoseconds a packet, round by round. */
interface Rounds {
	linux: number[];
	engine: number[];
}

function segments(count: number, services: number, flags: number): Segment[] {
	return Array.from({ length: count }, (_, i) => {
		const { src, dst, sport } = connection(i, services, 1);
		const [seq, ack] = flags === SYN ? [1000, 0] : [1001, 5001];
		return { src, dst, sport, dport: 80, seq, ack, flags };
	});
}

/** A packet through Linux, without what sending it costs. Throws where packets were lost. */
async function linuxRound(linux: Linux, file: string, nothing: string, times: number): Promise<number> {
	const sent = await linux.send(CLIENT, file, times);
	if (sent.received < sent.packets * 0.999)
		throw new Error(`${sent.received} of ${sent.packets} packets reached a server: that is no figure`);
	const alone = await linux.send(CLIENT, nothing, times);
	return (sent.seconds / sent.packets - alone.seconds / alone.packets) * 1e9;
}

/** `run` as often as `packets` need, `each` a call. */
function engineRound(run: () => void, each: number, packets: number): number {
	const calls = Math.ceil(packets / each);
	const started = performance.now();
	for (let i = 0; i < calls; i++) run();
	return ((performance.now() - started) / (calls * each)) * 1e6;
}

async function established(): Promise<Rounds> {
	await using linux = await Linux.open(100);
	await linux.addVoid(CLIENT, dotted(VOID));
	const [syn, ack] = [SYN, ACK].map((flags) => linux.prepare(segments(CONNECTIONS, 100, flags)));
	const nothing = linux.prepare(segments(CONNECTIONS, 100, ACK).map((one) => ({ ...one, dst: VOID })));
	await linux.send(CLIENT, syn as string);
	for (let server = 0; server < SERVERS; server++) {
		const answers = Array.from({ length: CONNECTIONS }, (_, i) => connection(i, 100, 1))
			.filter((one) => one.server === server)
			.map(({ src, sport, serverIp }) => ({
				src: serverIp,
				dst: src,
				sport: 8080,
				dport: sport,
				seq: 5000,
				ack: 1001,
				flags: SYN | ACK,
			}));
		await linux.send(`server-${server}`, linux.prepare(answers));
	}
	await linux.send(CLIENT, ack as string);

	const on = await carrying(CONNECTIONS, 100);
	const clients = on.clients.slice(0, 1);
	on.loops.replayMode(L.REPLIES_MIRROR);
	for (const tcp of [L.TCP_SYN, L.TCP_ACK]) {
		const rows = connections(CONNECTIONS, 100, clients, tcp);
		for (let i = 0; i < CONNECTIONS; i += CALL) on.offer(rows, i);
	}
	on.loops.replayMode(L.REPLIES_NONE);
	const rows = connections(CONNECTIONS, 100, clients, L.TCP_ACK);
	let at = 0;
	const run = () => {
		on.offer(rows, at);
		at = (at + CALL) % CONNECTIONS;
	};
	engineRound(run, CALL, SHARE * 2);
	return await rounds(
		() => linuxRound(linux, ack as string, nothing, 2),
		() => engineRound(run, CALL, SHARE),
	);
}

async function opened(): Promise<Rounds> {
	await using linux = await Linux.open(SERVICES);
	await linux.addVoid(CLIENT, dotted(VOID));
	const syn = linux.prepare(segments(NEW, SERVICES, SYN));
	const nothing = linux.prepare(segments(NEW, SERVICES, SYN).map((one) => ({ ...one, dst: VOID })));

	const on = await carrying(NEW, SERVICES);
	const rows = connections(NEW, SERVICES, on.clients.slice(0, 1), L.TCP_SYN);
	const nodes = ["node:a", "node:b"].map((name) => on.machine.netnsRow(name));
	on.loops.replayMode(L.REPLIES_NONE);
	const forget = () => {
		for (const node of nodes) on.loops.conntrackFlush(node, START_NS);
		on.loops.flowsReset();
	};
	const once = () => {
		for (let i = 0; i < NEW; i += CALL) on.offer(rows, i);
	};
	for (let i = 0; i < 20; i++) {
		forget();
		once();
	}
	return await rounds(
		async () => {
			await linux.forget();
			return linuxRound(linux, syn, nothing, 1);
		},
		() => {
			let ns = 0;
			const times = 10;
			for (let i = 0; i < times; i++) {
				forget();
				ns += engineRound(once, NEW, NEW);
			}
			return ns / times;
		},
	);
}

/** In turns, so that whatever else the machine does falls on both; the first round warms and is dropped. */
async function rounds(linux: () => Promise<number>, engine: () => number): Promise<Rounds> {
	const all: Rounds = { linux: [], engine: [] };
	for (let round = 0; round <= ROUNDS; round++) {
		const pair = [await linux(), engine()] as const;
		if (round === 0) continue;
		all.linux.push(pair[0]);
		all.engine.push(pair[1]);
	}
	return all;
}

/** Kernel's time over the engine's, round by round. */
function versus(name: string, { linux, engine }: Rounds): Figure {
	const ratios = linux.map((ns, i) => ns / (engine[i] as number));
	const rate = (ns: number[]) => `${(1e3 / median(ns)).toPrecision(3)} M/s`;
	process.stdout.write(`${name}: Linux ${rate(linux)}, podwire ${rate(engine)}\n`);
	return figure(name, "x", ratios);
}

const { values } = parseArgs({ options: { json: { type: "string" }, keep: { type: "boolean", default: false } } });
const figures = [versus("established-vs-linux", await established()), versus("new-vs-linux", await opened())];
for (const one of figures) process.stdout.write(`${line(one)}\n`);
process.stdout.write(
	"The kernel moves real frames, podwire records of 32 bytes: what a simulation gains, not that Linux is slow.\n",
);
if (values.json !== undefined) await writeJson(values.json, { machine: machine(), figures });
if (values.keep) await keep(figures, null);
