// `npm run bench:browser -- [--only NAME]… [--json FILE]`: the benchmarks in headless Chromium; `--open` serves the page for
// people instead, until Ctrl-C. Sources are transpiled as they are asked for; cross-origin isolation is on, for exact clocks.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { ROOT } from "../../scripts/run.mjs";
import { transpiled } from "../../scripts/typescript.mjs";
import type { Figure } from "../figure.ts";
import { benchModule } from "../module.ts";
import { writeJson } from "../report.ts";
import { line } from "../results.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PAGE = "/bench/browser/index.html";
const TYPES: Readonly<Record<string, string>> = {
	".html": "text/html",
	".js": "text/javascript",
	".ts": "text/javascript",
	".wasm": "application/wasm",
};
/** What the page may read of the checkout. */
const SERVED = [
	"/bench/",
	"/js/",
	"/bindings/",
	"/assembly/layout.ts",
	"/build/bench.wasm",
	"/node_modules/yaml/",
	"/node_modules/@noble/",
];
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

async function answer(path: string): Promise<string | Uint8Array | null> {
	const file = join(ROOT, path);
	if (!SERVED.some((folder) => path.startsWith(folder)) || !existsSync(file)) return null;
	return extname(path) === ".ts" ? await transpiled(file) : await readFile(file);
}

function serve(): Server {
	return createServer(async (request, response) => {
		const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
		if (path === "/") return void response.writeHead(302, { location: PAGE }).end();
		const body = await answer(path);
		if (body === null) return void response.writeHead(404).end();
		const type = TYPES[extname(path)] ?? "application/octet-stream";
		response.writeHead(200, { "content-type": type, ...ISOLATED }).end(body);
	});
}

/** Figures and the browser's name. */
async function measured(address: string, only: readonly string[]): Promise<{ figures: Figure[]; machine: string }> {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
	try {
		const page = await browser.newPage();
		page.on("pageerror", (error) => process.stderr.write(`${error.stack}\n`));
		const query = new URLSearchParams((only.length === 0 ? ["all"] : only).map((name) => ["only", name]));
		await page.goto(`${address}${PAGE}?${query}`);
		await page.waitForFunction("window.done === true", null, { timeout: 0 });
		const figures = (await page.evaluate("window.figures")) as Figure[];
		const rows = (await page.evaluate("document.querySelector('tbody').innerText")) as string;
		if (figures.length === 0) throw new Error(`nothing was measured:\n${rows}`);
		return { figures, machine: `Chromium ${browser.version()}` };
	} finally {
		await browser.close();
	}
}

const { values } = parseArgs({
	options: {
		json: { type: "string" },
		only: { type: "string", multiple: true, default: [] },
		open: { type: "boolean", default: false },
	},
});
await benchModule();
const server = serve();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
if (values.open) process.stdout.write(`${address}${PAGE}\n`);
else {
	const results = await measured(address, values.only);
	for (const figure of results.figures) process.stdout.write(`${line(figure)}\n`);
	if (values.json !== undefined) await writeJson(values.json, results);
	server.close();
}
