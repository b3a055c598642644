// The engine ahead of time against the same in Wasm: after the same calls their whole memories are equal, so are all recorded
// cases, the scene's hash and the shop's report. Where nothing can be built the tests say so and are skipped.

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import * as L from "../../assembly/layout.ts";
import { CLIENTS, twoNodes } from "../../bench/scenes/services.ts";
import { backendOf, type EngineModule, type NativeModule } from "../../bindings/core.ts";
import { Machine } from "../../bindings/machine.ts";
import { engineModule } from "../../bindings/native.ts";
import { events, openShop, recording } from "../../examples/shop/recording.mjs";
import * as podwire from "../../js/index.ts";
import { loadTopology } from "../../js/lab.ts";
import { caseFiles, judge } from "../conformance/collect.ts";
import { answersOf } from "../hash/answers.mjs";
import { runs } from "../runs.ts";
import { builtModule, layPackage, missing, PACKAGE } from "./addon.ts";

/** What `loadModule` gives to everything that the tests below call. */
const engine = vi.hoisted(() => ({ module: undefined as unknown }));
vi.mock("../../bindings/node.ts", () => ({ loadModule: async () => engine.module, openFile: undefined }));

const SMALL = { [L.TABLE_CT]: 4096, [L.TABLE_TUPLE]: 16384, [L.TABLE_BATCH]: 64 };

interface Row {
	client: number;
	service: number;
	sport: number;
	proto: number;
	tcp: number;
	kind: number;
	hints: number;
	wait: number;
}

/** Packets of few connections, in any order: opened, answered, closed, reset, out of state, to nobody. */
const rows = fc.array(
	fc.record<Row>({
		client: fc.nat(CLIENTS - 1),
		service: fc.nat(8),
		sport: fc.integer({ min: 40000, max: 40007 }),
		proto: fc.constantFrom(L.PROTO_TCP, L.PROTO_TCP, L.PROTO_UDP, L.PROTO_ICMP),
		tcp: fc.constantFrom(L.TCP_SYN, L.TCP_ACK, L.TCP_FIN | L.TCP_ACK, L.TCP_RST),
		kind: fc.constantFrom(L.BATCH_OFFER, L.BATCH_OFFER, L.BATCH_REPLY),
		hints: fc.constantFrom(0, L.BATCHF_OPENS),
		wait: fc.constantFrom(0, 1_000, 1_000_000_000, 200_000_000_000),
	}),
	{ maxLength: 300 },
);

function carry(machine: Machine, packets: readonly Row[], replies: number): number[] {
	const { core } = machine;
	const { view } = core.rows;
	const size = core.engine.capacity(L.TABLE_BATCH);
	const carried: number[] = [];
	core.engine.replayMode(replies);
	let time = 1_000_000_000n;
	for (let first = 0; first < packets.length; first += size) {
		const batch = packets.slice(first, first + size);
		for (const [i, row] of batch.entries()) {
			const at = core.batch(i);
			time += BigInt(row.wait);
			new Uint8Array(view.buffer, at, L.BATCH_STRIDE).fill(0);
			view.setUint32(at + L.PACKET_SRC, 0x0af40102 + row.client, true);
			view.setUint32(at + L.PACKET_DST, 0x0a600001 + row.service, true);
			view.setUint16(at + L.PACKET_SPORT, row.sport, true);
			view.setUint16(at + L.PACKET_DPORT, 80, true);
			view.setUint8(at + L.PACKET_PROTO, row.proto);
			view.setUint8(at + L.PACKET_FAMILY, 4);
			view.setUint8(at + L.PACKET_TTL, 64);
			view.setUint8(at + L.PACKET_TCP, row.proto === L.PROTO_TCP ? row.tcp : 0);
			view.setUint32(at + L.PACKET_LEN, 100, true);
			view.setBigInt64(at + L.PACKET_TIME, time, true);
			view.setInt32(at + L.BATCH_NETNS, machine.netnsRow(`pod:bench/client-${row.client}`), true);
			view.setUint8(at + L.BATCH_KIND, row.kind);
			view.setUint8(at + L.BATCH_FLAGS, row.hints);
		}
		carried.push(core.engine.offer(batch.length));
	}
	return carried;
}

describe.skipIf(missing !== null)(`the native engine${missing === null ? "" : ` (skipped, needs ${missing})`}`, () => {
	let native: EngineModule;
	let wasm: EngineModule;

	beforeAll(async () => {
		native = await builtModule();
		wasm = await engineModule(await readFile("build/core.wasm"), null, "wasm");
		engine.module = native;
	});

	it("leaves the same bytes in the whole memory as Wasm does, whatever packets come", () => {
		const network = () => loadTopology(twoNodes(7));
		fc.assert(
			fc.property(rows, fc.constantFrom(L.REPLIES_NONE, L.REPLIES_MIRROR, L.REPLIES_RECORDED), (packets, replies) => {
				const machines = [native, wasm].map((module) => new Machine(module, network(), { capacities: SMALL }));
				const carried = machines.map((machine) => carry(machine, packets, replies));
				expect(carried[0]).toEqual(carried[1]);
				const [own, other] = machines.map(({ core }) => Buffer.from(core.engine.memory.buffer));
				expect(own?.length).toBe(other?.length);
				expect(own?.compare(other as Buffer)).toBe(0);
			}),
			runs(40),
		);
	});

	it("is copied with all that it knows, and goes on alone", () => {
		fc.assert(
			fc.property(rows, rows, (first, second) => {
				const machine = new Machine(native, loadTopology(twoNodes(7)), { capacities: SMALL });
				carry(machine, first, L.REPLIES_MIRROR);
				const copy = machine.fork(native);
				const before = Buffer.from(copy.core.engine.memory.buffer).toString("base64");
				const carried = carry(machine, second, L.REPLIES_MIRROR);
				expect(Buffer.from(copy.core.engine.memory.buffer).toString("base64")).toBe(before);
				expect(carry(copy, second, L.REPLIES_MIRROR)).toEqual(carried);
				const [own, other] = [machine, copy].map(({ core }) => Buffer.from(core.engine.memory.buffer));
				expect(own?.compare(other as Buffer)).toBe(0);
			}),
			runs(20),
		);
	});

	it("says which it is", () => {
		expect([native, wasm].map(backendOf)).toEqual(["native", "wasm"]);
	});

	it("agrees with every recorded case", async () => {
		for (const path of caseFiles(["tests/conformance/cases", "tests/kernel/cases"])) {
			const judged = await judge(path);
			const failed = judged?.results.filter(({ status }) => status === "failed") ?? [];
			expect(failed, path).toEqual([]);
		}
	});

	it("answers the scene's questions as every runtime does", async () => {
		const { hash } = await answersOf(podwire, JSON.parse(await readFile("tests/hash/scene.json", "utf8")));
		expect(hash).toBe((await readFile("tests/hash/sha256.txt", "utf8")).trim());
	});

	it("replays the shop to the same report", async () => {
		const reports: string[] = [];
		for (const module of [native, wasm]) {
			engine.module = module;
			const cluster = await openShop(1);
			const flows: unknown[] = [];
			const { actions } = await events();
			const report = await cluster.replay([recording()], { actions, perFlow: (flow) => flows.push(flow) });
			reports.push(JSON.stringify([report, flows, cluster.iptables("node-1", { counters: true })]));
		}
		engine.module = native;
		expect(reports[0]).toBe(reports[1]);
	});

	it("throws where Wasm traps, and goes on afterwards", () => {
		const { core } = new Machine(native, loadTopology(twoNodes(1)), { capacities: SMALL });
		const far = (1 << 30) / L.PACKET_STRIDE;
		expect(() => core.engine.reserve(L.TABLE_COUNT, 1)).toThrow("unreachable");
		expect(() => (core.engine as unknown as { judge(...args: number[]): number }).judge(far, 0, 0)).toThrow(
			"memory access out of bounds",
		);
		expect(() => core.engine.seed(1 as unknown as bigint)).toThrow(TypeError);
		expect(core.engine.abi()).toBe(L.ABI);
	});

	it("takes arguments as Wasm does", () => {
		type Loose = Record<"capacity" | "seed", (...args: unknown[]) => unknown>;
		const thrown = new RangeError("valueOf");
		const refuses = {
			valueOf() {
				throw thrown;
			},
		};
		for (const module of [native, wasm]) {
			const { core } = new Machine(module, loadTopology(twoNodes(1)), { capacities: SMALL });
			const loose = core.engine as unknown as Loose;
			const size = loose.capacity(L.TABLE_BATCH);
			expect(size).toBe(SMALL[L.TABLE_BATCH]);
			for (const same of [String(L.TABLE_BATCH), 2 ** 32 + L.TABLE_BATCH, L.TABLE_BATCH + 0.5]) {
				expect(loose.capacity(same)).toBe(size);
			}
			expect(loose.capacity()).toBe(loose.capacity(0));
			expect(() => loose.capacity(refuses)).toThrow(thrown);
			expect(() => loose.capacity(Symbol("row"))).toThrow(TypeError);
			expect(() => loose.seed(1)).toThrow(TypeError);
			expect(loose.seed(1n)).toBeUndefined();
		}
	});

	it("keeps its memory as long as a buffer or a function of it lives", async () => {
		const module = native as NativeModule;
		const { abi } = module.instantiate();
		const { buffer } = module.instantiate().memory;
		for (let i = 0; i < 200; i++) module.instantiate();
		globalThis.gc?.();
		await new Promise((resolve) => setImmediate(resolve));
		expect(abi()).toBe(L.ABI);
		expect(new Uint8Array(buffer).length).toBeGreaterThan(0);
	});

	it("is refused where it was built from another module", async () => {
		const other = new Uint8Array([...(await readFile("build/core.wasm")), 0, 1, 0]);
		const addon = new URL("../../build/native/core.node", import.meta.url);
		await expect(engineModule(other, addon, "native")).rejects.toThrow("was built from another core.wasm");
		await expect(engineModule(other, null, "native")).rejects.toThrow("--allow-ffi");
		await expect(engineModule(other, new URL("none.node", addon), "native")).rejects.toThrow("is not built");
		expect(await engineModule(other, addon)).toBeInstanceOf(WebAssembly.Module);
	});

	it("is what the built package runs on unless Wasm is asked for", () => {
		layPackage();
		const program = `
			import { Cluster } from ${JSON.stringify(new URL(`../../${PACKAGE}/dist/js/index.js`, import.meta.url).href)};
			for (const backend of [undefined, "native", "wasm"]) {
				const cluster = await Cluster.create({ backend });
				console.log(cluster.backend);
			}`;
		const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
			encoding: "utf8",
		});
		expect(stderr).toBe("");
		expect(stdout).toBe("native\nnative\nwasm\n");
	});
});
