// The storage against a list of plain snapshots, one a revision.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Change } from "../../js/apiserver/storage/log.ts";
import { RevisionExpired, Storage } from "../../js/apiserver/storage/storage.ts";
import {
	entriesFrom,
	rankOf,
	sizeOf,
	type Treap,
	treapOf,
	withEntry,
	withoutEntry,
} from "../../js/apiserver/storage/treap.ts";
import { runs } from "../runs.ts";

const object = (namespace: string, name: string, labels: Record<string, string> = {}): KubernetesObject => ({
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { namespace, name, labels },
});

type Step = { does: "put" | "remove"; resource: string; namespace: string; name: string; label: string };
const steps = fc.array(
	fc.record<Step>({
		does: fc.constantFrom("put", "put", "remove"),
		resource: fc.constantFrom("configmaps", "pods"),
		namespace: fc.constantFrom("", "a", "a-b", "b"),
		name: fc.constantFrom("x", "x-1", "y", "z"),
		label: fc.constantFrom("1", "2"),
	}),
	{ maxLength: 60 },
);

type Snapshot = Map<string, KubernetesObject>;

/** Runs the steps; `snapshots[r]` is what a plain map holds at revision r. */
function run(storage: Storage, list: readonly Step[], snapshots: Snapshot[]): void {
	for (const { does, resource, namespace, name, label } of list) {
		const next = new Map(snapshots.at(-1));
		const key = `${resource} ${namespace}/${name}`;
		if (does === "put") next.set(key, storage.put(resource, object(namespace, name, { label })));
		else if (storage.remove(resource, namespace, name) !== undefined) next.delete(key);
		else continue;
		snapshots[storage.revision] = next;
	}
}

const start = (): Snapshot[] => [new Map(), new Map()];

const sorted = (snapshot: Snapshot, resource: string) =>
	[...snapshot]
		.filter(([key]) => key.startsWith(`${resource} `))
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([, value]) => value);

/** What a watcher that saw `from` knows after the changes. */
function replayed(from: Snapshot, changes: Iterable<Change>): Snapshot {
	const known = new Map(from);
	for (const { type, resource, object: now, previous } of changes) {
		const key = `${resource} ${now.metadata.namespace}/${now.metadata.name}`;
		expect(known.get(key)).toBe(previous);
		expect(known.has(key)).toBe(type !== "ADDED");
		if (type === "DELETED") known.delete(key);
		else known.set(key, now);
	}
	return known;
}

describe("a treap", () => {
	it("is a sorted map, and its versions stay as they were", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.boolean()), { maxLength: 80 }), (changes) => {
				let tree: Treap<number> = null;
				const model = new Map<string, number>();
				const versions: [Treap<number>, [string, number][]][] = [];
				for (const [i, [key, puts]] of changes.entries()) {
					tree = puts ? withEntry(tree, key, i) : withoutEntry(tree, key);
					if (puts) model.set(key, i);
					else model.delete(key);
					versions.push([tree, [...model].sort(([a], [b]) => (a < b ? -1 : 1))]);
				}
				for (const [version, entries] of versions) {
					expect([...entriesFrom(version)].map(({ key, value }) => [key, value])).toEqual(entries);
					expect(sizeOf(version)).toBe(entries.length);
					const from = changes[0]?.[0] ?? "";
					expect([...entriesFrom(version, from)].map(({ key }) => key)).toEqual(
						entries.map(([key]) => key).filter((key) => key >= from),
					);
					expect(rankOf(version, from)).toBe(entries.filter(([key]) => key < from).length);
				}
			}),
		);
	});

	it("has the same shape whatever order its keys came in, and stays shallow", () => {
		const keys = Array.from({ length: 5000 }, (_, i) => `default/pod-${i}`);
		const grown = (list: string[]) => list.reduce<Treap<number>>((tree, key) => withEntry(tree, key, 0), null);
		const depth = (tree: Treap<number>): number =>
			tree === null ? 0 : 1 + Math.max(depth(tree.left), depth(tree.right));
		const tree = grown(keys);
		expect(grown([...keys].reverse())).toEqual(tree);
		const entries = Array.from(entriesFrom(tree), ({ key, value }) => [key, value] as const);
		expect(treapOf(entries)).toEqual(tree);
		expect(depth(tree)).toBeLessThan(45);
	});
});

describe("the storage", () => {
	it("holds what a plain map holds, and lists it in order, in pages or whole", () => {
		fc.assert(
			fc.property(steps, fc.nat(4), (list, limit) => {
				const storage = new Storage();
				const snapshots = start();
				run(storage, list, snapshots);
				const now = snapshots.at(-1) as Snapshot;
				for (const resource of ["configmaps", "pods"]) {
					const all = sorted(now, resource);
					expect(storage.list(resource).items).toEqual(all);
					expect(storage.count(resource)).toBe(all.length);
					for (const namespace of ["", "a", "a-b", "b"]) {
						const inside = all.filter(({ metadata }) => metadata.namespace === namespace);
						expect(storage.list(resource, { namespace }).items).toEqual(inside);
						const pages: KubernetesObject[] = [];
						let page = storage.list(resource, { namespace, limit });
						pages.push(...page.items);
						while (page.next !== null) {
							expect(page.remaining).toBe(inside.length - pages.length);
							page = storage.list(resource, { namespace, limit, after: page.next, revision: page.revision });
							pages.push(...page.items);
						}
						expect(pages).toEqual(inside);
					}
				}
			}),
		);
	});

	it("goes on with a list as it was when the list began", () => {
		fc.assert(
			fc.property(steps, steps, (before, after) => {
				const storage = new Storage();
				const snapshots = start();
				run(storage, before, snapshots);
				const expected = sorted(snapshots.at(-1) as Snapshot, "pods");
				const first = storage.list("pods", { limit: 2 });
				run(storage, after, snapshots);
				const rest =
					first.next === null ? [] : storage.list("pods", { after: first.next, revision: first.revision }).items;
				expect([...first.items, ...rest]).toEqual(expected);
			}),
		);
	});

	it("lists every revision that the log still has as it was then, and none that is to come", () => {
		fc.assert(
			fc.property(steps, (list) => {
				const storage = new Storage();
				const snapshots = start();
				run(storage, list, snapshots);
				for (const [revision, snapshot] of snapshots.entries()) {
					if (revision === 0 || snapshot === undefined) continue;
					expect(storage.list("pods", { revision }).items).toEqual(sorted(snapshot, "pods"));
				}
				const next = storage.revision + 1;
				expect(() => storage.list("pods", { revision: next })).toThrow(`Too large resource version: ${next}`);
			}),
		);
	});

	it("tells watchers every change once and in order: 1,000 histories, 5 watchers each", () => {
		const starts = fc.array(fc.nat(60), { minLength: 5, maxLength: 5 });
		fc.assert(
			fc.property(steps, starts, (list, places) => {
				const storage = new Storage();
				const snapshots = start();
				const watchers = places.map((place) => ({ place, at: -1, known: new Map() as Snapshot }));
				for (const [i, step] of list.entries()) {
					for (const watcher of watchers) {
						if (watcher.place === i) [watcher.at, watcher.known] = [storage.revision, new Map(snapshots.at(-1))];
						// Each drains at its own pace.
						if (watcher.at < 0 || i % (watcher.place + 1) !== 0) continue;
						watcher.known = replayed(watcher.known, storage.since(watcher.at));
						watcher.at = storage.revision;
						expect(watcher.known).toEqual(snapshots.at(-1));
					}
					run(storage, [step], snapshots);
				}
				for (const [revision, snapshot] of snapshots.entries()) {
					if (revision === 0 || snapshot === undefined) continue;
					const changes = [...storage.since(revision)];
					expect(changes.map((change) => change.revision)).toEqual(changes.map((_, n) => revision + n + 1));
					expect(revision + changes.length).toBe(storage.revision);
					expect(replayed(snapshot, changes)).toEqual(snapshots.at(-1));
				}
			}),
			runs(1000),
		);
	});

	it("refuses a past that it has forgotten, and says from where on it could", () => {
		const storage = new Storage(10);
		for (let i = 0; i < 4000; i++) storage.put("pods", object("a", `p-${i % 7}`));
		expect(() => storage.since(1)).toThrow(RevisionExpired);
		const oldest = (() => {
			try {
				return [...storage.since(1)].length;
			} catch (error) {
				return (error as RevisionExpired).oldest;
			}
		})();
		expect([...storage.since(oldest)].length).toBe(storage.revision - oldest);
		expect(() => storage.since(oldest - 1)).toThrow(`too old resource version: ${oldest - 1} (${oldest})`);
		const page = storage.list("pods", { limit: 1 });
		storage.put("pods", object("a", "new"));
		storage.compact(storage.revision);
		expect(() => storage.list("pods", { after: page.next as string, revision: page.revision })).toThrow(
			RevisionExpired,
		);
	});

	it("forks: neither copy sees what the other does", () => {
		fc.assert(
			fc.property(steps, steps, steps, (before, here, there) => {
				const storage = new Storage();
				const snapshots = start();
				run(storage, before, snapshots);
				const fork = storage.fork();
				const forked = [...snapshots];
				run(storage, here, snapshots);
				run(fork, there, forked);
				for (const [copy, seen] of [
					[storage, snapshots],
					[fork, forked],
				] as const) {
					expect(copy.list("pods").items).toEqual(sorted(seen.at(-1) as Snapshot, "pods"));
					expect(replayed(seen[1] as Snapshot, copy.since(1))).toEqual(seen.at(-1));
				}
			}),
		);
	});

	it("gives out objects that nobody can change", () => {
		const stored = new Storage().put("pods", object("a", "x", { app: "web" }));
		expect(stored.metadata.resourceVersion).toBe("2");
		expect(() => {
			(stored.metadata.labels as Record<string, string>).app = "other";
		}).toThrow(TypeError);
	});
});
