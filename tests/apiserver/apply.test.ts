// Server-side apply: who owns what, who may take it, and what goes when nobody says it any more.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import type { AppsV1DeploymentSpec, CoreV1PodSpec } from "../../js/api/schema/types.generated.ts";
import { equalSets, fromFieldsV1, printFields, toFieldsV1 } from "../../js/apiserver/apply/fieldset.ts";
import type { ManagedFieldsEntry } from "../../js/apiserver/apply/managers.ts";
import { fieldsOf } from "../../js/apiserver/apply/typed.ts";
import { apply } from "../../js/apiserver/registry/apply.ts";
import { MERGE_PATCH, patch } from "../../js/apiserver/registry/patch.ts";
import type { Registry, Subject } from "../../js/apiserver/registry/request.ts";
import type { StatusError } from "../../js/apiserver/status.ts";
import { emptyRegistry, NOW } from "./registry.ts";

let registry: Registry;
let now = NOW;

beforeEach(() => {
	registry = emptyRegistry("shop", () => now);
});

function about(apiVersion: string, kind: string, name: string): Subject {
	const resource = registry.catalogue.ofKind(apiVersion, kind);
	if (resource === undefined) throw new Error(kind);
	return { resource, namespace: "shop", name };
}

const map = (data: Record<string, string>) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: {}, data });
const settings = () => about("v1", "ConfigMap", "settings");
const dataOf = (object: KubernetesObject) => (object as unknown as { data?: Record<string, string> }).data;
const owners = ({ metadata }: KubernetesObject) =>
	(metadata as { managedFields?: ManagedFieldsEntry[] }).managedFields?.map(({ manager, operation, fieldsV1 }) => ({
		[`${manager} ${operation}`]: fieldsV1,
	}));
const applied = (who: string, config: object, force = false) =>
	apply(registry, settings(), config as never, { fieldManager: who, force }).object;

const deployment = (spec: object) => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: {}, spec });
const web = () => about("apps/v1", "Deployment", "web");

describe("an apply", () => {
	it("makes the object, and its manager owns what it said", () => {
		const { object, created } = apply(registry, settings(), map({ a: "1" }) as never, { fieldManager: "one" });
		expect(created).toBe(true);
		expect(dataOf(object)).toEqual({ a: "1" });
		expect(owners(object)).toEqual([{ "one Apply": { "f:data": { "f:a": {} } } }]);
	});

	it("said twice writes nothing", () => {
		const first = applied("one", map({ a: "1" }));
		now += 60_000_000_000n;
		expect(applied("one", map({ a: "1" }))).toBe(first);
	});

	it("takes away what its manager says no more, and leaves what others say", () => {
		applied("one", map({ a: "1", b: "1" }));
		applied("two", map({ b: "1", c: "2" }));
		const nothing = { apiVersion: "v1", kind: "ConfigMap", metadata: {} };
		expect(dataOf(applied("one", nothing))).toEqual({ b: "1", c: "2" });
		expect(owners(applied("two", map({ c: "2" })))).toEqual([{ "two Apply": { "f:data": { "f:c": {} } } }]);
	});

	it("is refused where another one has set it otherwise, and wins by force", () => {
		applied("one", map({ a: "1", b: "1" }));
		const refused = (() => {
			try {
				return applied("two", map({ a: "2", b: "2" }));
			} catch (error) {
				return (error as StatusError).status;
			}
		})();
		expect(refused).toMatchObject({
			code: 409,
			reason: "Conflict",
			message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b',
			details: {
				causes: [
					{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.a" },
					{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.b" },
				],
			},
		});
		const forced = applied("two", map({ a: "2" }), true);
		expect(dataOf(forced)).toEqual({ a: "2", b: "1" });
		expect(owners(forced)).toEqual([
			{ "two Apply": { "f:data": { "f:a": {} } } },
			{ "one Apply": { "f:data": { "f:b": {} } } },
		]);
	});

	it("shares what both say alike", () => {
		applied("one", map({ a: "1" }));
		expect(owners(applied("two", map({ a: "1" })))?.length).toBe(2);
	});

	it("meets those that patch: what they change is theirs", () => {
		applied("one", map({ a: "1", b: "1" }));
		const patched = patch(registry, settings(), MERGE_PATCH, { data: { a: "9" } }, { fieldManager: "editor" });
		expect(owners(patched)).toEqual([
			{ "one Apply": { "f:data": { "f:b": {} } } },
			{ "editor Update": { "f:data": { "f:a": {} } } },
		]);
		expect(() => applied("one", map({ a: "1", b: "1" }))).toThrow('conflict with "editor" using v1: .data.a');
	});

	it("merges lists by their keys, whoever says which item", () => {
		const containers = (...names: string[]) =>
			deployment({
				selector: { matchLabels: { app: "web" } },
				template: {
					metadata: { labels: { app: "web" } },
					spec: { containers: names.map((name) => ({ name, image: `${name}:1` })) },
				},
			});
		const run = (who: string, config: object) =>
			apply(registry, web(), config as never, { fieldManager: who }).object as unknown as {
				spec: { template: { spec: { containers: { name: string }[] } } };
			};
		const names = (object: ReturnType<typeof run>) => object.spec.template.spec.containers.map(({ name }) => name);
		run("one", containers("a", "b"));
		expect(names(run("two", containers("c", "b")))).toEqual(["a", "c", "b"]);
		expect(names(run("one", containers("b")))).toEqual(["c", "b"]);
	});

	it("takes the defaults below a struct with it, of which nobody says anything any more", () => {
		const said = (probe: object, source: object, strategy?: object) =>
			deployment({
				selector: { matchLabels: { app: "web" } },
				...(strategy === undefined ? {} : { strategy }),
				template: {
					metadata: { labels: { app: "web" } },
					spec: {
						containers: [{ name: "c", image: "i", livenessProbe: probe }],
						volumes: [{ name: "v", ...source }],
					},
				},
			});
		const run = (config: object) => apply(registry, web(), config as never, { fieldManager: "one" }).object as never;
		run(said({ httpGet: { port: 80 } }, { configMap: { name: "m" } }, { rollingUpdate: { maxSurge: 2 } }));
		const { spec } = run(said({ tcpSocket: { port: 81 } }, { hostPath: { path: "/x" } }, { type: "Recreate" })) as {
			spec: AppsV1DeploymentSpec;
		};
		const { containers, volumes } = spec.template.spec as CoreV1PodSpec;
		expect(containers[0]?.livenessProbe).toMatchObject({ tcpSocket: { port: 81 }, periodSeconds: 10 });
		expect(containers[0]?.livenessProbe).not.toHaveProperty("httpGet");
		expect(volumes).toEqual([{ name: "v", hostPath: { path: "/x", type: "" } }]);
		expect(spec.strategy).toEqual({ type: "Recreate" });
	});

	it("leaves the object its name where no label is anybody's any more", () => {
		const labelled = (labels?: object) => ({
			...{ apiVersion: "v1", kind: "ConfigMap", metadata: labels === undefined ? {} : { labels }, data: { a: "1" } },
		});
		applied("one", labelled({ x: "1" }));
		const { metadata } = applied("one", labelled());
		expect([metadata.name, metadata.labels]).toEqual(["settings", undefined]);
	});

	it("does not take defaults of what its manager never said", () => {
		const said = (strategy?: object) =>
			deployment({
				selector: { matchLabels: { app: "web" } },
				...(strategy === undefined ? {} : { strategy }),
				template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
			});
		apply(registry, web(), said() as never, { fieldManager: "one" });
		expect(() => apply(registry, web(), said({ type: "Recreate" }) as never, { fieldManager: "one" })).toThrow(
			"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
		);
	});

	it("needs a manager", () => {
		expect(() => apply(registry, settings(), map({}) as never, {})).toThrow("fieldManager: Required value");
	});
});

describe("a set of fields", () => {
	const config = fc.record({
		replicas: fc.nat(3),
		template: fc.record({
			metadata: fc.record({ labels: fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2")) }),
			spec: fc.record({
				containers: fc.uniqueArray(fc.record({ name: fc.constantFrom("x", "y", "z"), image: fc.constant("i") }), {
					selector: ({ name }) => name,
				}),
			}),
		}),
	});

	it("reads back as it is written", () => {
		fc.assert(
			fc.property(config, (spec) => {
				const set = fieldsOf(kubernetes, { type: "apps.v1.Deployment" }, deployment(spec) as never);
				expect(equalSets(fromFieldsV1(toFieldsV1(set)), set)).toBe(true);
			}),
		);
	});

	it("is printed as messages name fields", () => {
		const spec = { template: { spec: { containers: [{ name: "web", ports: [{ containerPort: 80 }] }] } } };
		const set = fieldsOf(kubernetes, { type: "apps.v1.Deployment" }, { spec } as never);
		expect(printFields(set)).toEqual([
			'.spec.template.spec.containers[name="web"]',
			'.spec.template.spec.containers[name="web"].name',
			'.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]',
			'.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort',
		]);
	});
});
