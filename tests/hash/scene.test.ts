// The scene's answers on Node, from the sources; tests/deno and tests/e2e hold the built package to the same hash.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as podwire from "../../js/index.ts";
import { answersOf } from "./answers.mjs";

const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

describe("the scene", () => {
	it("has the answers of every runtime, to the byte", async () => {
		const { hash } = await answersOf(podwire, JSON.parse(read("scene.json")));
		expect(hash).toBe(read("sha256.txt").trim());
	});

	it("asks for every kind of end", async () => {
		const { text } = await answersOf(podwire, JSON.parse(read("scene.json")));
		const verdicts = new Set([...text.matchAll(/"verdict":"([a-z-]+)"/g)].map((match) => match[1]));
		expect([...verdicts].sort()).toEqual(["delivered", "dropped", "rejected", "unknown", "unreachable"]);
	});
});
