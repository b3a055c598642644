// The engine behind one object: a Wasm instance with its tables laid out, configuration going in as rows, packets as
// batches, events and flows coming out. Nothing here knows where the module's bytes come from (`node`, `deno`, `browser`).

import * as L from "../assembly/layout.ts";
import { type CoreExports, Rows } from "./views.ts";

/** All exports of `core.wasm`, as `assembly/index.ts` documents them. */
export interface Instance extends CoreExports {
	abi(): number;
	reserve(table: number, rows: number): void;
	seal(): number;
	stretch(bytes: number): number;
	saveGlobals(at: number): number;
	loadGlobals(at: number): void;
	nextKept(at: number): number;
	scrub(from: number, to: number): void;
	seed(value: bigint): void;
	compile(netnsCount: number): number;
	rebuildFibs(netns: number, netnsCount: number): number;
	dropFibs(netns: number): void;
	compileSet(set: number): void;
	nextGenid(): number;
	netnsGone(netns: number): void;
	deviceGone(device: number): void;
	addressGone(device: number, address: number): void;
	roomToLearn(): void;
	socketCount(): number;
	socketRoom(rows: number): number;
	compileChain(chain: number, like: number): number;
	dropIndex(chain: number): void;
	copyRules(from: number, to: number, count: number, chain: number, matches: number): void;
	redirectJump(rule: number, chain: number): void;
	unlinkJumps(first: number, count: number): void;
	countersReset(): void;
	recentFlush(list: number): void;
	indexSwitch(on: number): void;
	listen(
		netns: number,
		proto: number,
		laddr: number,
		lport: number,
		raddr: number,
		rport: number,
		family: number,
	): number;
	address6Count(): number;
	close(socket: number): void;
	route(netns: number, dst: number): number;
	route6(netns: number, hi: bigint, lo: bigint): number;
	fibBytes(): number;
	source(netns: number, dst: number): number;
	send(index: number): number;
	sendSilent(index: number): number;
	receive(index: number, device: number): number;
	due(): bigint;
	advance(now: bigint): void;
	eventCount(): number;
	eventsLost(): number;
	eventsReset(): void;
	offer(count: number): number;
	replayMode(mode: number): void;
	tick(now: bigint): void;
	flowCount(): number;
	flowsReset(): void;
	replayReset(): void;
	repliesUnanswerable(): number;
	flowsOverflow(): number;
	conntrackSettle(row: number): void;
	conntrackSweep(now: bigint): void;
	conntrackRoom(entries: number, slots: number, heads: number): number;
	pathCache(on: number): void;
	openings(): number;
	sequels(): number;
	megaflows(on: number): void;
	megaflowHits(): bigint;
	passages(): bigint;
	cacheHits(): number;
	cacheMisses(): number;
	changed(netns: number): void;
	newEpoch(): number;
	settleAll(): void;
	conntrackFlush(netns: number, now: bigint): number;
	conntrackDelete(
		netns: number,
		now: bigint,
		proto: number,
		origSrc: number,
		origDst: number,
		origSport: number,
		origDport: number,
		replySrc: number,
		replyDst: number,
		replySport: number,
		replyDport: number,
	): number;
}

/** What the engine runs on: V8's compiler, or gcc's ahead of time (`npm run build:native`). Both give the same answers. */
export type Backend = "wasm" | "native";

/** The engine translated ahead of time: what `bindings/native/addon.cc` exports. */
export interface NativeModule {
	instantiate(): Instance;
	/** SHA-256 of the `core.wasm` it was translated from, hexadecimal. */
	readonly source: string;
	/** As `buildOf` the module that it was translated from. */
	readonly build: string;
}

/** What instances are made from. */
export type EngineModule = WebAssembly.Module | NativeModule;

export function backendOf(module: EngineModule): Backend {
	return module instanceof WebAssembly.Module ? "wasm" : "native";
}

/** Which build of the engine it is: 64 hexadecimal digits, the same for `core.wasm` and what was translated from it; null: it says not. */
export function buildOf(module: EngineModule): string | null {
	if (!(module instanceof WebAssembly.Module)) return module.build;
	const [section] = WebAssembly.Module.customSections(module, "podwire.build");
	if (section === undefined) return null;
	return Array.from(new Uint8Array(section), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An engine of its own: what `assembly/index.ts` exports, of which `Exports` names what the caller uses. */
export function instantiate<Exports = Instance>(module: EngineModule): Exports {
	const wasm = module instanceof WebAssembly.Module;
	return (wasm ? new WebAssembly.Instance(module, {}).exports : module.instantiate()) as unknown as Exports;
}

/** Rows a table holds. What is absent has the default below. */
export type Capacities = Partial<Record<number, number>>;

const DEFAULTS: Readonly<Record<number, number>> = {
	[L.TABLE_NETNS]: 64,
	[L.TABLE_DEVICE]: 256,
	[L.TABLE_ADDRESS]: 256,
	[L.TABLE_ROUTE]: 512,
	[L.TABLE_NEXTHOP]: 64,
	[L.TABLE_CHAIN]: 4096,
	[L.TABLE_RULE]: 16384,
	[L.TABLE_MATCH]: 16384,
	[L.TABLE_WORD]: 16384,
	[L.TABLE_PATTERN]: 1024,
	[L.TABLE_SET]: 64,
	[L.TABLE_ENTRY]: 4096,
	[L.TABLE_SOCKET]: 4096,
	[L.TABLE_EVENT]: 16384,
	[L.TABLE_CT]: 16384,
	[L.TABLE_TUPLE]: 65536,
	[L.TABLE_PATH]: 8192,
	[L.TABLE_PATHRULE]: 262144,
	[L.TABLE_STATE]: 4096,
	[L.TABLE_RECENT]: 4096,
	[L.TABLE_FLOW]: 1024,
	[L.TABLE_LINE]: 2048,
	[L.TABLE_JOURNEY]: 8192,
	[L.TABLE_STEP]: 262144,
	[L.TABLE_OPENING]: 4096,
	[L.TABLE_SEQUEL]: 16384,
	[L.TABLE_MEGAFLOW]: 16384,
	[L.TABLE_PASSAGE]: 8192,
	[L.TABLE_WALK]: 4096,
	[L.TABLE_PACKET]: 4096,
	[L.TABLE_BATCH]: 1024,
	[L.TABLE_FDB]: 1024,
	[L.TABLE_NEIGH]: 1024,
	[L.TABLE_FIB]: 256,
	[L.TABLE_PEER]: 4096,
	[L.TABLE_SCRATCH]: 1 << 18,
	[L.TABLE_COUNTER]: 16384,
	[L.TABLE_BYSOURCE]: 16384,
	[L.TABLE_PACKETIN]: 64,
	[L.TABLE_CHAININDEX]: 1 << 20,
	[L.TABLE_ADDRESS6]: 4096,
	[L.TABLE_ADDRESS6HASH]: 16384,
};

/** Memory ran out, or a compile step found a table too small. */
export class EngineError extends Error {
	constructor(message: string) {
		super(message);
		this.name = "EngineError";
	}
}

/** One instance of the engine. */
export class Core {
	readonly engine: Instance;
	readonly rows: Rows;

	/** Of an engine whose tables are laid out. */
	constructor(engine: Instance, rows = new Rows(engine)) {
		this.engine = engine;
		this.rows = rows;
	}

	/** Instantiates the module and lays out its tables. Throws EngineError where the memory's maximum is too small. */
	static create(module: EngineModule, capacities: Capacities = {}, seed = 1n): Core {
		const engine = instantiate(module);
		if (engine.abi() !== L.ABI) throw new EngineError(`core.wasm has ABI ${engine.abi()}, this package wants ${L.ABI}`);
		for (let table = 0; table < L.TABLE_COUNT; table++) {
			engine.reserve(table, capacities[table] ?? DEFAULTS[table] ?? 0);
		}
		if (!engine.seal()) throw new EngineError("the engine's tables do not fit into its memory");
		engine.seed(BigInt.asUintN(64, seed));
		return new Core(engine);
	}

	/** Builds the FIBs of all netns. */
	compile(): void {
		if (this.engine.compile(this.rows.count(L.TABLE_NETNS))) return;
		throw new EngineError("routes do not fit: TABLE_SCRATCH is too small, or memory is at its maximum");
	}

	/** Byte address of row `index` of TABLE_PACKETIN. */
	packetIn(index: number): number {
		return this.engine.table(L.TABLE_PACKETIN) + index * L.PACKET_STRIDE;
	}

	/** Byte address of row `index` of TABLE_BATCH. */
	batch(index: number): number {
		return this.engine.table(L.TABLE_BATCH) + index * L.BATCH_STRIDE;
	}
}
