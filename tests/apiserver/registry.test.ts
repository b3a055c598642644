// Writing to the API and reading back: what upstream's server does with an object, and what it says when it refuses.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { decode } from "../../js/apiserver/decode.ts";
import type { ServedResource } from "../../js/apiserver/registry/catalogue.ts";
import { create } from "../../js/apiserver/registry/create.ts";
import { remove } from "../../js/apiserver/registry/delete.ts";
import { list } from "../../js/apiserver/registry/list.ts";
import { JSON_PATCH, MERGE_PATCH, patch, STRATEGIC_MERGE_PATCH } from "../../js/apiserver/registry/patch.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { update } from "../../js/apiserver/registry/update.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { runs } from "../runs.ts";
import { emptyRegistry, made as madeIn } from "./registry.ts";

let registry: Registry;
const resource = (apiVersion: string, kind: string) => registry.catalogue.ofKind(apiVersion, kind) as ServedResource;

beforeEach(() => {
	registry = emptyRegistry("shop");
});

const configMap = (name: string, rest: object = {}): KubernetesObject => ({
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { name, namespace: "shop" },
	...rest,
});
const deployment = (name: string, replicas = 1): KubernetesObject => ({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name, namespace: "shop" },
	spec: {
		replicas,
		selector: { matchLabels: { app: name } },
		template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image: "app:1" }] } },
	},
});
const subject = (object: KubernetesObject) => ({
	resource: resource(object.apiVersion, object.kind),
	namespace: object.metadata.namespace ?? "",
	name: object.metadata.name ?? "",
});
const made = (object: KubernetesObject) => madeIn(registry, object);

/** The Status that a call is refused with; nothing was written on the way. */
function refusal(call: () => unknown): StatusError["status"] {
	const { revision } = registry.storage;
	try {
		call();
	} catch (error) {
		expect(error).toBeInstanceOf(StatusError);
		expect(registry.storage.revision).toBe(revision);
		return (error as StatusError).status;
	}
	throw new Error("it was not refused");
}

describe("a new object", () => {
	it("gets a uid, a time, a revision, and the generation that its kind counts", () => {
		const { metadata } = made(deployment("web"));
		expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		expect(metadata.creationTimestamp).toBe("2027-01-15T08:00:00Z");
		expect(metadata.resourceVersion).toBe(String(registry.storage.revision));
		expect(metadata.generation).toBe(1);
		expect(made(configMap("settings")).metadata.generation).toBeUndefined();
	});

	it("has a name made for it where it asks for one", () => {
		const named = { ...configMap(""), metadata: { namespace: "shop", generateName: "run-" } };
		const names = [made(named), made(named)].map(({ metadata }) => metadata.name as string);
		expect(names[0]).toMatch(/^run-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
		expect(new Set(names).size).toBe(2);
	});

	it("comes without a status where a controller writes that", () => {
		expect(made({ ...deployment("web"), status: { replicas: 7 } }).status).toEqual({});
	});

	it("is refused as upstream refuses it", () => {
		made(configMap("settings"));
		expect(refusal(() => made(configMap("settings")))).toEqual({
			kind: "Status",
			apiVersion: "v1",
			metadata: {},
			status: "Failure",
			message: 'configmaps "settings" already exists',
			reason: "AlreadyExists",
			details: { name: "settings", kind: "configmaps" },
			code: 409,
		});
		const elsewhere = { ...configMap("a"), metadata: { name: "a", namespace: "nowhere" } };
		expect(refusal(() => made(elsewhere))).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
		const named = { ...deployment("web"), metadata: { name: "Web_1", namespace: "shop" } };
		expect(refusal(() => made(named)).message).toContain(
			'Deployment.apps "Web_1" is invalid: metadata.name: Invalid value: "Web_1": a lowercase RFC 1123 subdomain must',
		);
		expect(refusal(() => made({ ...configMap("a"), metadata: { namespace: "shop" } })).details?.causes).toEqual([
			{
				reason: "FieldValueRequired",
				message: "Required value: name or generateName is required",
				field: "metadata.name",
			},
		]);
		const labelled = { ...configMap("a"), metadata: { name: "a", namespace: "shop", labels: { "b/c/d": "e f" } } };
		expect(refusal(() => made(labelled)).details?.causes?.map(({ field }) => field)).toEqual([
			"metadata.labels",
			"metadata.labels",
		]);
	});

	it("that is a pod has containers", () => {
		const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" } };
		expect(refusal(() => made(pod)).message).toBe('Pod "web" is invalid: spec.containers: Required value');
	});

	it("is only looked at in a dry run", () => {
		const { revision } = registry.storage;
		const answer = create(registry, resource("v1", "ConfigMap"), configMap("a"), { dryRun: true });
		expect(answer.metadata.uid).toBeDefined();
		expect(registry.storage.revision).toBe(revision);
	});
});

describe("an update", () => {
	it("counts a generation where the spec changes, and writes nothing where nothing does", () => {
		const before = made(deployment("web"));
		expect(update(registry, subject(before), before)).toBe(before);
		const after = update(registry, subject(before), { ...before, spec: { ...(before.spec as object), replicas: 3 } });
		expect(after.metadata.generation).toBe(2);
		const labelled = { ...after, metadata: { ...after.metadata, labels: { tier: "front" } } };
		expect(update(registry, subject(before), labelled).metadata.generation).toBe(2);
	});

	it("loses against a newer one: 10,000 races have one winner each", () => {
		const { metadata } = made(configMap("prize", { data: { holder: "0" } }));
		let revision = metadata.resourceVersion as string;
		const winners: number[] = [];
		for (let race = 1; race <= 10_000; race++) {
			const entry = (who: string) => {
				const object = configMap("prize", { data: { holder: who } });
				return { ...object, metadata: { ...object.metadata, resourceVersion: revision } };
			};
			const runs = ["a", "b"].map((who) => {
				try {
					return update(registry, subject(entry(who)), entry(`${race}${who}`));
				} catch (error) {
					expect((error as StatusError).status.reason).toBe("Conflict");
					return null;
				}
			});
			const won = runs.filter((run) => run !== null);
			winners.push(won.length);
			revision = won[0]?.metadata.resourceVersion as string;
		}
		expect(winners.every((count) => count === 1)).toBe(true);
		const holder = registry.storage.get("configmaps", "shop", "prize") as unknown as { data: { holder: string } };
		expect(holder.data.holder).toBe("10000a");
	});

	it("writes the status alone below /status, and everything else above it", () => {
		const before = made(deployment("web"));
		const changed = { ...before, spec: { ...(before.spec as object), replicas: 9 }, status: { replicas: 1 } };
		const status = update(registry, subject(before), changed, { status: true });
		expect(status).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1 }, metadata: { generation: 1 } });
		const { resourceVersion: _, ...metadata } = changed.metadata;
		const spec = update(registry, subject(before), { ...changed, metadata, status: { replicas: 5 } });
		expect(spec).toMatchObject({ spec: { replicas: 9 }, status: { replicas: 1 }, metadata: { generation: 2 } });
	});

	it("writes with the status what of the metadata its kind lets it, and counts annotations as a generation of a Deployment", () => {
		const before = made(deployment("web"));
		const metadata = { ...before.metadata, labels: { a: "1" }, annotations: { b: "2" } };
		const status = update(registry, subject(before), { ...before, metadata }, { status: true });
		expect(status.metadata).toMatchObject({ annotations: { b: "2" }, generation: 1 });
		expect(status.metadata.labels).toBeUndefined();
		const annotations = { b: "3" };
		const changed = update(registry, subject(before), { ...status, metadata: { ...status.metadata, annotations } });
		expect(changed.metadata.generation).toBe(2);
		expect(update(registry, subject(before), changed).metadata.generation).toBe(2);
	});

	it("says which object it meant", () => {
		const before = made(configMap("a"));
		const stale = { ...before, metadata: { ...before.metadata, resourceVersion: "1" } };
		expect(refusal(() => update(registry, subject(before), stale)).message).toBe(
			'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
		);
		const other = { ...before, metadata: { ...before.metadata, uid: "other" } };
		expect(refusal(() => update(registry, subject(before), other)).message).toContain("UID in precondition: other");
		expect(refusal(() => update(registry, { ...subject(before), name: "b" }, before)).code).toBe(404);
	});
});

describe("a patch", () => {
	it("of each kind does the same to a member", () => {
		made(deployment("web"));
		const about = subject(deployment("web"));
		const replicas = (object: KubernetesObject) => (object.spec as { replicas: number }).replicas;
		const operations = [{ op: "replace", path: "/spec/replicas", value: 2 }];
		expect(replicas(patch(registry, about, JSON_PATCH, operations))).toBe(2);
		expect(replicas(patch(registry, about, MERGE_PATCH, { spec: { replicas: 3 } }))).toBe(3);
		expect(replicas(patch(registry, about, STRATEGIC_MERGE_PATCH, { spec: { replicas: 4 } }))).toBe(4);
		expect(registry.storage.get("deployments.apps", "shop", "web")?.metadata.generation).toBe(4);
	});

	it("is refused whole", () => {
		made(deployment("web"));
		const about = subject(deployment("web"));
		const operations = [
			{ op: "replace", path: "/spec/replicas", value: 2 },
			{ op: "test", path: "/spec/paused", value: true },
		];
		expect(refusal(() => patch(registry, about, JSON_PATCH, operations)).code).toBe(422);
		expect(refusal(() => patch(registry, about, "text/plain", {})).code).toBe(415);
		expect(refusal(() => patch(registry, about, MERGE_PATCH, { spec: { replicas: "many" } })).message).toBe(
			'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field spec.replicas of type int32',
		);
	});
});

describe("a deletion", () => {
	it("takes an object at once, or marks it for its finalizers", () => {
		expect(remove(registry, subject(made(configMap("a")))).gone).toBe(true);
		const held = made({
			...configMap("b"),
			metadata: { name: "b", namespace: "shop", finalizers: ["example.com/held"] },
		});
		const { object, gone } = remove(registry, subject(held));
		expect(gone).toBe(false);
		expect(object.metadata.deletionTimestamp).toBe("2027-01-15T08:00:00Z");
		const again = { ...object.metadata, finalizers: ["example.com/held", "example.com/more"] };
		expect(refusal(() => update(registry, subject(held), { ...object, metadata: again })).message).toContain(
			"no new finalizers can be added if the object is being deleted",
		);
		const { finalizers: _, ...free } = object.metadata;
		update(registry, subject(held), { ...object, metadata: free });
		expect(registry.storage.get("configmaps", "shop", "b")).toBeUndefined();
	});

	it("gives a scheduled pod its grace, which a second one may shorten", () => {
		const pod: KubernetesObject = {
			apiVersion: "v1",
			kind: "Pod",
			metadata: { name: "web", namespace: "shop" },
			spec: { nodeName: "n1", containers: [{ name: "a", image: "x" }] },
		};
		const about = subject(made(pod));
		expect(remove(registry, about).object.metadata).toMatchObject({
			deletionGracePeriodSeconds: 30,
			deletionTimestamp: "2027-01-15T08:00:30Z",
		});
		expect(remove(registry, about, { gracePeriodSeconds: 60 }).object.metadata.deletionGracePeriodSeconds).toBe(30);
		expect(remove(registry, about, { gracePeriodSeconds: 5 }).object.metadata.deletionGracePeriodSeconds).toBe(5);
		expect(remove(registry, about, { gracePeriodSeconds: 0 }).gone).toBe(true);
	});

	it("keeps its preconditions", () => {
		const about = subject(made(configMap("a")));
		const { code, message } = refusal(() => remove(registry, about, { preconditions: { uid: "other" } }));
		expect(code).toBe(409);
		expect(message).toContain("the UID in the precondition (other) does not match the UID in record");
	});
});

describe("a list", () => {
	it("is selected by labels and fields", () => {
		for (const [name, tier] of [
			["a", "front"],
			["b", "back"],
			["c", "back"],
		] as const)
			made({ ...configMap(name), metadata: { name, namespace: "shop", labels: { tier } } });
		const names = (options: object) =>
			list(registry, resource("v1", "ConfigMap"), options).items.map(({ metadata }) => metadata.name);
		expect(names({ labelSelector: "tier notin (front)" })).toEqual(["b", "c"]);
		expect(names({ labelSelector: "tier in (front, back),!other" })).toEqual(["a", "b", "c"]);
		expect(names({ fieldSelector: "metadata.name!=b" })).toEqual(["a", "c"]);
		expect(names({ namespace: "other" })).toEqual([]);
		const refused = (options: object) => refusal(() => names(options)).message;
		expect(refused({ fieldSelector: "spec.x=1" })).toBe("field label not supported: spec.x");
		expect(refused({ labelSelector: "tier in (a" })).toBe(
			"unable to parse requirement: found '', expected: ',' or ')'",
		);
		expect(refused({ continue: "?" })).toBe("invalid continue token: continue key is not valid");
	});

	it("in pages is the list whole", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 12 }), (limit, count) => {
				registry = { ...registry, storage: registry.storage.fork() };
				for (let i = 0; i < count; i++) made(configMap(`c-${i}`));
				const whole = list(registry, resource("v1", "ConfigMap")).items;
				const pages: KubernetesObject[] = [];
				let next: string | undefined;
				do {
					const page = list(registry, resource("v1", "ConfigMap"), { limit, ...(next ? { continue: next } : {}) });
					pages.push(...page.items);
					next = page.metadata.continue;
					expect(page.metadata.remainingItemCount ?? 0).toBe(whole.length - pages.length);
				} while (next !== undefined);
				expect(pages).toEqual(whole);
				for (let i = 0; i < count; i++) remove(registry, subject(configMap(`c-${i}`)));
			}),
			runs(30),
		);
	});
});

describe("decoding", () => {
	const pod = (spec: unknown) => decode(kubernetes, resource("v1", "Pod"), { metadata: { name: "a" }, spec } as never);

	it("tells unknown fields by their path, and drops them and nulls", () => {
		const { object, unknown } = pod({ containers: [{ name: "a", imagee: "x", image: null }], sapce: 1 });
		expect(unknown).toEqual(["spec.containers[0].imagee", "spec.sapce"]);
		expect(object.spec).toEqual({ containers: [{ name: "a" }] });
	});

	it("refuses values of another kind, and nesting without end", () => {
		const refused = (spec: unknown) => refusal(() => pod(spec)).message;
		expect(refused({ containers: {} })).toContain("cannot unmarshal object into Go struct field spec.containers");
		expect(refused({ terminationGracePeriodSeconds: 1.5 })).toContain("cannot unmarshal number 1.5 into");
		const deep = JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`);
		expect(() =>
			decode(kubernetes, resource("v1", "ConfigMap"), { metadata: { managedFields: [{ fieldsV1: deep }] } }),
		).toThrow(StatusError);
	});

	it("keeps a key named __proto__ a key", () => {
		const body = JSON.parse('{"metadata": {"name": "a", "labels": {"__proto__": "x"}}}');
		const { object } = decode(kubernetes, resource("v1", "ConfigMap"), body);
		expect(Object.keys(object.metadata.labels as object)).toEqual(["__proto__"]);
	});
});
