// The built package in headless Chromium, as a page without a bundler would use it: served over loopback, bare imports
// mapped. The page answers the scene's questions; the hash is Node's. Skipped where there is no Chromium or no build.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = "/usr/bin/chromium";
const TYPES: Readonly<Record<string, string>> = {
	".js": "text/javascript",
	".mjs": "text/javascript",
	".json": "application/json",
	".wasm": "application/wasm",
};
const IMPORTS = {
	podwire: "/dist/js/index.js",
	"#core": "/dist/bindings/browser.js",
};
const PAGE = `<!doctype html><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
	try {
		const podwire = await import("podwire");
		const { answersOf } = await import("/tests/hash/answers.mjs");
		const scene = await (await fetch("/tests/hash/scene.json")).json();
		document.title = (await answersOf(podwire, scene)).hash;
	} catch (error) {
		document.title = "error: " + error.stack;
	}
</script>`;

function serve(): Server {
	return createServer((request, response) => {
		const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
		if (path === "/") return void response.setHeader("content-type", "text/html").end(PAGE);
		const file = join(ROOT, path);
		if (!existsSync(file)) return void response.writeHead(404).end();
		response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream").end(readFileSync(file));
	});
}

const missing = [CHROMIUM, join(ROOT, "dist/js/index.js")].find((file) => !existsSync(file));

describe.skipIf(missing !== undefined)(`headless Chromium (${missing ?? "found"})`, () => {
	const server = serve();
	let address = "";

	beforeAll(async () => {
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
	});
	afterAll(() => void server.close());

	it("answers as Node does", async () => {
		const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
		try {
			const page = await browser.newPage();
			await page.goto(address);
			await page.waitForFunction("document.title !== ''", null, { timeout: 240_000 });
			expect(await page.title()).toBe(readFileSync(join(ROOT, "tests/hash/sha256.txt"), "utf8").trim());
		} finally {
			await browser.close();
		}
	});
});
