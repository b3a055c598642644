// Several threads in headless Chromium: from a page's own one, which may not sleep, and from a worker, which may. Each flow and the
// report are those of one thread in Node. Where a page is not isolated its threads share no memory: one reads what the other carries.

import { createReadStream, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { SHOP } from "../../examples/shop/recording.mjs";
import * as podwire from "../../js/index.ts";
import { bundled, missing, said } from "./page.ts";
import { replaying } from "./replaying.mjs";

const PAGE = `
import * as podwire from "podwire";
import { replayingFrom } from "/tests/e2e/replaying.mjs";
export default replayingFrom(podwire, "/examples/shop/", { jobs: 2, keptRows: 0 });
`;
const SHARING = `
import * as podwire from "podwire";
import { replayingFrom } from "/tests/e2e/replaying.mjs";
export default replayingFrom(podwire, "/examples/shop/", { jobs: 2, sharedMemory: true });
`;
/** A worker knows no import map: it is bundled, as an app's is. */
const WORKER = `
import * as podwire from "podwire";
import { replayingFrom } from "./tests/e2e/replaying.mjs";
replayingFrom(podwire, "/examples/shop/", { jobs: 2, keptRows: 0 }).then(postMessage, (error) => postMessage("error: " + error.stack));
`;
const ASKING = `
const worker = new Worker("/dist/bindings/program.js", { type: "module" });
export default new Promise((resolve) => {
	worker.onmessage = ({ data }) => resolve(data);
	worker.onerror = ({ message }) => resolve("error: " + message);
});
`;

describe.skipIf(missing !== undefined)(`threads in headless Chromium (${missing ?? "found"})`, () => {
	let alone = "";

	beforeAll(async () => {
		const manifests = readFileSync(`${SHOP}cluster.yaml`, "utf8");
		const capture = () => createReadStream(`${SHOP}client-side.pcapng`);
		alone = await replaying(podwire, { manifests, capture, request: { jobs: 1 } });
		expect(Number(alone.split(" ")[0])).toBeGreaterThan(3000);
	});

	it("replays on two from a page as on one in Node", async () => {
		expect(await said({ program: PAGE, isolated: true })).toBe(alone);
	});

	it("replays on two from a worker as on one in Node", async () => {
		const files = { "/dist/bindings/program.js": await bundled(WORKER) };
		expect(await said({ program: ASKING, isolated: true, files })).toBe(alone);
	});

	it("replays on two that share no memory as on one in Node, from a page and from a worker of it", async () => {
		expect(await said({ program: PAGE })).toBe(alone);
		const files = { "/dist/bindings/program.js": await bundled(WORKER) };
		expect(await said({ program: ASKING, files })).toBe(alone);
	});

	it("says to a page that is not isolated, and wants to share memory, what it lacks", async () => {
		expect(await said({ program: SHARING })).toMatch(/^error: EngineError: jobs: 2: .*Cross-Origin/s);
	});
});
