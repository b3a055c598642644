// The checkout served over loopback to a headless Chromium, and what a page of it says.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = "/usr/bin/chromium";
const TYPES: Readonly<Record<string, string>> = {
	".js": "text/javascript",
	".mjs": "text/javascript",
	".json": "application/json",
	".wasm": "application/wasm",
};
const IMPORTS = { podwire: "/dist/js/index.js", "#core": "/dist/bindings/browser.js" };
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** What a browser test needs and this machine lacks: Chromium, or the built package. undefined: nothing. */
export const missing = [CHROMIUM, join(ROOT, "dist/js/index.js")].find((file) => !existsSync(file));

interface Page {
	/** The module that the page runs, of which the default export, a promise or not, is what it says. */
	program: string;
	/** Cross-origin isolated: memory may be shared. */
	isolated?: boolean;
	/** Further files, by path. */
	files?: Readonly<Record<string, string>>;
}

function serve({ program, isolated = false, files = {} }: Page): Server {
	const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
	try { document.title = await (await import("/program.js")).default; }
	catch (error) { document.title = "error: " + (error.stack ?? error); }
</script>`;
	const made: Readonly<Record<string, string>> = { "/": html, "/program.js": program, ...files };
	return createServer((request, response) => {
		const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
		const file = join(ROOT, path);
		if (made[path] === undefined && !existsSync(file)) return void response.writeHead(404).end();
		const type = path === "/" ? "text/html" : (TYPES[extname(path)] ?? "application/octet-stream");
		response.writeHead(200, { "content-type": type, ...(isolated ? ISOLATED : {}) });
		response.end(made[path] ?? readFileSync(file));
	});
}

/** What a page of its own says in the end. */
export async function said(page: Page): Promise<string> {
	const server = serve(page);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
	try {
		const tab = await browser.newPage();
		await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
		await tab.waitForFunction("document.title !== ''", null, { timeout: 240_000 });
		return await tab.title();
	} finally {
		await browser.close();
		server.close();
	}
}

/** A program with all that it imports, from the package or by paths of the checkout, for where nothing maps imports: it lies beside the core. */
export async function bundled(program: string): Promise<string> {
	const ENTRY = "\0program";
	const bundle = await rolldown({
		cwd: ROOT,
		input: ENTRY,
		platform: "browser",
		resolve: { conditionNames: ["browser", "import", "default"] },
		plugins: [
			{
				name: "program",
				resolveId: (id, importer) =>
					id === ENTRY ? id : importer === ENTRY && id.startsWith(".") ? `${ROOT}${id.slice(2)}` : null,
				load: (id) => (id === ENTRY ? program : null),
			},
		],
	});
	const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
	await bundle.close();
	return output[0].code;
}
