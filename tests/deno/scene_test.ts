// The built package on Deno: the same import, the same answers to the byte.

import * as podwire from "../../dist/js/index.js";
import { answersOf } from "../hash/answers.mjs";

const read = (name: string) => Deno.readTextFile(new URL(`../hash/${name}`, import.meta.url));

Deno.test("answers the scene's questions as every runtime does", async () => {
	const { hash } = await answersOf(podwire, JSON.parse(await read("scene.json")));
	const expected = (await read("sha256.txt")).trim();
	if (hash !== expected) throw new Error(`hash ${hash}, expected ${expected}`);
});
