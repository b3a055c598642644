// Traffic while a cluster acts: what a rolling update costs its connections, and what objects that events change do to them.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { lost, patient, rollout } from "../../examples/rollout/rollout.mjs";
import { Cluster, type ReplayReport, type ReplayRequest, ReplayTimeError } from "../../js/index.ts";
import { served } from "../cluster/manifests.ts";

const MANIFESTS = readFileSync(new URL("../../examples/rollout/web.yaml", import.meta.url), "utf8");
const HEADER = "time,src,sport,dst,dport,proto,packets,bytes,flags";

const withoutSpeed = ({ seconds: _, packetsPerSecond: __, ...report }: ReplayReport) => report;

describe("a rolling update", () => {
	let report: ReplayReport;

	beforeAll(async () => {
		report = await rollout(MANIFESTS);
	});

	it("breaks connections of pods that end at once", () => {
		const { connections, lost: count } = lost(report);
		expect(connections).toBe(1460);
		expect(report.broken.flows).toBeGreaterThan(10);
		expect(Object.keys(report.broken.reasons)).toContain("neighbour-failed");
		expect(count).toBe(connections - report.verdicts.delivered + report.broken.flows);
		// Old and new pods, each under its own name.
		const served = report.perPod.filter(({ name, flows }) => name.startsWith("web-") && flows > 0);
		expect(served.length).toBe(8);
		expect(served.reduce((sum, { flows }) => sum + flows, 0)).toBe(connections);
	});

	it("breaks none of pods that wait until nobody sends to them", async () => {
		const kept = await rollout(patient(MANIFESTS));
		expect(lost(kept)).toEqual({ connections: 1460, lost: 0, causes: {} });
	});

	it.each<ReplayRequest>([
		{},
		{ pathCache: false },
		{ megaflows: false },
		{ pathCache: false, megaflows: false },
		{ jobs: 2, sharedMemory: false, keptRows: 0 },
	])("is the same again, with %o", async (request) => {
		expect(withoutSpeed(await rollout(MANIFESTS, request))).toEqual(withoutSpeed(report));
	});
});

describe("objects that change while traffic is replayed", () => {
	const at = (seconds: number) => BigInt(1_800_000_000 + seconds) * 1_000_000_000n;

	async function replayed(request: ReplayRequest): Promise<ReplayReport> {
		const cluster = await Cluster.create({ nodes: 2 });
		await cluster.apply(served(2, "web:1"));
		await cluster.settle();
		const { clusterIP = "" } = (await cluster.api.get("v1", "Service", "web")).spec ?? {};
		const [client] = cluster.topology.pods.filter(({ name }) => name === "default/client");
		const rows = Array.from({ length: 10 }, (_, i) => {
			return `${1_800_000_000 + i}.5,${client?.ip},${30_000 + i},${clusterIP},80,tcp,3,300,27`;
		});
		const bytes = new TextEncoder().encode([HEADER, ...rows, ""].join("\n"));
		const source = {
			name: "flows.csv",
			async *open() {
				yield bytes;
			},
		};
		return cluster.replay(source, { live: true, ...request });
	}

	it("are applied between two packets", async () => {
		const none = served(0, "web:1");
		const { verdicts, reasons } = await replayed({
			actions: [{ timeNs: at(5), run: (_, acting) => acting?.apply(at(5), "none.yaml", none) }],
		});
		expect(verdicts.delivered).toBe(5);
		expect(reasons).toEqual({ "no-endpoints": 5 });
	});

	it("are deleted", async () => {
		const gone = { kind: "svc", namespace: "default", name: "web" };
		const { verdicts } = await replayed({
			actions: [{ timeNs: at(3), run: (_, acting) => acting?.delete(at(3), gone) }],
		});
		expect(verdicts.delivered).toBe(3);
	});

	it("stay as they are unless the cluster is to act", async () => {
		const { verdicts } = await replayed({ live: false });
		expect(verdicts.delivered).toBe(10);
	});

	it("cannot change before the cluster's own time", async () => {
		const cluster = await Cluster.create({ nodes: 1, now: () => at(10_000) });
		await cluster.apply(served(1, "web:1"));
		await cluster.settle();
		await cluster.api.list("v1", "Pod");
		const bytes = new TextEncoder().encode(`${HEADER}\n1800000000.5,10.244.0.9,1,10.244.0.3,80,tcp,1,100,2\n`);
		const source = {
			name: "flows.csv",
			async *open() {
				yield bytes;
			},
		};
		await expect(cluster.replay(source, { live: true })).rejects.toThrow(ReplayTimeError);
	});
});
