// `podwire trace` and its neighbours as an operator runs them: formats, exit statuses, and inputs that are wrong.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../js/cli/commands.ts";
import { main } from "../../js/cli/program.ts";
import { fakeTerminal } from "./fake.ts";

const scene = JSON.parse(readFileSync(new URL("../hash/scene.json", import.meta.url), "utf8"));
let folder = "";

async function podwire(...words: string[]) {
	const terminal = fakeTerminal(scene.cluster.manifests);
	const status = await main(words, terminal, "0", COMMANDS);
	return { status, out: terminal.out, err: terminal.err, bytes: terminal.bytes };
}

const trace = (to: string, ...more: string[]) =>
	podwire("trace", "-f", "-", "--from", "pod/shop/client", "--to", to, ...more);

function file(name: string, text: string): string {
	writeFileSync(join(folder, name), text);
	return join(folder, name);
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "podwire-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("podwire trace", () => {
	it("prints the contract as JSON", async () => {
		const { status, out } = await trace("svc/shop/lb:80", "-o", "json", "--sport", "40001");
		const path = JSON.parse(out);
		expect(status).toBe(0);
		expect(Object.keys(path).sort()).toEqual(
			["assumed", "delivered", "hops", "notEvaluated", "reason", "reply", "seen", "verdict"].sort(),
		);
		expect(path.seen).toEqual({ source: "10.244.0.2", sourcePort: 40001 });
		expect(path.hops.find((hop: { event: string }) => hop.event === "transmit")).toMatchObject({
			netns: "pod/shop/client",
			device: "eth0",
			hook: null,
			table: null,
			chain: null,
			rule: null,
			packet: { proto: "tcp", src: "10.244.0.2", sport: 40001, dport: 80 },
		});
	});

	it("reads well: places, rules that acted, the packet where it changed, the verdict", async () => {
		const { out } = await trace("svc/shop/lb:80", "--sport", "40001");
		expect(out).toMatch(/^request {2}tcp 10\.244\.0\.2:40001 > [\d.]+:80 \[S\] ttl 64\n {2}pod\/shop\/client\n/);
		expect(out).toMatch(/PREROUTING nat -A KUBE-SEP-\S+ .* -j DNAT --to-destination 10\.244\.1\.2:8080\n/);
		expect(out).not.toContain("-j KUBE-EXTERNAL-SERVICES");
		expect(out).toMatch(/\ndelivered\n {2}to Pod shop\/web-\S+ on node-2, 10\.244\.1\.2:8080\n/);
		const wide = await trace("svc/shop/lb:80", "-o", "wide");
		expect(wide.out).toContain("-j KUBE-EXTERNAL-SERVICES");
		expect(wide.out).toContain("-P FORWARD ACCEPT");
	});

	it("colours on demand only", async () => {
		expect((await trace("svc/shop/lb:80")).out).not.toContain("\u001b");
		expect((await trace("svc/shop/lb:80", "--color", "always")).out).toContain("\u001b[");
	});

	it("draws a mermaid diagram, names who got it, writes a capture", async () => {
		const { out } = await trace("svc/shop/lb:80", "-o", "mermaid");
		expect(out).toMatch(/^sequenceDiagram\n {4}participant N1 as pod\/shop\/client\n/);
		expect(out).toMatch(/N1->>N2: tcp .*#62;/);
		expect((await trace("svc/shop/lb:80", "-o", "name")).out).toMatch(/^pod\/shop\/web-/);
		const { bytes } = await trace("svc/shop/lb:80", "-o", "pcapng");
		expect([...(bytes[0] ?? new Uint8Array()).subarray(0, 4)]).toEqual([0x0a, 0x0d, 0x0d, 0x0a]);
	});

	it("exits with 1 where the answer is no", async () => {
		expect((await trace("svc/shop/empty:80")).status).toBe(1);
	});

	it("exits with 2 where nobody can say, unless it is told to be lenient", async () => {
		const policy = file(
			"policy.yaml",
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\nspec: {podSelector: {}}\n",
		);
		const strict = await trace("svc/shop/lb:80", "-f", policy);
		expect([strict.status, strict.err]).toEqual([2, expect.stringContaining("not-evaluated: NetworkPolicy shop/all")]);
		expect((await trace("svc/shop/lb:80", "-f", policy, "--lenient")).status).toBe(0);
	});

	it.each([
		[
			"a port",
			"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 70000\n",
			/bad\.yaml:6:11: spec\.ports\[0\]\.port: must be 1-65535, got 70000/,
		],
		["half a text", "apiVersion: v1\nkind: [\n", /bad\.yaml:3:1: YAML: /],
		[
			"a podCIDR",
			["a", "b"]
				.map((name) => `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nspec: {podCIDR: 10.1.0.0/24}\n`)
				.join("---\n"),
			/bad\.yaml:9:17: spec\.podCIDR: 10\.1\.0\.0\/24 is already/,
		],
	])("names file, line and column of %s, and answers nothing", async (_, text, message) => {
		const { status, out, err } = await trace("svc/shop/lb:80", "-f", file("bad.yaml", text));
		expect([status, out]).toEqual([2, ""]);
		expect(err).toMatch(message);
	});
});

describe("a node's state", () => {
	it("is printed in the texts of the real tools", async () => {
		const rules = await podwire("iptables", "-f", "-", "--node", "node-1");
		expect([rules.status, rules.out]).toEqual([0, expect.stringContaining("--set-xmark 0x4000/0x4000")]);
		const written = await podwire("iptables", "-f", "-", "--node", "node-1", "--as-written");
		expect(written.out).toContain("--or-mark 0x4000");
		const routes = await podwire("routes", "-f", "-", "--node", "node-1");
		expect(routes.out).toContain("10.244.0.0/24 dev cbr0 proto kernel scope link src 10.244.0.1");
		const conntrack = await podwire("conntrack", "-f", "-", "--node", "node-1");
		expect([conntrack.out, conntrack.err]).toEqual(["", expect.stringContaining("empty")]);
	});

	it("of no node is an error that names the nearest", async () => {
		const { status, err } = await podwire("routes", "-f", "-", "--node", "node-11");
		expect([status, err]).toEqual([2, expect.stringContaining("nearest: node-1")]);
	});
});

describe("podwire get config", () => {
	it("shows each value with its source", async () => {
		const { out } = await podwire("get", "config", "-f", "-", "--fabric", "l2");
		expect(out).toMatch(/^fabric +l2 +--fabric$/m);
		expect(out).toMatch(/^podCIDR +10\.244\.0\.0\/16 +default$/m);
	});
});
