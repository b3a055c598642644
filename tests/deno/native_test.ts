// The native engine on Deno, where tests/native has laid it out and --allow-ffi is given: the same answers to the byte.

import { answersOf } from "../hash/answers.mjs";

const entry = new URL("../../build/native/package/dist/js/index.js", import.meta.url);
const read = (name: string) => Deno.readTextFile(new URL(`../hash/${name}`, import.meta.url));
const missing = !(await Deno.stat(entry).then(
	() => true,
	() => false,
));

Deno.test({
	name: "the native engine answers the scene's questions as every runtime does",
	ignore: missing,
	async fn() {
		const { Cluster } = await import(entry.href);
		const cluster = await Cluster.create({ backend: "native" });
		if (cluster.backend !== "native") throw new Error(`runs on ${cluster.backend}`);
		const { hash } = await answersOf({ Cluster }, JSON.parse(await read("scene.json")));
		const expected = (await read("sha256.txt")).trim();
		if (hash !== expected) throw new Error(`hash ${hash}, expected ${expected}`);
	},
});
