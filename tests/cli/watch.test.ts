// `podwire get -w` beside the real kubectl on the same server: the same bytes through the same changes, and how each ends.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getCommand } from "../../js/cli/get.ts";
import { main } from "../../js/cli/program.ts";
import { INTERRUPTED, NO, UNUSABLE, YES } from "../../js/cli/status.ts";
import { Cluster } from "../../js/index.ts";
import { type ApiListener, listen } from "../../js/serve/http.ts";
import { kubectl35 } from "../e2e/kubectl/binary.ts";
import { run } from "../e2e/kubectl/run.ts";
import { type FakeTerminal, fakeTerminal } from "./fake.ts";

const START = BigInt(Date.UTC(2026, 10, 26)) * 1_000_000n;
const binary = kubectl35();

const LINES = [
	"cm -w",
	"cm -w -A",
	"cm -w -o wide --show-labels -L a",
	"cm -w --no-headers",
	"cm -w --watch-only",
	"cm --watch-only",
	"cm -w --output-watch-events",
	"cm -A -w --output-watch-events -o wide",
	"cm -w --output-watch-events --no-headers --watch-only",
	"cm -w -l a=b",
	"cm -w -l a=b --output-watch-events -o json",
	"cm -w --field-selector metadata.name=kept",
	"cm -w -o json",
	"cm -w -o yaml",
	"cm -w -o yaml --watch-only",
	"cm -w -o yaml --show-managed-fields",
	"cm -w -o yaml --output-watch-events",
	"cm -w -o name",
	"cm -w -o name --output-watch-events",
	"cm -w -o jsonpath={.metadata.name},",
	"cm -w -o jsonpath={.type}:{.object.metadata.name}, --output-watch-events",
	"cm -w -o custom-columns=N:.metadata.name,X:.data.x",
	"cm -w -o custom-columns=N:.object.metadata.name,T:.type --output-watch-events --no-headers",
	"cm -w --sort-by .metadata.name",
	"cm kept -w",
	"cm/kept -w --watch-only",
	"cm/kept -w -o yaml --output-watch-events",
	"ns -A -w",
];

/** Those that end by themselves. */
const REFUSED = ["cm nothing -w", "cm,svc -w", "cm/kept svc/kubernetes -w", "all -w", "cm kept other -w"];

describe.skipIf(binary === null)("podwire get -w (skipped where there is no kubectl 1.35)", () => {
	let folder: string;
	let server: ApiListener;
	let cluster: Cluster;
	let watches = 0;
	const kubectls: ChildProcess[] = [];
	const configMap = (name: string, more: object = {}, data: Record<string, string> = {}) => ({
		apiVersion: "v1",
		kind: "ConfigMap",
		metadata: { name, namespace: "default", ...more },
		data,
	});

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "podwire-watch-"));
		cluster = await Cluster.create({ nodes: 1, now: () => START });
		for (const name of ["kept", "other"]) await cluster.api.create(configMap(name, { labels: { a: "b" } }));
		server = await listen(
			(request) => {
				if (request.url.includes("watch=true")) watches++;
				return cluster.api.respond(request);
			},
			{ port: 0 },
		);
		cluster.api.onChange(() => server.drain());
	});

	afterAll(async () => {
		for (const child of kubectls) child.kill("SIGKILL");
		await server?.close();
		rmSync(folder, { recursive: true, force: true });
	});

	const ours = (terminal: FakeTerminal, args: readonly string[]) =>
		main(["get", "--server", server.url, ...args], terminal, "0", [(context) => getCommand(context)]);

	it("prints what kubectl prints, as changes come", async () => {
		const both = LINES.map((line) => {
			const args = line.split(" ");
			const child = spawn(binary as string, ["--server", server.url, "--cache-dir", folder, "get", ...args], {
				env: { HOME: folder, PATH: process.env.PATH },
			});
			kubectls.push(child);
			const theirs = { out: "", err: "" };
			child.stdout.on("data", (chunk) => {
				theirs.out += String(chunk);
			});
			child.stderr.on("data", (chunk) => {
				theirs.err += String(chunk);
			});
			const stop = new AbortController();
			const terminal = fakeTerminal("", { signal: stop.signal });
			return { line, theirs, terminal, stop, ended: ours(terminal, args) };
		});
		await expect.poll(() => watches, { timeout: 50_000, interval: 100 }).toBe(2 * LINES.length);

		await cluster.api.create(configMap("a-name-that-is-long"));
		await cluster.api.patch("v1", "ConfigMap", "kept", { data: { x: "1", y: "<&>" } }, { namespace: "default" });
		await cluster.api.patch(
			"v1",
			"ConfigMap",
			"a-name-that-is-long",
			{ metadata: { labels: { a: "b" } } },
			{ namespace: "default" },
		);
		await cluster.api.delete("v1", "ConfigMap", "a-name-that-is-long", { namespace: "default" });
		await cluster.api.patch("v1", "ConfigMap", "kept", { metadata: { labels: { a: "c" } } }, { namespace: "default" });
		await cluster.api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "last" } });
		await cluster.api.delete("v1", "ConfigMap", "kept", { namespace: "default" });

		for (const { theirs } of both) await expect.poll(() => theirs.out, { timeout: 10_000 }).not.toBe("");
		// The table of all: a header, what there was, and six changes.
		const [{ theirs: table }] = both as [(typeof both)[0]];
		await expect.poll(() => table.out.trim().split("\n").length, { timeout: 10_000 }).toBe(1 + 2 + 6);
		for (const { line, theirs, terminal } of both) {
			// What comes through a pipe comes in pieces.
			await expect
				.poll(() => terminal.out === theirs.out, { timeout: 10_000 })
				.toBe(true)
				.catch(() => {});
			expect([line, terminal.out, terminal.err]).toEqual([line, theirs.out, theirs.err]);
		}
		for (const { line, stop, ended } of both) {
			stop.abort();
			expect([line, await ended]).toEqual([line, INTERRUPTED]);
		}
	});

	it.each(REFUSED)("%s", async (line) => {
		const args = line.split(" ");
		const terminal = fakeTerminal();
		const status = await ours(terminal, args);
		const place = { binary: binary as string, folder, connection: ["--server", server.url] };
		const theirs = await run(place, ["get", ...args]);
		expect(terminal.out).toBe(theirs.out);
		expect(terminal.err.replace(/^podwire: /, "error: ").split(/[\n;]/)[0]).toBe(theirs.err.split(/[\n;]/)[0]);
		expect([NO, UNUSABLE]).toContain(status);
		expect(theirs.code).toBe(1);
	});

	it("ends when the server does", async () => {
		const other = await listen((request) => cluster.api.respond(request), { port: 0 });
		const terminal = fakeTerminal();
		const ended = main(["get", "cm", "-w", "--server", other.url], terminal, "0", [(context) => getCommand(context)]);
		await expect.poll(() => terminal.out).toContain("other");
		await other.close();
		expect(await ended).toBe(YES);
		const refused = fakeTerminal();
		const args = ["get", "cm", "--server", other.url];
		expect(await main(args, refused, "0", [(context) => getCommand(context)])).toBe(UNUSABLE);
		expect(refused.err).toContain(`The connection to the server ${new URL(other.url).host} was refused`);
	});

	it.each([
		[["pods"], "expected -f FILE, or --kubeconfig FILE or --server URL"],
		[["pods", "-w", "-f", "none"], "-w: nothing changes in what files describe"],
		[["pods", "--server", "http://127.0.0.1:1", "--nodes", "2"], "--nodes: the cluster is the server's"],
		[["pods", "--server", "http://127.0.0.1:1", "-f", "x.yaml"], "--filename: the cluster is the server's"],
		[["config", "--server", "http://127.0.0.1:1"], "config: is of what -f describes"],
		[["pods", "--server", "http://[:"], "--server: expected a URL"],
		[["pods", "--kubeconfig", "package.json"], "package.json: is no kubeconfig"],
	])("refuses %j", async (args, why) => {
		const terminal = fakeTerminal();
		expect(await main(["get", ...args], terminal, "0", [(context) => getCommand(context)])).toBe(UNUSABLE);
		expect(terminal.err).toContain(why);
	});
});
