// The program around the commands: statuses, usage errors, what the options of each command become.

import { describe, expect, it } from "vitest";
import type { Context, Define, Run } from "../../js/cli/command.ts";
import { conntrackCommand } from "../../js/cli/conntrack.ts";
import { getCommand } from "../../js/cli/get.ts";
import { iptablesCommand } from "../../js/cli/iptables.ts";
import { main } from "../../js/cli/program.ts";
import { replayCommand } from "../../js/cli/replay.ts";
import { routesCommand } from "../../js/cli/routes.ts";
import { NO, type Status, UNUSABLE, YES } from "../../js/cli/status.ts";
import { traceCommand } from "../../js/cli/trace.ts";
import { fakeTerminal } from "./fake.ts";

const seen: unknown[] = [];
const record: Run<unknown> = (options) => {
	seen.push(options);
	return YES;
};

const COMMANDS: Define[] = [
	(context) => traceCommand(context, record),
	(context) => replayCommand(context, record),
	(context) => iptablesCommand(context, record),
	(context) => routesCommand(context, record),
	(context) => conntrackCommand(context, record),
	(context) => getCommand(context, record),
];

async function run(line: string, commands = COMMANDS, signal?: AbortSignal) {
	seen.length = 0;
	const terminal = fakeTerminal("", signal === undefined ? {} : { signal });
	const argv = line === "" ? [] : line.split(" ");
	const status = await main(argv, terminal, "1.2.3", commands);
	return { status, out: terminal.out, err: terminal.err, options: seen[0] };
}

const NO_FLAGS = {
	filename: ["a.yaml"],
	recursive: false,
	namespace: "default",
	nodeState: null,
	nodes: null,
	podCidr: null,
	serviceCidr: null,
	clusterDomain: null,
	proxyMode: null,
	fabric: null,
	hairpinMode: null,
	nonMasquerade: null,
	apiServer: null,
	disableAdmissionPlugins: null,
	reconcile: false,
	strictPorts: false,
	probes: "network",
	lenient: false,
	seed: null,
	backend: null,
	index: true,
	restore: null,
};

describe("the program", () => {
	it("prints version and help on stdout, status 0", async () => {
		expect(await run("--version")).toMatchObject({ status: 0, out: "1.2.3\n", err: "" });
		const help = await run("--help");
		expect(help).toMatchObject({ status: 0, err: "" });
		expect(help.out).toContain("Exit status:");
		for (const name of ["trace", "replay", "iptables", "routes", "conntrack", "get"])
			expect(help.out).toContain(`  ${name} `);
	});

	it.each([
		["", "Usage: podwire"],
		["tracee", "unknown command 'tracee'"],
		["tracee", "Did you mean trace?"],
		["trace --from pod/a/b --to 10.0.0.1", "required option '-f, --filename <path>' not specified"],
		["trace -f a.yaml --from pod/a/b --to 10.0.0.1 --sport 0", "Expected a number from 1 to 65535"],
		["trace -f a.yaml --from pod/a/b --to 10.0.0.1 --proto tpc", "Did you mean tcp?"],
		["trace -f a.yaml --from pod/a/b --to 10.0.0.1 --fromm x", "unknown option '--fromm'"],
		[
			"trace -f a.yaml --from pod/a --to svc/a/b:99999",
			"--to: expected a port from 1 to 65535\n  svc/a/b:99999\n          ^",
		],
		["trace -f a.yaml --from podd/a/b --to svc/a/b:1", "did you mean pod?"],
		["routes -f a.yaml --node n --pod-cidr 10.0.0.1/16", "did you mean 10.0.0.0/16?"],
		["routes -f a.yaml --node n --pod-cidr 10.0.0.0/33", "Expected ADDRESS/LENGTH"],
		["routes -f a.yaml --node n --nodes 5001", "Expected a number from 1 to 5000"],
		["routes -f a.yaml --node n --seed -1", "seed"],
		["trace -f a.yaml --from pod/a/b --to 10.0.0.1 --backend nativ", "Did you mean native?"],
		["conntrack -f a.yaml --node n --at 5", "--at needs --flows"],
		["conntrack -f a.yaml --node n --flows x --at 5,5", "--at: expected seconds"],
		["replay -f a.yaml", "required option '--flows <file...>' not specified"],
		["replay -f a.yaml --flows x --tap eth0", "--tap: expected NETNS/DEVICE"],
		["replay -f a.yaml --flows x --map 10.0.0.0/8", "--map: expected PREFIX=REF"],
		["get pods -f a.yaml -o wde", "Expected text, wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=SPEC"],
	])("refuses `podwire %s`", async (line, message) => {
		const { status, out, err, options } = await run(line);
		expect(err).toContain(message);
		expect({ status, out, options }).toEqual({ status: UNUSABLE, out: "", options: undefined });
	});

	const statuses: [Status][] = [[YES], [NO], [UNUSABLE]];
	it.each(statuses)("passes a command's status %i on", async (status) => {
		const { status: got } = await run("routes -f a.yaml --node n", [(context) => routesCommand(context, () => status)]);
		expect(got).toBe(status);
	});

	it("turns an error into its message and status 2", async () => {
		const fail = () => {
			throw Object.assign(new Error("a.yaml:3:1: no"), { name: "ManifestError", file: "a.yaml", excerpt: "  x\n  ^" });
		};
		const result = await run("routes -f a.yaml --node n", [(context: Context) => routesCommand(context, fail)]);
		expect(result).toMatchObject({ status: UNUSABLE, err: "a.yaml:3:1: no\n  x\n  ^\n" });
	});

	it("gives 130 when it was interrupted, whatever the command made of it", async () => {
		const abort = new AbortController();
		const interrupted = () => {
			abort.abort();
			throw new Error("aborted");
		};
		const result = await run(
			"routes -f a.yaml --node n",
			[(context: Context) => routesCommand(context, interrupted)],
			abort.signal,
		);
		expect(result).toMatchObject({ status: 130, err: "" });
	});

	it.each(["trace", "replay", "iptables", "routes", "conntrack", "get"])(
		"shows three examples for %s",
		async (name) => {
			const { out, status } = await run(`${name} --help`);
			expect(status).toBe(0);
			const examples = (out.split("Examples:\n")[1] ?? "").trim().split("\n");
			expect(examples).toHaveLength(3);
			for (const example of examples) expect(example).toContain(`podwire ${name} `);
		},
	);
});

describe("options", () => {
	it("of trace", async () => {
		const { options } = await run("trace -f a.yaml -n shop --from web --to svc/cart:7070".replace("web", "deploy/web"));
		expect(options).toEqual({
			cluster: { ...NO_FLAGS, namespace: "shop" },
			from: { kind: "workload", workload: "Deployment", namespace: "shop", name: "web", port: null },
			to: { kind: "svc", namespace: "shop", name: "cart", port: 7070 },
			proto: null,
			color: "auto",
			sport: null,
			output: "text",
		});
	});

	it("of the cluster", async () => {
		const line =
			"routes --node n -f a.yaml -f b/ -f - -R --nodes 5 --pod-cidr 10.0.0.0/16,fd00::/48 --service-cidr 10.96.0.0/12 " +
			"--cluster-domain k8s.test. --proxy-mode nftables --fabric l2 --hairpin-mode none --non-masquerade 10.0.0.0/8,192.0.2.0/24 --api-server none " +
			"--disable-admission-plugins ServiceAccount --reconcile --strict-ports --probes app --lenient --seed 18446744073709551615 --node-state nodes";
		expect((await run(line)).options).toEqual({
			node: "n",
			cluster: {
				filename: ["a.yaml", "b/", "-"],
				recursive: true,
				namespace: "default",
				nodeState: "nodes",
				nodes: 5,
				podCidr: "10.0.0.0/16,fd00::/48",
				serviceCidr: "10.96.0.0/12",
				clusterDomain: "k8s.test",
				proxyMode: "nftables",
				fabric: "l2",
				hairpinMode: "none",
				nonMasquerade: ["10.0.0.0/8", "192.0.2.0/24"],
				apiServer: "none",
				disableAdmissionPlugins: "ServiceAccount",
				reconcile: true,
				strictPorts: true,
				probes: "app",
				lenient: true,
				seed: 18446744073709551615n,
				backend: null,
				index: true,
				restore: null,
			},
		});
		expect((await run("routes -f a.yaml --node n --non-masquerade none")).options).toMatchObject({
			cluster: { nonMasquerade: [] },
		});
	});

	it("of replay", async () => {
		const line =
			"replay --flows a.pcap b.csv --flows c.csv -f a.yaml --events e.csv --replies none --tap pod/shop/a/eth0 " +
			"--strict-sources --tcp-windows off --no-path-cache --no-megaflows --jobs 2 --no-shared-memory --no-index --map 192.0.2.0/24=host/198.51.100.1 --per-flow - -o json";
		expect((await run(line)).options).toEqual({
			cluster: { ...NO_FLAGS, index: false },
			replay: {
				flows: ["a.pcap", "b.csv", "c.csv"],
				events: "e.csv",
				live: false,
				replies: "none",
				tap: { netns: "pod/shop/a", device: "eth0" },
				tcpWindows: false,
				strictSources: true,
				pathCache: false,
				megaflows: false,
				jobs: 2,
				sharedMemory: false,
				map: [{ prefix: "192.0.2.0/24", to: { kind: "host", address: "198.51.100.1", port: null } }],
				at: null,
			},
			perFlow: "-",
			output: "json",
		});
	});

	it("of a node's state", async () => {
		const { options } = await run(
			"iptables -f a.yaml --node node-1 -c --as-written -6 --flows x --at 1795353824.298276348",
		);
		expect(options).toMatchObject({
			node: "node-1",
			counters: true,
			asWritten: true,
			ipv6: true,
			replay: { at: 1795353824298276348n, replies: "mirror" },
		});
	});
});
