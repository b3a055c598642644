// The published schemas are those of the types, and real answers follow them.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as podwire from "../../js/index.ts";
import { answersOf } from "../hash/answers.mjs";
import { PUBLISHED, type Schema, schemaText, violation } from "./schema.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const schema = (path: string) => JSON.parse(read(path)) as Schema;

describe("docs/schema", () => {
	it.each(PUBLISHED)("$file is that of $type (node scripts/ts.mjs tests/tidy/schema.ts)", (published) => {
		expect(read(published.file)).toBe(schemaText(published));
	});

	it("describes the traces of the scene, every key", async () => {
		const { text } = await answersOf(podwire, JSON.parse(read("tests/hash/scene.json")));
		const traces = (JSON.parse(text) as unknown[]).filter((answer) => typeof answer === "object");
		expect(traces.length).toBeGreaterThan(10);
		for (const trace of traces) expect(violation(schema("docs/schema/trace.json"), trace)).toBeNull();
	});

	it.each([
		[{ verdict: "maybe" }, "none of"],
		[{ reason: 1 }, "not null"],
		[{ hops: [{}] }, "hops[0] has no netns"],
		[{ surprise: 1 }, "surprise, which no type has"],
	])("refuses %o", (change, why) => {
		const good = {
			verdict: "dropped",
			reason: "mtu",
			seen: null,
			hops: [],
			delivered: null,
			reply: null,
			assumed: [],
			notEvaluated: [],
		};
		expect(violation(schema("docs/schema/trace.json"), good)).toBeNull();
		expect(violation(schema("docs/schema/trace.json"), { ...good, ...change })).toContain(why);
	});
});
