// `podwire get` against the real kubectl on the same cluster: the same bytes.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectsRequest } from "../../js/cli/get/asking.ts";
import { getObjects } from "../../js/cli/get/objects.ts";
import { getCommand } from "../../js/cli/get.ts";
import { main } from "../../js/cli/program.ts";
import { Cluster } from "../../js/index.ts";
import { type ApiListener, listen } from "../../js/serve/http.ts";
import { kubectl35 } from "../e2e/kubectl/binary.ts";
import { run } from "../e2e/kubectl/run.ts";
import { fakeTerminal } from "./fake.ts";

const MANIFESTS = "../shared/data/manifests";
const START = BigInt(Date.UTC(2026, 10, 26)) * 1_000_000n;
const binary = kubectl35();

/** Values that YAML, JSON and JSONPath could get wrong. */
const HARD = [
	...[
		"yes",
		"No",
		"null",
		"~",
		"",
		" lead",
		"trail ",
		"1",
		"1.5",
		"0x1f",
		"0777",
		"1e3",
		"1_000",
		"1:30",
		"2001-12-14",
		"<<",
	],
	...[
		"2001-12-14T21:59:43.10-05:00",
		".inf",
		"- dash",
		"-dash",
		"? q",
		"?q",
		": c",
		"a: b",
		"a:b",
		"a #b",
		"a#b",
		"#c",
		"---",
		"... x",
	],
	...[
		"{a}",
		"[a]",
		"a,b",
		"'s'",
		'"d"',
		"it's",
		"@at",
		"`tick",
		"%p",
		"&a",
		"*b",
		"!t",
		"|p",
		">g",
		"=",
		"a\\b",
		"<&>",
		"ü",
		"日本",
		"🙂",
	],
	...[
		"tab\there",
		"line\nbreak",
		"line\n",
		"line\n\n",
		"\n",
		" lead\nline",
		"\nlead",
		"trail \nline",
		"a\n\n  b\nc",
		"end space \n",
	],
	...[
		"cr\rhere",
		"nul\u0001",
		"nbsp\u00a0x",
		"bom\ufeff",
		"x".repeat(300),
		"a b ".repeat(60),
		"a  b ".repeat(60),
		"it's a - long: one # ".repeat(12),
		"tab\t and more ".repeat(12),
		"ü 日本 x ".repeat(20),
	],
];

const LINES = [
	...[
		"pods",
		"pods -o wide",
		"deploy,svc",
		"all",
		"all -A",
		"nodes -o wide",
		"ns",
		"deployments.apps",
		"deployments.v1.apps",
		"ep",
	],
	...[
		"endpointslices",
		"cm -A",
		"po --show-labels",
		"po -L app,tier",
		"pods --no-headers",
		"pods,svc --no-headers",
		"secrets",
	],
	...[
		"deploy -l app=guestbook",
		"pods -l tier!=frontend",
		"pods --field-selector status.phase=Running",
		"pods -l nothing=here",
	],
	...[
		"svc frontend redis-master",
		"svc/frontend deploy/frontend",
		"svc frontend nothing",
		"nothing.at.all",
		"svc/nothing",
		"pvc",
	],
	...[
		"pods --sort-by .status.podIP",
		"pods --sort-by metadata.name -o wide",
		"svc --sort-by .spec.ports[0].port -o name",
	],
	...[
		"deploy --sort-by .spec.replicas -o json",
		"deploy --sort-by {.spec.template.spec.containers[0].resources.requests.cpu}",
	],
	...[
		"deploy frontend -o yaml",
		"deploy -o yaml",
		"svc -o json",
		"svc frontend -o json",
		"all -o name",
		"pods -A -o name",
		"pvc -o json",
	],
	...[
		"cm hard -o yaml",
		"cm hard -o json",
		"cm hard -o custom-columns=A:.metadata.name,B:.metadata.labels",
		"no -o json",
	],
	...[
		"pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NODE:spec.nodeName,NONE:.x.y",
		"svc -o custom-columns=P:.spec.ports[*].port",
	],
	...[
		"svc -o custom-columns=P:.spec.ports,S:.spec.selector --no-headers",
		"deploy,svc -o custom-columns=K:.kind,N:.metadata.name",
	],
];

const PATHS = [
	...[
		"{.items[*].metadata.name}",
		"{.items[0].metadata.name}",
		"{.items[-1:].metadata.name}",
		"{.items[0:2].metadata.name}",
		"{.items[0,2].kind}",
	],
	...[
		'{range .items[*]}{.metadata.name}{"\\t"}{.spec.nodeName}{"\\n"}{end}',
		"{range .items[*]}[{range .spec.ports[*]}{.port},{end}]{end}",
	],
	...[
		'{.items[?(@.metadata.name=="frontend")].spec}',
		"{.items[?(@.spec.ports[0].port>100)].metadata.name}",
		"{.items[*].spec.ports}",
	],
	...[
		"{..image}",
		"{.items[*]['metadata.name','kind']}",
		"{.items[*].metadata['name','namespace']}",
		"{.items[?(@.spec.type)].metadata.name}",
	],
	...[
		"plain text {.kind} and {.apiVersion}",
		"{.nothing}",
		"{.items[100].x}",
		"{.items[*].spec.replicas}",
		"{.items[::2].metadata.name}",
	],
	...[
		"{.items[0].metadata.labels}",
		"{.items[0].metadata.labels.app\\.kubernetes\\.io/name}",
		"{'single'}{\"double\"}{1}{true}{-1.5}",
		"{",
		"{.a[}",
		"{nope}",
	],
	...["{@}", "{$.kind}", "{.items[0].metadata.labels.app}", "{range .nothing[*]}{.x}{end}after", "{end}"],
];

describe.skipIf(binary === null)("podwire get (skipped where there is no kubectl 1.35)", () => {
	let folder: string;
	let server: ApiListener;
	let cluster: Cluster;

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "podwire-get-"));
		let now = START;
		cluster = await Cluster.create({ nodes: 2, now: () => now });
		await cluster.apply(readFileSync(join(MANIFESTS, "guestbook-all-in-one.yaml"), "utf8"));
		await cluster.settle();
		const data = Object.fromEntries(HARD.map((text, i) => [`k${String(i).padStart(3, "0")}`, text]));
		const labels = { app: "hard", zero: "0", yes: "yes" };
		const metadata = { name: "hard", namespace: "default", labels, annotations: { "a/b": "<&>\n", true: "1" } };
		await cluster.api.create({ apiVersion: "v1", kind: "ConfigMap", metadata, data } as never);
		now += 3_723_000_000_000n;
		server = await listen((request) => cluster.api.respond(request), { port: 0 });
	});

	afterAll(async () => {
		await server?.close();
		rmSync(folder, { recursive: true, force: true });
	});

	/** What the command's own parser makes of the line, run on this cluster. */
	async function ours(args: readonly string[], on = cluster) {
		let request: ObjectsRequest | undefined;
		const define = [
			(context: Parameters<typeof getCommand>[0]) =>
				getCommand(context, (options) => {
					request = options;
					return 0;
				}),
		];
		const terminal = fakeTerminal();
		await main(["get", "-f", "none", ...args], terminal, "0", define);
		if (request === undefined) return { code: 1, out: "", err: terminal.err };
		try {
			const { out, said, status } = await getObjects(on.api, request);
			return { code: status, out, err: said.map((line) => `${line}\n`).join("") };
		} catch (error) {
			return { code: 1, out: "", err: `error: ${(error as Error).message}\n` };
		}
	}

	const theirs = (args: readonly string[], url = server.url) =>
		run({ binary: binary as string, folder, connection: ["--server", url] }, ["get", ...args]);

	it.each(LINES)("%s", async (line) => {
		const args = line.split(" ");
		const [expected, got] = [await theirs(args), await ours(args)];
		expect(got.out).toBe(expected.out);
		expect(got.code).toBe(expected.code);
		// Ours may say more than theirs: which word was meant.
		expect(got.err.split(";")[0]?.trim()).toBe(expected.err.split(";")[0]?.trim());
	});

	it.each(PATHS)("-o jsonpath=%s", async (path) => {
		for (const kind of ["svc", "deploy", "pods"]) {
			const args = [kind, "-o", `jsonpath=${path}`];
			const [expected, got] = [await theirs(args), await ours(args)];
			expect(got.code).toBe(expected.code);
			if (expected.code === 0) expect(got).toEqual(expected);
		}
	});

	it.skipIf(!readdirSync("..").includes("shared"))(
		"prints every object of the manifests in data as kubectl does",
		async () => {
			const files = readdirSync(MANIFESTS).filter((name) => name.endsWith(".yaml"));
			const large = await Cluster.create({ nodes: 3, now: () => START });
			for (const name of files) {
				if (name.startsWith("istio-bookinfo-") || name === "online-boutique-network-policies.yaml") continue;
				await large.apply([{ name, text: readFileSync(join(MANIFESTS, name), "utf8") }]);
			}
			await large.settle();
			const other = await listen((request) => large.api.respond(request), { port: 0 });
			try {
				const kinds =
					"deploy,sts,ds,svc,cm,sa,role,rolebinding,clusterrole,clusterrolebinding,netpol,pods,rs,ep,ing,ns,nodes";
				for (const output of ["text", "wide", "yaml", "json", "name"]) {
					const args = [kinds, "-A", ...(output === "text" ? [] : ["-o", output])];
					const [expected, got] = [await theirs(args, other.url), await ours(args, large)];
					expect(expected.code).toBe(0);
					expect(got.out).toBe(expected.out);
				}
			} finally {
				await other.close();
			}
		},
	);
});
