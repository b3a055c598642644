// YAML reads as kubectl reads it: against answers recorded from kubectl 1.35.2, and against the kubectl on this machine
// where there is one (PODWIRE_KUBECTL names another).

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS, Text } from "../../js/manifests/document.ts";
import { resolvePlain } from "../../js/manifests/scalar.ts";
import { parseYaml } from "../../js/manifests/yaml.ts";
import { runs } from "../runs.ts";

interface Recorded {
	scalars: { yaml: string; value?: unknown; error?: true }[];
	maps: { name: string; yaml: string; value?: unknown; error?: true }[];
}

const recorded = JSON.parse(readFileSync(new URL("kubectl.json", import.meta.url), "utf8")) as Recorded;
const KUBECTL = process.env["PODWIRE_KUBECTL"] ?? "kubectl";
const kubectlRuns = spawnSync(KUBECTL, ["version", "--client"], { timeout: 120_000 }).status === 0;

function manifest(data: string): string {
	return `apiVersion: example.com/v1\nkind: Foo\nmetadata:\n  name: a\ndata:\n  ${data}\n`;
}

/** What we read under `data`, or null where we refuse. */
function ours(text: string): unknown {
	const { documents, errors } = parseYaml(new Text("x", text), { limits: LIMITS, strict: false });
	return errors.length > 0 ? null : (documents[0]?.root as { data: unknown } | undefined)?.data;
}

function kubectl(text: string): unknown {
	const run = spawnSync(KUBECTL, ["label", "--local", "-f", "-", "-o", "json", "a=b"], {
		input: text,
		encoding: "utf8",
		timeout: 120_000,
	});
	return run.status === 0 ? (JSON.parse(run.stdout) as { data: unknown }).data : null;
}

/** Through JSON: `-0` and prototypes have no place there. */
function plain(value: unknown): unknown {
	return JSON.parse(JSON.stringify(value));
}

describe("as recorded", () => {
	it.each(recorded.scalars)("$yaml", ({ yaml, value, error }) => {
		const data = ours(manifest(`x: ${yaml}`));
		expect(plain(data)).toEqual(error ? null : { x: value });
	});

	it.each(recorded.maps)("$name", ({ yaml, value, error }) => {
		expect(plain(ours(manifest(yaml)))).toEqual(error ? null : value);
	});
});

const words = fc.oneof(
	fc.string({ unit: fc.constantFrom(..."0123456789_+-.eExXoObBaAfF"), minLength: 1, maxLength: 8 }),
	fc.constantFrom("y", "YES", "oN", "Null", "NULL", "~", ".inf", "-.INF", "+.inf", ".nan", "tRUE", "0o", "0b", "1e309"),
	fc.integer().map(String),
	fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);

/** A text that stays a plain scalar where it stands. */
const plainWords = words.filter((word) => !/^[-?:]($| )/.test(word) && !/^(---|\.\.\.)/.test(word));

describe.skipIf(!kubectlRuns)("as this machine's kubectl does", () => {
	it("random plain scalars", () => {
		const sample = fc
			.sample(plainWords, runs(400))
			.filter((word) => Number.isFinite(resolvePlain(word)) || typeof resolvePlain(word) !== "number");
		const text = manifest(sample.map((word, i) => `k${i}: ${word}`).join("\n  "));
		const theirs = kubectl(text) as Record<string, unknown>;
		const mine = plain(ours(text)) as Record<string, unknown>;
		const differ = sample.flatMap((word, i) =>
			Object.is(mine[`k${i}`], theirs[`k${i}`]) ? [] : [[word, mine[`k${i}`], theirs[`k${i}`]]],
		);
		expect(differ).toEqual([]);
	});
});
