// The manifest reader on real files and on bad ones: what an operator sees.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadManifests, loadObjects } from "../../js/manifests/load.ts";
import { type NotEvaluated, touches } from "../../js/manifests/notevaluated.ts";

const SHARED = new URL("../../../shared/data/", import.meta.url).pathname;

function load(text: string, name = "deploy.yaml", options = {}) {
	return loadManifests([{ name, text }], options);
}

function messages(text: string, name?: string): string[] {
	return load(text, name).errors.map((error) => error.message);
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: cart
spec:
  selector:
    app: cart
  ports:
  - port: 80
    targetPort: 8080
`;

describe.skipIf(!existsSync(SHARED))("real manifests", () => {
	const files = existsSync(SHARED) ? readdirSync(`${SHARED}manifests`).filter((name) => name.endsWith(".yaml")) : [];
	it.each(files)("%s loads without an error or an unknown field", (name) => {
		const loaded = load(readFileSync(`${SHARED}manifests/${name}`, "utf8"), name);
		expect(loaded.errors).toEqual([]);
		expect(loaded.warnings).toEqual([]);
		expect(loaded.objects.length).toBeGreaterThan(0);
	});

	it("reads a dump of a running cluster as observed", () => {
		const loaded = load(readFileSync(`${SHARED}shop/cluster.yaml`, "utf8"), "cluster.yaml");
		expect(loaded.errors).toEqual([]);
		expect(loaded.warnings).toEqual([]);
		expect(loaded.ignored).toEqual([]);
		expect(loaded.objects.every((manifest) => manifest.observed)).toBe(true);
	});

	it("reads the JSON form of a dump as the YAML form", async () => {
		const { parseAllDocuments } = await import("yaml");
		const text = readFileSync(`${SHARED}shop/cluster.yaml`, "utf8");
		const json = JSON.stringify(parseAllDocuments(text)[0]?.toJS(), null, 4);
		const objects = (name: string, content: string) => load(content, name).objects.map((manifest) => manifest.object);
		expect(objects("cluster.json", json)).toEqual(objects("cluster.yaml", text));
	});

	it("lists policies as not evaluated, with the pods that they touch", () => {
		const name = "online-boutique-network-policies.yaml";
		const loaded = load(readFileSync(`${SHARED}manifests/${name}`, "utf8"), name);
		const policy = loaded.notEvaluated.find(({ subject }) => subject.podSelector?.matchLabels?.app === "cartservice");
		expect(policy?.kind).toBe("NetworkPolicy");
		const touched = (namespace: string, app: string) => touches(policy as NotEvaluated, { namespace, labels: { app } });
		expect(touched("default", "cartservice")).toBe(true);
		expect(touched("other", "cartservice")).toBe(false);
		expect(touched("default", "frontend")).toBe(false);
	});
});

describe("bad input names file, line, column and what was expected", () => {
	it("a port out of range, with the line and a caret", () => {
		const [error, ...rest] = load(SERVICE.replace("8080", "70000")).errors;
		expect(rest).toEqual([]);
		expect(error?.message).toBe("deploy.yaml:10:17: spec.ports[0].targetPort: must be 1-65535, got 70000");
		expect(error?.excerpt).toBe("    targetPort: 70000\n                ^");
	});

	it("every error of a file, and no object of it", () => {
		const bad = `${SERVICE.replace("80\n", "0\n").replace("kind: Service", "kind: Service")}---\n${SERVICE.replace("name: cart", "name: Cart_1")}---\n${SERVICE}`;
		const loaded = load(bad);
		expect(loaded.errors.map((error) => `${error.line} ${error.path}`)).toEqual([
			"9 spec.ports[0].port",
			"15 metadata.name",
		]);
		expect(loaded.objects).toEqual([]);
	});

	it("at most 50 errors of a file", () => {
		const loaded = load(Array.from({ length: 70 }, () => SERVICE.replace("8080", "70000")).join("---\n"));
		expect(loaded.errors).toHaveLength(51);
		expect(loaded.errors[50]?.message).toBe("deploy.yaml: 20 more errors are not shown");
	});

	it.each([
		["a missing kind", "apiVersion: v1\nmetadata: {name: a}\n", "deploy.yaml:1:1: kind: required"],
		["a misspelt kind field", "apiVersion: v1\nkinds: Pod\n", 'deploy.yaml:1:1: kind: required; is "kinds" meant?'],
		["a scalar", "hello\n", 'deploy.yaml:1:1: expected an object with apiVersion and kind, got "hello"'],
		[
			"a removed version",
			"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n",
			'deploy.yaml:1:13: apiVersion: no Deployment in "extensions/v1beta1"; expected apps/v1',
		],
		[
			"a word for an enum",
			SERVICE.replace("spec:", "spec:\n  type: NodePorts"),
			'deploy.yaml:6:9: spec.type: must be one of ClusterIP, NodePort, LoadBalancer, ExternalName, got "NodePorts"; did you mean NodePort?',
		],
		[
			"an unquoted yes as a label",
			SERVICE.replace("app: cart", "app: yes"),
			"deploy.yaml:7:10: spec.selector.app: must be a label value (letters, digits, '-', '_', '.'; at most 63 characters), got the boolean true (quote it to make it a string)",
		],
		[
			"an octal-looking address",
			SERVICE.replace("spec:", "spec:\n  externalIPs: [010.0.0.1]"),
			'deploy.yaml:6:17: spec.externalIPs[0]: must be an IP address, got "010.0.0.1"',
		],
		[
			"a duplicate key",
			SERVICE.replace("    app: cart", "    app: cart\n    app: kart"),
			'deploy.yaml:8:5: YAML: key "app" is already defined in this map',
		],
		[
			"a required field",
			SERVICE.replace("port: 80", "porst: 80"),
			'deploy.yaml:9:5: spec.ports[0].port: required; is "porst" meant?',
		],
		[
			"a second port of the same number",
			SERVICE.replace("    targetPort: 8080", "    name: a\n  - port: 80\n    name: b"),
			"deploy.yaml:11:11: spec.ports[1].port: TCP 80 is already port 0 of this Service",
		],
		[
			"a selector that does not match",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {app: b}}\n  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c}]}}\n",
			"deploy.yaml:5:33: spec.selector.matchLabels.app: the pod template does not carry this label, so the selector would not match its own pods",
		],
		["a Helm template", "apiVersion: v1\nkind: {{ .Values.kind }}\n  x: 1\n", "helm template"],
		["a NUL", "apiVersion: v1\0\n", "deploy.yaml:1:15: a NUL character: this is no YAML or JSON text"],
		["a bad indentation", "apiVersion: v1\nkind: Service\n metadata:\n", "deploy.yaml:2:7: YAML:"],
		["half a flow map", "apiVersion: v1\nkind: Service\nmetadata: {name: a\n", "YAML:"],
	])("%s", (_name, text, message) => {
		const all = messages(text);
		expect(all.join("\n")).toContain(message);
	});

	it.each([
		['{"apiVersion": "v1", "kind": "Service"', 'cluster.json:1:39: JSON: the text ends where "\\"}\\"" should be'],
		['{"apiVersion": "v1",\n "kind": ]}', "cluster.json:2:10: JSON: expected a value"],
		[
			'{"apiVersion": "v1", "apiVersion": "v1"}',
			'cluster.json:1:22: JSON: key "apiVersion" is already defined in this map',
		],
		['{"a": "b', "cluster.json:1:9: JSON: the text ends where the end of the string"],
	])("JSON %s", (text, message) => {
		expect(messages(text, "cluster.json")[0]?.slice(0, 30)).toBe(message.slice(0, 30));
	});

	it("a dump cut anywhere is an error or a whole set of objects, never a crash", () => {
		const whole = `apiVersion: v1\nkind: List\nitems:\n${[1, 2, 3].map((n) => `- ${SERVICE.replace("cart", `cart${n}`).trimEnd().split("\n").join("\n  ")}\n`).join("")}`;
		expect(load(whole).objects).toHaveLength(3);
		for (let cut = 0; cut < whole.length; cut++) {
			const loaded = load(whole.slice(0, cut));
			expect(loaded.errors.length === 0 || loaded.objects.length === 0).toBe(true);
		}
	});
});

describe("limits", () => {
	it.each([
		["flow", "[".repeat(20_000)],
		["block", Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
		["JSON", `{"a":${"[".repeat(100_000)}`],
	])("depth in %s", (_name, text) => {
		expect(messages(text)[0]).toContain("nested deeper than 100 levels");
	});

	it("alias expansions", () => {
		const bomb = [
			"a: &a [x,x]",
			...Array.from(
				"bcdefghijklmnopqrstuvwxyz",
				(c, i) => `${c}: &${c} [*${String.fromCharCode(97 + i)},*${String.fromCharCode(97 + i)}]`,
			),
		].join("\n");
		expect(messages(bomb)[0]).toContain("more than 100 alias expansions in one document");
		expect(messages("a: &a [*a]")[0]).toContain('anchor "a" contains itself');
	});

	it("documents, size, scalars", () => {
		expect(
			load("a: 1\n---\n".repeat(30), "x", { limits: { documentsMax: 20 } }).errors.some((error) =>
				error.message.includes("more than 20 documents"),
			),
		).toBe(true);
		expect(load(SERVICE, "x", { limits: { fileCharsMax: 10 } }).errors[0]?.message).toBe(
			"x: larger than 10 characters",
		);
		expect(load(SERVICE, "x", { limits: { scalarCharsMax: 3 } }).errors[0]?.message).toContain(
			"a scalar of more than 3 characters",
		);
	});

	it("keys that name a prototype stay keys", () => {
		const text = `${SERVICE}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  __proto__: x\n  constructor: z\n`;
		const data = load(text).objects[1]?.object as unknown as { data: Record<string, string> };
		expect(Object.getOwnPropertyNames(data.data)).toEqual(["__proto__", "constructor"]);
		expect(({} as Record<string, unknown>).x).toBeUndefined();
		const json = JSON.parse(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x"}}`);
		expect(load(JSON.stringify(json)).errors).toEqual([]);
	});
});

describe("kinds", () => {
	it("keeps an unknown kind and lists it once", () => {
		const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
		const loaded = load(`${secret}---\n${secret}---\n${SERVICE}`);
		expect(loaded.objects).toHaveLength(3);
		expect(loaded.ignored).toEqual([
			{ apiVersion: "v1", kind: "Secret", count: 2, source: { file: "deploy.yaml", line: 1, column: 1 } },
		]);
		expect(loaded.warnings).toEqual([]);
	});

	it("suggests the kind that was meant", () => {
		const loaded = load(SERVICE.replace("kind: Service", "kind: service"));
		expect(loaded.warnings.map((warning) => warning.message)).toEqual([
			'unknown kind "service", ignored; did you mean Service?',
		]);
	});

	it("suggests the field that was meant", () => {
		const loaded = load(SERVICE.replace("selector", "slector"));
		expect(loaded.warnings).toEqual([
			{
				file: "deploy.yaml",
				line: 6,
				column: 3,
				path: "spec.slector",
				message: "unknown field, ignored; did you mean selector?",
			},
		]);
	});

	it("says which pods a foreign policy touches", () => {
		const texts = [
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {endpointSelector: {matchLabels: {app: cart}}}\n",
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: b, namespace: shop}\nspec: {endpointSelector: {matchLabels: {'k8s:app': cart}}}\n",
			"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: c}\nspec: {selector: all()}\n",
			"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: d}\nspec: {subject: {namespaces: {matchLabels: {tenant: x}}}}\n",
		];
		const { notEvaluated, errors } = load(texts.join("---\n"));
		expect(errors).toEqual([]);
		const touched = (namespace: string, labels: Record<string, string>, namespaceLabels: Record<string, string>) =>
			notEvaluated
				.filter((policy) => touches(policy, { namespace, labels, namespaceLabels }))
				.map((policy) => policy.name);
		expect(touched("shop", { app: "cart" }, {})).toEqual(["a", "b", "c"]);
		expect(touched("shop", { app: "web" }, { tenant: "x" })).toEqual(["b", "c", "d"]);
		expect(touched("other", { app: "cart" }, {})).toEqual(["c"]);
	});

	it("checks objects that a program made", () => {
		const service = { apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: { ports: [{ port: 0 }] } };
		expect(loadObjects([service]).errors.map((error) => error.message)).toEqual([
			"objects[0]: spec.ports[0].port: Service default/a: must be 1-65535, got 0",
		]);
	});

	it("reads leading zeros of an observed object as decimal, and says so", () => {
		const text = SERVICE.replace("  name: cart\n", "  name: cart\n  uid: x\n")
			.replace("spec:", "spec:\n  clusterIP: 172.30.0.041")
			.concat("status: {}\n");
		const loaded = load(text);
		expect(loaded.errors).toEqual([]);
		expect((loaded.objects[0]?.object.spec as { clusterIP?: string } | undefined)?.clusterIP).toBe("172.30.0.41");
		expect(loaded.warnings).toHaveLength(1);
	});
});
