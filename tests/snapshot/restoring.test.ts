// Snapshots of what else a cluster can be, and files of which none can be made.

import { describe, expect, it } from "vitest";
import { Cluster, SnapshotError, type StatusError } from "../../js/index.ts";
import { SnapshotFile, writeFile } from "../../js/snapshot/file.ts";
import { QUESTION, served, web } from "../cluster/manifests.ts";

async function running(options: Parameters<typeof Cluster.create>[0] = {}): Promise<Cluster> {
	const cluster = await Cluster.create(options);
	await cluster.apply(served(3, "web:1"));
	await cluster.settle();
	return cluster;
}

const again = async (cluster: Cluster) => Cluster.restore(await cluster.snapshot());

describe("a snapshot", () => {
	it("of an empty cluster is one", async () => {
		const restored = await again(await Cluster.create({ nodes: 2, seed: 7 }));
		await restored.apply(web(1, "i"));
		await restored.settle();
		expect(restored.topology.nodes.length).toBe(2);
	});

	it("has what was applied and not settled, at first and later", async () => {
		const waiting = await Cluster.create();
		await waiting.apply(served(2, "web:1"));
		const first = await again(waiting);
		await Promise.all([waiting.settle(), first.settle()]);
		expect(JSON.stringify(first.objects)).toBe(JSON.stringify(waiting.objects));
		await waiting.apply(web(4, "web:2"));
		const later = await again(waiting);
		expect(() => later.trace(QUESTION)).toThrow("unsettled");
		await Promise.all([waiting.settle(), later.settle()]);
		expect(JSON.stringify(later.objects)).toBe(JSON.stringify(waiting.objects));
	});

	it("has connections, counters and who was met, though nobody has asked the API anything", async () => {
		const cluster = await running();
		for (let i = 0; i < 3; i++) cluster.trace(QUESTION);
		cluster.trace({ ...QUESTION, from: "host/198.51.100.7", to: "node/node-1", proto: "icmp" });
		const restored = await again(cluster);
		for (const { name } of cluster.topology.nodes) {
			expect(restored.conntrack(name)).toBe(cluster.conntrack(name));
			expect(restored.iptables(name, { counters: true })).toBe(cluster.iptables(name, { counters: true }));
		}
		expect(JSON.stringify(restored.trace(QUESTION))).toBe(JSON.stringify(cluster.trace(QUESTION)));
	});

	it("of a literal network has its packets too", async () => {
		const lab = await Cluster.fromNodes({
			nodes: [
				{ name: "n1", ip: "192.0.2.1", podCIDR: "10.0.1.0/24", iptables: "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n" },
			],
			pods: [
				{ name: "t/a", node: "n1", ip: "10.0.1.2" },
				{ name: "t/b", node: "n1", ip: "10.0.1.3", listen: [{ proto: "tcp", port: 80 }] },
			],
		});
		const question = { from: "10.0.1.2", to: "10.0.1.3:80" };
		lab.trace(question);
		const restored = await again(lab);
		expect(restored.conntrack("n1")).toBe(lab.conntrack("n1"));
		expect(JSON.stringify(restored.trace(question))).toBe(JSON.stringify(lab.trace(question)));
	});

	it("keeps the time of a clock that it does not have, and takes another one", async () => {
		const at = 1_795_000_000_000_000_000n;
		const cluster = await running({ now: () => at });
		await cluster.advance(5000);
		const restored = await again(cluster);
		expect(restored.now).toBe(cluster.now);
		const moved = await Cluster.restore(await cluster.snapshot(), { now: () => at + 60_000_000_000n });
		expect(moved.now).toBe(at + 60_000_000_000n);
	});

	it("lets a watch go on from the last changes, and says Expired before them", async () => {
		const cluster = await running({ nodes: 1 });
		const { metadata } = await cluster.api.list("v1", "ConfigMap");
		for (let i = 0; i < 700; i++)
			for (const data of [{ a: "1" }, { a: "2" }])
				await cluster.api.apply({
					apiVersion: "v1",
					kind: "ConfigMap",
					metadata: { name: "c", namespace: "default" },
					data: { ...data, i: String(i) },
				} as never);
		await cluster.settle();
		const late = (await cluster.api.list("v1", "ConfigMap")).metadata;
		const restored = await again(cluster);
		await restored.api.delete("v1", "ConfigMap", "c");
		const watch = await restored.api.watch("v1", "ConfigMap", { resourceVersion: late.resourceVersion ?? "" });
		for await (const { type } of watch) {
			expect(type).toBe("DELETED");
			break;
		}
		const expired = async () => {
			for await (const { object } of await restored.api.watch("v1", "ConfigMap", {
				resourceVersion: metadata.resourceVersion ?? "",
			}))
				return object;
			return null;
		};
		const answer = await expired().catch((error: unknown) => error);
		expect((answer as StatusError).status).toMatchObject({ code: 410, reason: "Expired" });
	});
});

/** The file with a section changed. */
async function changed(bytes: Uint8Array<ArrayBuffer>, name: string, change: (text: string) => string) {
	const file = new SnapshotFile(bytes);
	const sections = await Promise.all(
		file.names.map(async (own) => {
			const content = await file.section(own);
			const text = own === name ? new TextEncoder().encode(change(new TextDecoder().decode(content))) : content;
			return { name: own, bytes: text, packs: own !== "about" };
		}),
	);
	return writeFile(sections);
}

describe("an engine of another build", () => {
	it("is refused by its name; anew it goes on without connections, and says so", async () => {
		const cluster = await running();
		for (let i = 0; i < 3; i++) cluster.trace(QUESTION);
		const other = await changed(await cluster.snapshot(), "about", (text) =>
			text.replace(/"engine":"[0-9a-f]{8}/, '"engine":"00000000'),
		);
		const refused = await Cluster.restore(other).catch((error: unknown) => error as SnapshotError);
		expect(refused).toBeInstanceOf(SnapshotError);
		expect((refused as SnapshotError).message).toMatch(
			/^snapshot: about: it is of podwire \d+\.\d+\.\d+'s engine 0{8}[0-9a-f]{56}, this one is /,
		);
		const anew = await Cluster.restore(other, { engine: "anew" });
		expect(anew.warnings.map(({ message }) => message)).toContain(
			"the engine began anew: connections, counters, and what was learned of neighbours are lost",
		);
		for (const { name } of anew.topology.nodes) expect(anew.conntrack(name)).toBe("");
		expect(JSON.stringify(anew.objects)).toBe(JSON.stringify(cluster.objects));
		expect(anew.trace(QUESTION).verdict).toBe("delivered");
		await anew.apply(web(5, "web:2"));
		await anew.settle();
		expect(anew.trace(QUESTION).verdict).toBe("delivered");
	});
});

describe("a file that is no cluster", () => {
	it("is refused where its values are other ones", async () => {
		const { ValueWriter } = await import("../../js/snapshot/values.ts");
		const bytes = await (await running()).snapshot();
		const file = new SnapshotFile(bytes);
		const values = new ValueWriter();
		const made = await writeFile([
			{ name: "about", bytes: await file.section("about"), packs: false },
			{ name: "objects", bytes: values.write(null), packs: true },
			{
				name: "cluster",
				bytes: values.write({ options: {}, warnings: [], ignored: [], reality: {}, server: null, plane: null }),
				packs: true,
			},
			{ name: "memory", bytes: new Uint8Array(), packs: true },
		]);
		await expect(Cluster.restore(made)).rejects.toThrow(/^snapshot: cluster: no cluster can be made of it: /);
	});

	it("is refused where a section is missing", async () => {
		const file = new SnapshotFile(await (await Cluster.create()).snapshot());
		const made = await writeFile([{ name: "about", bytes: await file.section("about"), packs: false }]);
		await expect(Cluster.restore(made)).rejects.toThrow("snapshot: directory: has no section objects");
	});
});
