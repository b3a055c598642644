// A recording offered to a cluster: read, the machines outside that it needs added, an engine emptied for it or made, carried; and
// where components act meanwhile, the cluster's time is the recording's.

import type { EngineModule } from "../../bindings/core.ts";
import type { TakeRecording } from "../../bindings/recording.ts";
import type { SpareRecordings } from "../../bindings/spares.ts";
import type { Cluster } from "../cluster.ts";
import { parseTime } from "../flows/time.ts";
import type { ReplaySource } from "../replay/reading.ts";
import { capacitiesFor, replay } from "../replay/replay.ts";
import type { ReplayReport } from "../replay/report.ts";
import { survey } from "../replay/survey.ts";
import type { ApiServer } from "./apiserver.ts";
import type { DataPlane } from "./dataplane.ts";
import { NotModelledError, ReplayTimeError } from "./errors.ts";
import { type ClusterOptions, type ReplayRequest, readingOf } from "./options.ts";
import type { Reconciler } from "./reconciler.ts";
import { replayContext } from "./replaycontext.ts";
import { type ReplayThreads, withThreads } from "./wasm.ts";

/** What a replay takes of a cluster beside what anybody can ask it. */
export interface ReplayParts {
	module: EngineModule;
	options: ClusterOptions;
	namespace: string;
	seed: bigint;
	plane: DataPlane;
	reconciler: Reconciler;
	spares: SpareRecordings;
	/** null: nobody has asked the API anything yet. */
	server: () => ApiServer | null;
}

/** As `Cluster.replay`. */
export function replayIn(
	cluster: Cluster,
	sources: readonly ReplaySource[],
	request: ReplayRequest,
	parts: ReplayParts,
): Promise<ReplayReport> {
	return withThreads(request, parts.options, parts.module, (threads) =>
		parts.spares.lend((take) => replayed(cluster, sources, request, { ...parts, take, ...threads })),
	);
}

async function replayed(
	cluster: Cluster,
	sources: readonly ReplaySource[],
	request: ReplayRequest,
	{ take, threads = null, startReader = null, ...parts }: ReplayParts & ReplayThreads & { take: TakeRecording },
): Promise<ReplayReport> {
	const { topology, configuration: ranges } = cluster;
	const { module, plane, reconciler } = parts;
	const networks = ranges === null ? [] : [...ranges.podCIDRs.value, ...ranges.serviceCIDRs.value];
	const { virtual, isOwnRange, ...context } = replayContext(cluster.objects, topology, networks);
	const surveyed = await survey(cluster.machine.network, sources, {
		...{ module, take, virtual, isOwnRange },
		...readingOf(request),
	});
	if (request.live && threads !== null)
		throw new NotModelledError("a cluster that acts on several threads of the engine", "replay it with one job");
	if (request.live) await begin(cluster, parts.server()?.now ?? 0n, surveyed.firstNs);
	topology.hosts.push(...surveyed.hosts);
	const { plan } = plane.loaded as NonNullable<DataPlane["loaded"]>;
	plane.openAgain(plan, {
		...{ now: parts.server()?.now, capacities: capacitiesFor(surveyed), windows: surveyed.tcpWindows },
		module: threads ?? module,
	});
	const acting = request.live ? reconciler.acting(parts.server() as ApiServer, cluster.wire, parts.namespace) : null;
	const own = { ...context, assumed: cluster.assumed, threads, startReader, acting };
	const release = plane.hold();
	try {
		const report = await replay(cluster.machine, surveyed, { seed: Number(parts.seed), ...request, ...own });
		cluster.wire.now = parseTime(report.end ?? "") ?? cluster.wire.now;
		return report;
	} finally {
		release();
		reconciler.rest();
	}
}

/** A cluster's time is that of a recording's beginning. Throws ReplayTimeError where that is past. */
async function begin(cluster: Cluster, now: bigint, firstNs: bigint): Promise<void> {
	if (firstNs < 0n) return;
	if (firstNs < now) throw new ReplayTimeError(firstNs, now);
	cluster.wire.now = firstNs;
	await cluster.api.open();
}
