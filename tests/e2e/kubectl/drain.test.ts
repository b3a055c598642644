// A drain that a disruption budget holds up, by real kubectls over a cluster at work: what they print, how they end, what they leave
// (kubectl pkg/drain/drain.go evictPods, staging/src/k8s.io/kubectl/pkg/cmd/drain/drain.go RunDrain).

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "../../../js/index.ts";
import { type ApiListener, listen } from "../../../js/serve/http.ts";
import { kubectls } from "./binary.ts";
import { run } from "./run.ts";

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
`;

describe.each(kubectls())("kubectl $version drains a node", ({ binary, version }) => {
	let folder: string;
	let cluster: Cluster;
	let server: ApiListener;
	let pod: string;

	beforeEach(async () => {
		folder = mkdtempSync(join(tmpdir(), "podwire-drain-"));
		cluster = await Cluster.create({ nodes: 1 });
		await cluster.apply(MANIFESTS);
		await cluster.settle();
		pod = (await cluster.api.list("v1", "Pod")).items[0]?.metadata.name ?? "";
		// Budgets are counted as time goes on.
		await cluster.settle();
		// The API is served as it is: time stands, so that what is refused once is refused again.
		server = await listen((request) => cluster.api.respond(request), { port: 0 });
	});

	afterEach(async () => {
		await server.close();
		cluster.dispose();
		rmSync(folder, { recursive: true, force: true });
	});

	const drain = (line: string) =>
		run({ binary, folder, connection: ["--server", server.url] }, ["drain", "node-1", ...line.split(" ")]);
	const isGoing = async () => (await cluster.api.get("v1", "Pod", pod)).metadata.deletionTimestamp !== undefined;
	/** What it says last of a pod that it could not evict. */
	const gaveUp = (why: string) => {
		const error = `error when evicting pods/"${pod}" -n "default": ${why}`;
		return [
			`There are pending pods in node "node-1" when an error occurred: ${error}`,
			`pod/${pod}`,
			version === "1.20"
				? 'error: unable to drain node "node-1", aborting command...\n'
				: `error: unable to drain node "node-1" due to error: ${error}, continuing command...`,
			"There are pending nodes to be drained:",
			" node-1",
			version === "1.20" ? `error: ${error}` : error,
			"",
		];
	};

	it("and is held up by a budget, tries again, and gives up in its time", async () => {
		const { code, out, err } = await drain("--timeout=1s");
		expect(out).toBe(`node/node-1 cordoned\n${`evicting pod default/${pod}\n`.repeat(2)}`);
		const refused = `error when evicting pods/"${pod}" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.`;
		expect(err.split("\n")).toEqual([
			refused,
			...gaveUp("global timeout reached: 1s").flatMap((line) => line.split("\n")),
		]);
		expect([code, await isGoing()]).toEqual([1, false]);
	});

	it("over whose pods two budgets are, and does not try again", async () => {
		const { spec } = await cluster.api.get("policy/v1", "PodDisruptionBudget", "web");
		await cluster.api.create({ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "two" }, spec });
		const { code, err } = await drain("--timeout=1s");
		const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
		expect(err.split("\n")).toEqual(gaveUp(why).flatMap((line) => line.split("\n")));
		expect([code, await isGoing()]).toEqual([1, false]);
	});

	// kubectl 1.20 looks for definitions of a version that is served no more before it tries.
	if (version === "1.20") return;
	it("and only tries to", async () => {
		await cluster.api.delete("policy/v1", "PodDisruptionBudget", "web");
		const { code, out, err } = await drain("--timeout=1s --dry-run=server");
		expect({ code, err, out }).toEqual({
			...{ code: 0, err: "" },
			out: [
				"node/node-1 cordoned (server dry run)",
				`evicting pod default/${pod} (server dry run)`,
				"node/node-1 drained (server dry run)",
				"",
			].join("\n"),
		});
		expect(await isGoing()).toBe(false);
	});
});
