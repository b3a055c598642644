// The built package in headless Chromium, as a page without a bundler would use it: bare imports mapped. The page answers the
// scene's questions; the hash is Node's. Clusters that one of them saved go on in the other as in itself. Skipped where there is no
// Chromium or no build.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type * as podwire from "../../js/index.ts";
import { goneOn, saved } from "../snapshot/moved.ts";
import { bundled, missing, ROOT, said } from "./page.ts";

const PROGRAM = `
import * as podwire from "podwire";
import { answersOf } from "/tests/hash/answers.mjs";
const scene = await (await fetch("/tests/hash/scene.json")).json();
export default (await answersOf(podwire, scene)).hash;
`;

/** Saves a cluster of its own, and goes on from that one and from Node's. */
const MOVING = `
import * as podwire from "podwire";
import { goneOn, saved } from "./tests/snapshot/moved.ts";
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const textOf = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const node = bytesOf(await (await fetch("/node.podwire")).text());
const own = await saved(podwire);
export default JSON.stringify({ own: textOf(own), texts: [await goneOn(podwire, own), await goneOn(podwire, node)] });
`;

const BESIDE = "/dist/bindings/program.js";
const BUNDLED = `export { default } from "${BESIDE}";`;

describe.skipIf(missing !== undefined)(`headless Chromium (${missing ?? "found"})`, () => {
	it("answers as Node does", async () => {
		const expected = readFileSync(join(ROOT, "tests/hash/sha256.txt"), "utf8").trim();
		expect(await said({ program: PROGRAM })).toBe(expected);
	});

	it("goes on from what Node saved, and Node from what it saved", async () => {
		const built = (await import(pathToFileURL(join(ROOT, "dist/js/index.js")).href)) as typeof podwire;
		const bytes = await saved(built);
		const files = { [BESIDE]: await bundled(MOVING), "/node.podwire": Buffer.from(bytes).toString("base64") };
		const answer = JSON.parse(await said({ program: BUNDLED, files })) as { own: string; texts: string[][] };
		const here = await goneOn(built, bytes);
		expect(here[1]).toBe(here[0]);
		expect(answer.texts).toEqual([here, here]);
		expect(await goneOn(built, new Uint8Array(Buffer.from(answer.own, "base64")))).toEqual(here);
	});
});
