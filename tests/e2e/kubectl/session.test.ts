// A real kubectl against the API that this process serves: what it prints, and how it ends.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Registry } from "../../../js/apiserver/registry/request.ts";
import { respond } from "../../../js/apiserver/rest/respond.ts";
import { readSingleYaml } from "../../../js/manifests/single.ts";
import { type ApiListener, listen } from "../../../js/serve/http.ts";
import { emptyRegistry, made } from "../../apiserver/registry.ts";
import { kubectl35 } from "./binary.ts";
import { type Ended, run } from "./run.ts";

const binary = kubectl35();
const START = BigInt(Date.UTC(2026, 10, 26)) * 1_000_000n;

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: nginx, image: "nginx:1", ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80}]
`;

describe.skipIf(binary === null)("kubectl 1.35 (skipped where there is none)", () => {
	let folder: string;
	let server: ApiListener;
	let registry: Registry;
	let now = START;

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "podwire-kubectl-"));
		registry = emptyRegistry("default", () => now);
		server = await listen((request) => respond(registry, request, readSingleYaml), { port: 0 });
		writeFileSync(join(folder, "web.yaml"), WEB);
		now += 5_000_000_000n;
	});

	afterAll(async () => {
		await server?.close();
		rmSync(folder, { recursive: true, force: true });
	});

	async function kubectl(line: string, ...more: string[]): Promise<Ended> {
		const place = { binary: binary as string, folder, connection: ["--server", server.url] };
		return run(place, [...line.split(" "), ...more]);
	}

	const prints = async (line: string, expected: string, ...more: string[]) =>
		expect(await kubectl(line, ...more)).toEqual({ code: 0, out: expected, err: "" });
	const refuses = async (line: string, expected: string, ...more: string[]) =>
		expect(await kubectl(line, ...more)).toEqual({ code: 1, out: "", err: expected });

	it("applies manifests, twice with no change", async () => {
		await prints("apply -f web.yaml", "deployment.apps/web created\nservice/web created\n");
		const { revision } = registry.storage;
		await prints("apply -f web.yaml", "deployment.apps/web unchanged\nservice/web unchanged\n");
		expect(registry.storage.revision).toBe(revision);
	});

	it("sees columns as it knows them", async () => {
		await prints("get ns default", "NAME      STATUS   AGE\ndefault   Active   5s\n");
		await prints(
			"get deploy -o wide",
			[
				"NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES    SELECTOR",
				"web    0/2     0            0           0s    nginx        nginx:1   app=web",
				"",
			].join("\n"),
		);
		await prints("get deploy web -o name", "deployment.apps/web\n");
		await prints("get deploy -l app=web -o jsonpath={.items[*].spec.replicas}", "2");
		expect(await kubectl("get deploy -l app=other")).toEqual({
			code: 0,
			out: "",
			err: "No resources found in default namespace.\n",
		});
	});

	it("changes objects in every way that a patch can", async () => {
		await prints("label deploy web tier=front", "deployment.apps/web labeled\n");
		await prints("annotate deploy web note=1", "deployment.apps/web annotated\n");
		await prints("patch deploy web -p", "deployment.apps/web patched\n", '{"spec":{"replicas":3}}');
		await prints(
			"patch deploy web --type=json -p",
			"deployment.apps/web patched\n",
			'[{"op":"replace","path":"/spec/replicas","value":4}]',
		);
		await prints("patch deploy web --type=merge -p", "deployment.apps/web patched\n", '{"spec":{"paused":true}}');
		await prints("set image deploy/web nginx=nginx:2", "deployment.apps/web image updated\n");
		await prints("scale deploy web --replicas=6", "deployment.apps/web scaled\n");
		await prints(
			"get deploy web -o jsonpath={.spec.replicas}/{.spec.paused}/{.spec.template.spec.containers[0].image}/{.metadata.generation}",
			"6/true/nginx:2/7",
		);
	});

	it("is told what is wrong", async () => {
		await refuses("get deploy nothing", 'Error from server (NotFound): deployments.apps "nothing" not found\n');
		await refuses("get widgets", 'error: the server doesn\'t have a resource type "widgets"\n');
		writeFileSync(join(folder, "typo.yaml"), WEB.replace("replicas", "replcas").replaceAll("name: web", "name: typo"));
		const { code, err } = await kubectl("apply -f typo.yaml");
		expect(code).toBe(1);
		expect(err).toContain('strict decoding error: unknown field "spec.replcas"');
		expect(registry.storage.get("deployments.apps", "default", "typo")).toBeUndefined();
	});

	it("explains, compares and deletes", async () => {
		const { out } = await kubectl("explain deploy.spec.replicas");
		expect(out).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: replicas <integer>\n/);
		const difference = await kubectl("diff -f web.yaml");
		expect(difference.code).toBe(1);
		expect(difference.out).toContain("+  replicas: 2");
		await prints(
			"delete svc web typo",
			'service "web" deleted from default namespace\nservice "typo" deleted from default namespace\n',
		);
		await prints("delete deploy web --wait=true", 'deployment.apps "web" deleted from default namespace\n');
		expect(await kubectl("get deploy,svc -l app=web")).toEqual({
			code: 0,
			out: "",
			err: "No resources found in default namespace.\n",
		});
	});

	it("applies on the server: twice, and against another manager", async () => {
		writeFileSync(
			join(folder, "one.yaml"),
			"{apiVersion: v1, kind: Namespace, metadata: {name: one, labels: {tier: front}}}",
		);
		writeFileSync(
			join(folder, "two.yaml"),
			"{apiVersion: v1, kind: Namespace, metadata: {name: one, labels: {tier: back}}}",
		);
		await prints("apply --server-side -f one.yaml", "namespace/one serverside-applied\n");
		const { revision } = registry.storage;
		await prints("apply --server-side -f one.yaml", "namespace/one serverside-applied\n");
		expect(registry.storage.revision).toBe(revision);
		const { code, err } = await kubectl("apply --server-side -f two.yaml --field-manager other");
		expect(code).toBe(1);
		expect(err).toContain('Apply failed with 1 conflict: conflict with "kubectl": .metadata.labels.tier');
		await prints(
			"apply --server-side -f two.yaml --field-manager other --force-conflicts",
			"namespace/one serverside-applied\n",
		);
		await prints(
			"get ns one --show-labels --no-headers",
			"one   Active   0s    kubernetes.io/metadata.name=one,tier=back\n",
		);
	});

	it("watches until it has seen enough", async () => {
		const watching = kubectl("get cm -w -o name --request-timeout=3s");
		for (const name of ["a", "b", "c"])
			made(registry, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
		server.drain();
		expect((await watching).out).toBe("configmap/a\nconfigmap/b\nconfigmap/c\n");
	});
});
