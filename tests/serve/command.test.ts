// `podwire serve`: the kubeconfig that it writes, a real kubectl that uses it, and how it ends.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { getCommand } from "../../js/cli/get.ts";
import { main } from "../../js/cli/program.ts";
import { serveCommand } from "../../js/cli/serve.ts";
import { UNUSABLE } from "../../js/cli/status.ts";
import { fakeTerminal } from "../cli/fake.ts";
import { kubectls } from "../e2e/kubectl/binary.ts";
import { run } from "../e2e/kubectl/run.ts";
import { keepsAnyKey, outlivesHangingClients, refusesAll } from "./refusals.mjs";

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

interface Kubeconfig {
	clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
	users: { user: { token?: string } }[];
}

let folder: string;
let stop = new AbortController();

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "podwire-serve-"));
	writeFileSync(join(folder, "web.yaml"), WEB);
});
afterEach(() => stop.abort());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, "podwire.kubeconfig");

/** Starts the command in this process, and waits until it is ready. */
async function start(...args: string[]) {
	stop = new AbortController();
	const terminal = fakeTerminal("", { signal: stop.signal });
	const argv = ["serve", "--listen", "127.0.0.1:0", "--kubeconfig", file(), ...args];
	let status: number | null = null;
	const ended = main(argv, terminal, "0", [(context) => serveCommand(context)]).then((given) => {
		status = given;
		return given;
	});
	await expect.poll(() => existsSync(file()) || status !== null, { timeout: 120_000 }).toBe(true);
	return { config: parse(readFileSync(file(), "utf8")) as Kubeconfig, err: () => terminal.err, ended };
}

/** Asks over TLS with the authority of the kubeconfig. */
function code(config: Kubeconfig, headers: Record<string, string>): Promise<number | undefined> {
	const [{ cluster }] = config.clusters as [Kubeconfig["clusters"][0]];
	const ca = Buffer.from(cluster["certificate-authority-data"] ?? "", "base64");
	return new Promise((resolve, reject) => {
		const sent = request(`${cluster.server}/version`, { ca, headers, agent: false }, (response) => {
			response.resume();
			response.on("end", () => resolve(response.statusCode));
		});
		sent.on("error", reject);
		sent.end();
	});
}

describe("podwire serve", () => {
	it("writes a kubeconfig when it is ready, and ends when it is asked to with nothing left", async () => {
		const { config, err, ended } = await start("-f", join(folder, "web.yaml"));
		expect(statSync(file()).mode & 0o777).toBe(0o600);
		expect(err()).toMatch(/^serving https:\/\/127\.0\.0\.1:\d+; kubectl --kubeconfig \S+ get pods -A\n$/);
		const token = config.users[0]?.user.token ?? "";
		expect(token.length).toBeGreaterThan(40);
		expect(await code(config, {})).toBe(401);
		expect(await code(config, { authorization: `Bearer ${token}` })).toBe(200);
		const asking = fakeTerminal();
		const get = ["get", "deploy", "--kubeconfig", file(), "-o", "name"];
		expect(await main(get, asking, "0", [(context) => getCommand(context)])).toBe(0);
		expect(asking.out).toBe("deployment.apps/web\n");
		stop.abort();
		expect(await ended).toBe(0);
		expect(existsSync(file())).toBe(false);
	});

	it("saves the cluster on SIGUSR1 and at the end, and goes on from there", async () => {
		const saved = join(folder, "web.podwire");
		const first = await start("-f", join(folder, "web.yaml"), "--snapshot", saved, "--paused");
		expect(existsSync(saved)).toBe(false);
		process.emit("SIGUSR1", "SIGUSR1");
		await expect.poll(() => first.err().includes(`saved to ${saved}`), { timeout: 60_000 }).toBe(true);
		const once = readFileSync(saved);
		stop.abort();
		expect(await first.ended).toBe(0);
		expect(readFileSync(saved).equals(once)).toBe(true);
		expect(process.listenerCount("SIGUSR1")).toBe(0);
		const second = await start("--restore", saved, "--paused");
		const asking = fakeTerminal();
		const get = ["get", "deploy", "--kubeconfig", file(), "-o", "jsonpath={.items[0].metadata.name}"];
		expect(await main(get, asking, "0", [(context) => getCommand(context)])).toBe(0);
		expect(asking.out.trim()).toBe("web");
		const told = fakeTerminal();
		const authorities = "jsonpath={range .items[?(@.metadata.name=='kube-root-ca.crt')]}{.data.ca\\.crt}{end}";
		const maps = ["get", "cm", "-A", "--kubeconfig", file(), "-o", authorities];
		expect(await main(maps, told, "0", [(context) => getCommand(context)])).toBe(0);
		const authority = (config: Kubeconfig) =>
			Buffer.from(config.clusters[0]?.cluster["certificate-authority-data"] ?? "", "base64")
				.toString()
				.trim();
		const known = told.out.match(/-----BEGIN[\s\S]*?END CERTIFICATE-----/g) ?? [];
		expect(known.length).toBeGreaterThan(2);
		expect(new Set(known)).toEqual(new Set([authority(second.config)]));
		expect(authority(first.config)).not.toBe(authority(second.config));
		stop.abort();
		expect(await second.ended).toBe(0);
	});

	it("refuses what it must, over TLS, and is there afterwards", async () => {
		const { config } = await start();
		const [{ cluster }] = config.clusters as [Kubeconfig["clusters"][0]];
		const ca = Buffer.from(cluster["certificate-authority-data"] ?? "", "base64").toString();
		const server = { url: cluster.server, token: config.users[0]?.user.token ?? "", ca };
		await refusesAll(server);
		await keepsAnyKey(server);
		await outlivesHangingClients(server);
	});

	describe.each(kubectls())("for kubectl $version", ({ binary, version }) => {
		it("runs the controllers on what is written", async () => {
			const { ended } = await start(...(version === "1.20" ? ["--insecure"] : []));
			const place = { binary, folder, connection: ["--kubeconfig", file()] };
			const kubectl = (line: string) => run(place, line.split(" "));
			expect(await kubectl("apply -f web.yaml")).toMatchObject({
				code: 0,
				out: "deployment.apps/web created\nservice/web created\n",
			});
			expect(await kubectl("rollout status deploy/web --timeout=120s")).toMatchObject({ code: 0 });
			const wide = await kubectl(
				"get pods -l app=web -o jsonpath={range.items[*]}{.status.phase}/{.spec.nodeName};{end}",
			);
			expect(wide.out).toMatch(/^Running\/node-\d;Running\/node-\d;$/);
			const slices =
				"get endpointslices -l kubernetes.io/service-name=web -o jsonpath={.items[*].endpoints[*].addresses[0]}";
			expect((await kubectl(slices)).out.split(" ").length).toBe(2);
			expect(await kubectl("scale deploy web --replicas=3")).toMatchObject({ code: 0 });
			expect(await kubectl("rollout status deploy/web --timeout=120s")).toMatchObject({ code: 0 });
			expect((await kubectl("get deploy web -o jsonpath={.status.readyReplicas}")).out).toBe("3");
			expect(await kubectl("rollout pause deploy/web")).toMatchObject({ code: 0 });
			expect(await kubectl("set image deploy/web c=i:2")).toMatchObject({ code: 0 });
			const following = kubectl("rollout status deploy/web --timeout=120s");
			// It follows by the time that another kubectl has come and gone, however slow the machine is.
			expect(await kubectl("get deploy web -o jsonpath={.spec.paused}")).toMatchObject({ code: 0, out: "true" });
			expect(await kubectl("rollout resume deploy/web")).toMatchObject({ code: 0 });
			const rollout = await following;
			expect(rollout.code).toBe(0);
			expect(rollout.out).toMatch(
				/Waiting for deployment "web" rollout to finish: .*\nWaiting.*successfully rolled out\n$/s,
			);
			const images = await kubectl("get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}");
			expect(images.out).toBe("i:2 i:2 i:2");
			expect((await kubectl("rollout undo deploy/web")).code).toBe(0);
			expect(await kubectl("rollout status deploy/web --timeout=120s")).toMatchObject({ code: 0 });
			expect((await kubectl("get events --field-selector reason=ScalingReplicaSet -o name")).out).not.toBe("");
			const pod = (await kubectl("get pods -o name")).out.split("\n")[0] ?? "";
			expect(await kubectl(`delete ${pod} --wait --timeout=120s`)).toMatchObject({ code: 0 });
			await expect.poll(async () => (await kubectl("get pods -o name")).out.split("\n").length - 1).toBe(3);
			expect(await kubectl("delete deploy web")).toMatchObject({ code: 0 });
			await expect.poll(async () => (await kubectl("get pods -o name")).out).toBe("");
			stop.abort();
			expect(await ended).toBe(0);
		});
	});

	it("paused, has what is written settled at once, and time stand still", async () => {
		const { ended } = await start("--paused", "--insecure", "-f", join(folder, "web.yaml"));
		const { binary } = kubectls()[0] ?? {};
		if (binary !== undefined) {
			const place = { binary, folder, connection: ["--kubeconfig", file()] };
			const kubectl = (line: string) => run(place, line.split(" "));
			await kubectl("scale deploy web --replicas=3");
			await expect
				.poll(async () => (await kubectl("get deploy web -o jsonpath={.status.readyReplicas}")).out, {
					timeout: 120_000,
				})
				.toBe("3");
		}
		stop.abort();
		expect(await ended).toBe(0);
	});

	it.each(["0", "-1", "x", "1e9"])("does not run at speed %s", async (speed) => {
		expect(await refuses("--speed", speed)).toContain("Expected a number above 0");
	});

	async function refuses(...args: string[]): Promise<string> {
		const terminal = fakeTerminal();
		const status = await main(["serve", ...args], terminal, "0", [(context) => serveCommand(context)]);
		expect(status).toBe(UNUSABLE);
		return terminal.err;
	}

	it("leaves a kubeconfig of another cluster alone", async () => {
		const other = join(folder, "other.kubeconfig");
		writeFileSync(other, "apiVersion: v1\nkind: Config\n");
		expect(await refuses("--kubeconfig", other)).toContain("is there and not podwire's");
		expect(readFileSync(other, "utf8")).toBe("apiVersion: v1\nkind: Config\n");
	});

	it.each(["0.0.0.0:6443", "10.0.0.1:6443", "[::]:6443", "127.0.0.1", "127.0.0.1:70000", "example.com:80"])(
		"does not listen on %s",
		async (address) => {
			expect(await refuses("--listen", address)).toMatch(/Expected (an address of this machine alone|ADDRESS:PORT)/);
		},
	);

	it("says where a port is taken", async () => {
		const { config } = await start();
		const { port } = new URL(config.clusters[0]?.cluster.server ?? "");
		const err = await refuses("--listen", `127.0.0.1:${port}`, "--kubeconfig", join(folder, "second.kubeconfig"));
		expect(err).toContain("address already in use");
	});
});
