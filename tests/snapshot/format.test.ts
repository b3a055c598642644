// What values mean is not in a file: it is what this podwire's parts take them for. So when the shape of what they keep changes, the
// format gets another number (`FORMAT`), and files of before are refused instead of misread. `npx vitest run -u` writes the shape anew.

import { expect, it } from "vitest";
import { Cluster } from "../../js/index.ts";
import { FORMAT, SnapshotFile } from "../../js/snapshot/file.ts";
import { ValueReader } from "../../js/snapshot/values.ts";
import { PODWIRE } from "../../js/snapshot/version.ts";
import packed from "../../package.json" with { type: "json" };
import { START } from "./history.ts";

/** Kinds of values by path; what is in an object of the API is upstream's, and what maps are keyed by is no shape. */
class Shape {
	readonly #lines = new Set<string>();
	readonly #seen = new Set<object>();

	get text(): string {
		return [...this.#lines].sort().join("\n");
	}

	of(path: string, value: unknown): void {
		if (typeof value !== "object" || value === null) {
			this.#lines.add(`${path}: ${value === null ? "null" : typeof value}`);
			return;
		}
		if (this.#seen.has(value)) return;
		this.#seen.add(value);
		if (value instanceof Map) for (const [key, member] of value) this.#entry(path, key, member);
		else if (value instanceof Set) for (const member of value) this.of(`${path}<>`, member);
		else if (Array.isArray(value)) for (const member of value) this.of(`${path}[]`, member);
		else if (isOfApi(value)) this.#lines.add(`${path}: an API object`);
		else if (isTree(value)) this.#lines.add(`${path}: a ruleset, its tables, chains or rules`);
		else
			for (const [key, member] of Object.entries(value))
				this.of(/^[a-zA-Z]\w*$/.test(key) ? `${path}.${key}` : `${path}.*`, member);
	}

	#entry(path: string, key: unknown, member: unknown): void {
		const component = path === "cluster.server.running.simulation.components";
		if (typeof key === "object") this.of(`${path}(key)`, key);
		this.of(component ? `${path}.${String(key)}` : `${path}{}`, member);
	}
}

const isOfApi = (value: object) => "apiVersion" in value && "kind" in value;
const isTree = (value: object) =>
	("family" in value && "tables" in value) ||
	("rules" in value && "policy" in value && "counters" in value) ||
	("name" in value && "chains" in value);

it(`the shape of what is kept is that of format ${FORMAT}`, async () => {
	const cluster = await Cluster.create({ nodes: 3 });
	await cluster.apply(START);
	await cluster.settle();
	await cluster.api.inject({ fault: "lag", component: "kubelet", lagMs: 500, forMs: 100_000 });
	cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" });
	await cluster.advance(61_300);
	cluster.trace({ from: "pod/default/client", to: "svc/default/db:80" });
	await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 1 } });
	await cluster.advance(700);
	const file = new SnapshotFile(await cluster.snapshot());
	const values = new ValueReader();
	const shape = new Shape();
	for (const name of ["objects", "cluster"]) shape.of(name, values.read(name, await file.section(name)));
	await expect(`format ${FORMAT}\n${shape.text}\n`).toMatchFileSnapshot("format.txt");
});

it("is written by the podwire that package.json names", () => {
	expect(PODWIRE).toBe(packed.version);
});
