// A cluster as a file, and back (docs/snapshot.md). What parts of a cluster say that they are (`state`) is written as plain values in
// one graph, so that what several parts share is one thing again; the engine's memory follows as its pages. Loaded when it is asked for.

import { buildOf, EngineError, type EngineModule } from "../../bindings/core.ts";
import type { Ignored, Warning } from "../manifests/load.ts";
import { SnapshotError } from "../snapshot/error.ts";
import { type Section, SnapshotFile, writeFile } from "../snapshot/file.ts";
import { readPages, writePages } from "../snapshot/pages.ts";
import { NotPlainError, ValueReader, ValueWriter } from "../snapshot/values.ts";
import { PODWIRE } from "../snapshot/version.ts";
import type { ApiServerState } from "./apiserver.ts";
import type { DataPlaneState } from "./dataplane.ts";
import type { ClusterOptions } from "./options.ts";
import type { RealityState } from "./reality.ts";

/** Options that a file has: all but what is the host's. */
export type KeptOptions = Omit<ClusterOptions, "wasm" | "backend" | "now">;

/** All that a cluster is, as plain values. */
export interface ClusterState {
	options: KeptOptions;
	/** What its own clock said, ns; null: it has none but that of its packets. */
	now: bigint | null;
	acted: number;
	warnings: readonly Warning[];
	ignored: readonly Ignored[];
	reality: RealityState;
	/** null: nobody has asked its API anything yet. */
	server: ApiServerState | null;
	/** null: nothing is settled yet. */
	plane: DataPlaneState | null;
}

/** What a file says of itself. */
export interface About {
	/** Version of the podwire that wrote it. */
	podwire: string;
	/** Of its engine: 64 hexadecimal digits. */
	engine: string;
	/** The cluster's time, RFC 3339. */
	time: string;
}

export type EngineChoice = "same" | "anew";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const [ABOUT, OBJECTS, CLUSTER, MEMORY] = ["about", "objects", "cluster", "memory"] as const;

/** Throws EngineError where the engine's build is not known. */
export async function writeSnapshot(
	{ server, plane, ...rest }: ClusterState,
	module: EngineModule,
	time: string,
): Promise<Uint8Array<ArrayBuffer>> {
	const build = buildOf(module);
	if (build === null) throw new EngineError("core.wasm does not say which build it is: npm run build");
	const about: About = { podwire: PODWIRE, engine: build, time };
	const values = new ValueWriter();
	const { storage = null, ...serving } = server ?? {};
	const { machine, ...packets } = plane ?? {};
	const { image, ...rows } = machine ?? {};
	const sections: Section[] = [
		{ name: ABOUT, bytes: encoder.encode(`${JSON.stringify(about)}\n`), packs: false },
		{ name: OBJECTS, bytes: values.write(storage), packs: true },
		{
			name: CLUSTER,
			bytes: values.write({
				...rest,
				server: server === null ? null : serving,
				plane: plane === null ? null : { ...packets, machine: rows },
			}),
			packs: true,
		},
		{ name: MEMORY, bytes: image === undefined ? new Uint8Array() : writePages(image), packs: true },
	];
	return writeFile(sections);
}

/** Throws SnapshotError. */
export async function aboutSnapshot(file: SnapshotFile): Promise<About> {
	const text = decoder.decode(await file.section(ABOUT));
	try {
		const { podwire, engine, time } = JSON.parse(text) as Record<string, unknown>;
		return { podwire: String(podwire), engine: String(engine), time: String(time) };
	} catch {
		throw new SnapshotError(ABOUT, null, "is no JSON");
	}
}

/**
 * The state in a file, for an engine of `module`. `engine`: whether its memory is to be that of the file, or is left out.
 * Throws SnapshotError.
 */
export async function readSnapshot(
	bytes: Uint8Array<ArrayBuffer>,
	module: EngineModule,
	engine: EngineChoice,
): Promise<ClusterState> {
	const file = new SnapshotFile(bytes);
	const about = await aboutSnapshot(file);
	const build = buildOf(module);
	if (engine === "same" && about.engine !== build) {
		const those = `it is of podwire ${about.podwire}'s engine ${about.engine}, this one is ${PODWIRE}'s ${build ?? "(unknown)"}`;
		throw new SnapshotError(ABOUT, null, `${those}; \`engine: "anew"\` goes on without connections and counters`);
	}
	const values = new ValueReader();
	const storage = values.read(OBJECTS, await file.section(OBJECTS));
	const { server, plane, ...rest } = values.read(CLUSTER, await file.section(CLUSTER)) as ClusterState;
	const image = engine === "anew" || plane === null ? new Uint8Array() : readPages(MEMORY, await file.section(MEMORY));
	return {
		...rest,
		server: server === null ? null : { ...server, storage: storage as ApiServerState["storage"] },
		plane: plane === null ? null : { ...plane, machine: { ...plane.machine, image } },
	};
}

/** What `make` makes of a state that was read: where it cannot be, the file is to blame. Throws SnapshotError. */
export function restored<T>(make: () => T): T {
	try {
		return make();
	} catch (error) {
		if (error instanceof EngineError) throw error;
		throw new SnapshotError(CLUSTER, null, `no cluster can be made of it: ${(error as Error).message}`);
	}
}

export { NotPlainError, SnapshotError };
