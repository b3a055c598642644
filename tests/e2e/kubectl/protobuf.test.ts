// kubectl's typed commands send protobuf; what the same command would send as JSON (`--dry-run=client -o json`) must make the
// same object.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../js/api/meta.ts";
import type { Registry } from "../../../js/apiserver/registry/request.ts";
import { respond } from "../../../js/apiserver/rest/respond.ts";
import { release } from "../../../js/apiserver/services/allocate.ts";
import { readSingleYaml } from "../../../js/manifests/single.ts";
import { type ApiListener, listen } from "../../../js/serve/http.ts";
import { emptyRegistry } from "../../apiserver/registry.ts";
import { kubectls } from "./binary.ts";
import { type Place, run } from "./run.ts";

/** Each with the resource that it makes. */
const COMMANDS: [line: string, resource: string][] = [
	["create deployment web --image=nginx:1 --image=sidecar:2 --replicas=3", "deployments.apps"],
	["create deployment none --image=nginx:1 --replicas=0 --port=80", "deployments.apps"],
	[
		"create configmap numbers --from-literal=one=1 --from-literal=__proto__=2 --from-literal=constructor=3",
		"configmaps",
	],
	["create secret generic keys --from-literal=password=s3cret --from-literal=none=", "secrets"],
	["create service clusterip front --tcp=80:8080 --tcp=443:8443", "services"],
	["create service nodeport door --tcp=80:8080 --node-port=30080", "services"],
	["create service externalname away --external-name=example.com", "services"],
	["create job once --image=busybox -- /bin/sh -c date", "jobs.batch"],
	["create namespace other", "namespaces"],
	["create serviceaccount robot", "serviceaccounts"],
	["create quota few --hard=cpu=1,memory=1Gi,pods=2", "resourcequotas"],
	["create role reader --verb=get,list --resource=pods --resource-name=one", "roles.rbac.authorization.k8s.io"],
	["create clusterrole all --verb=* --non-resource-url=/healthz", "clusterroles.rbac.authorization.k8s.io"],
	["create rolebinding bound --role=reader --user=ann --group=dev", "rolebindings.rbac.authorization.k8s.io"],
	["create poddisruptionbudget half --selector=app=web --min-available=50%", "poddisruptionbudgets.policy"],
	["create priorityclass high --value=1000 --global-default=false", "priorityclasses.scheduling.k8s.io"],
];

describe.skipIf(kubectls().length === 0)("what kubectl sends as protobuf (skipped where there is none)", () => {
	let folder: string;
	let server: ApiListener;
	let registry: Registry;

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "podwire-protobuf-"));
		registry = emptyRegistry("default");
		server = await listen((request) => respond(registry, request, readSingleYaml), { port: 0 });
	});

	afterAll(async () => {
		await server?.close();
		rmSync(folder, { recursive: true, force: true });
	});

	/** Everything but who it is, when it came, who wrote it, and which address it was given. */
	const bare = ({ metadata, ...rest }: KubernetesObject) => {
		const { uid = "", creationTimestamp: __, resourceVersion: ___, ...kept } = metadata;
		delete (kept as { managedFields?: unknown }).managedFields;
		const text = JSON.stringify({ ...rest, metadata: kept }).replaceAll(uid, "UID");
		return JSON.parse(text.replace(/10\.96\.\d+\.\d+/g, "ADDRESS"));
	};

	/** At once, and what a Service holds with it. */
	const drop = (resource: string, namespace: string, name: string) => {
		const object = registry.storage.remove(resource, namespace, name);
		if (object !== undefined && resource === "services") release(registry, object);
	};

	describe.each(kubectls())("from kubectl $version", ({ version, binary }) => {
		const place = (): Place => ({ binary, folder, connection: ["--server", server.url] });

		// kubectl 1.20 makes budgets of policy/v1beta1, which no server of today has.
		const known = COMMANDS.filter(([line]) => version !== "1.20" || !line.startsWith("create poddisruptionbudget"));

		it.each(known)("%s", async (line, resource) => {
			const args = line.split(" ");
			const before = registry.storage.list(resource).items.length;
			const made = await run(place(), args);
			const flags = args.indexOf("--");
			const dry = args.toSpliced(flags < 0 ? args.length : flags, 0, "--dry-run=client", "-o", "json");
			const asJson = await run(place(), dry);
			expect(made).toMatchObject({ code: 0, err: "" });
			const after = registry.storage.list(resource).items;
			expect(after.length).toBe(before + 1);
			const name = args[args[1] === "service" || args[1] === "secret" ? 3 : 2] ?? "";
			const namespace = after.find(({ metadata }) => metadata.name === name)?.metadata.namespace ?? "";
			const object = registry.storage.get(resource, namespace, name) as KubernetesObject;
			drop(resource, namespace, name);
			const again = await run(place(), ["create", "-f", "-"], asJson.out);
			expect(again).toMatchObject({ code: 0, err: "" });
			const other = registry.storage.get(resource, namespace, name) as KubernetesObject;
			expect(bare(object)).toEqual(bare(other));
			drop(resource, namespace, name);
		});
	});
});
