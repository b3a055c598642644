// The habits of the house, as far as a program can see them: how files open, what things are called, how long they
// get, and what nobody may call. Each failure names file and line.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { LONG, NAMES } from "./allow.ts";
import { code, comments, linesWith, place, sources, tree } from "./sources.ts";

const LINES_MAX = 400;
const all = sources();
const product = all.filter((path) => /^(assembly|bindings|js|web)\//.test(path) && !path.includes("__tests__"));
const scalar = product.filter((path) => /^(js|bindings|web)\//.test(path));
const hostFree = scalar.filter((path) => path.startsWith("js/") && !/^js\/(cli|verify|serve)\//.test(path));
const clockFree = product.filter((path) => !/^(js\/(cli|verify|serve)|web)\//.test(path));

const text = (path: string) => readFileSync(path, "utf8");
const lineCount = (path: string) => text(path).split("\n").length - 1;

/** Where a pattern is found in code (comments and strings aside). */
const found = (paths: string[], pattern: RegExp) =>
	paths.flatMap((path) => linesWith(code(path), pattern).map((line) => place(path, line)));

/** Where a pattern is found anywhere, comments and strings too. */
const written = (paths: string[], pattern: RegExp) =>
	paths.flatMap((path) => linesWith(text(path), pattern).map((line) => place(path, line)));

describe("files", () => {
	it("open with a comment that says what they model", () => {
		const silent = all.filter((path) => !/^(#!.*\n)?(\/\/ |\/\*)\S/.test(text(path)));
		expect(silent).toEqual([]);
	});

	it(`are at most ${LINES_MAX} lines long, or say why not`, () => {
		const long = all.filter((path) => lineCount(path) > LINES_MAX);
		expect(long).toEqual(Object.keys(LONG).sort());
	});

	it("are lowercase, and named for what they hold", () => {
		const vague = /^(utils?|helpers?|data|info|process|misc|common|handler|manager|engine)\.\w+$/;
		expect(all.filter((path) => basename(path) !== basename(path).toLowerCase() || vague.test(basename(path)))).toEqual(
			[],
		);
	});
});

/** Names of the functions, classes, types and constants that a file declares, with their lines. */
function declared(path: string): { name: string; line: number }[] {
	const file = tree(path);
	const names: { name: string; line: number }[] = [];
	const visit = (node: ts.Node): void => {
		const name = (node as Partial<ts.NamedDeclaration>).name;
		const declares =
			ts.isFunctionDeclaration(node) ||
			ts.isClassDeclaration(node) ||
			ts.isInterfaceDeclaration(node) ||
			ts.isTypeAliasDeclaration(node) ||
			ts.isVariableDeclaration(node) ||
			ts.isMethodDeclaration(node);
		if (declares && name !== undefined && ts.isIdentifier(name)) {
			names.push({ name: name.text, line: file.getLineAndCharacterOfPosition(name.getStart()).line + 1 });
		}
		ts.forEachChild(node, visit);
	};
	visit(file);
	return names;
}

describe("names", () => {
	const vague =
		/(Manager|Helper|Handler|Engine|Utils?)$|^(process|handle|doIt|doWork|manager|helper|handler|engine|utils?)$/;

	it("are words of the field", () => {
		// Generated types have upstream's names.
		const ours = all.filter((path) => !path.endsWith(".generated.ts"));
		const bad = ours.flatMap((path) =>
			declared(path).flatMap(({ name, line }) =>
				vague.test(name) && !(name in NAMES) ? [`${place(path, line)}: ${name}`] : [],
			),
		);
		expect(bad).toEqual([]);
	});
});

describe("comments", () => {
	const unfinished = new RegExp(["TO", "DO|FIX", "ME|XX", "X\\b"].join(""));

	it("promise nothing", () => {
		expect(written(all, unfinished)).toEqual([]);
	});

	it("name no machine's paths", () => {
		expect(written(all, /(^|[\s"'`(=])\/(work|home|root|Users|tmp\/(?!podwire|\$|["'`]))\//)).toEqual([]);
	});

	it("are no retired code", () => {
		const retired = all.flatMap((path) => {
			const file = tree(path);
			return comments(file).flatMap(({ pos, end }) => {
				const body = file.text.slice(pos, end);
				const isCode = /^\/\/\s*(const|let|return|if \(|for \(|import|export)\b.*[;{]\s*$/.test(body);
				return isCode ? [place(path, file.getLineAndCharacterOfPosition(pos).line + 1)] : [];
			});
		});
		expect(retired).toEqual([]);
	});
});

/** Where a file uses the type `any`. */
function anys(path: string): string[] {
	const file = tree(path);
	const lines: string[] = [];
	const visit = (node: ts.Node): void => {
		if (node.kind === ts.SyntaxKind.AnyKeyword) {
			lines.push(place(path, file.getLineAndCharacterOfPosition(node.getStart()).line + 1));
		}
		ts.forEachChild(node, visit);
	};
	visit(file);
	return lines;
}

describe("types", () => {
	it("are never talked away", () => {
		expect(all.flatMap(anys)).toEqual([]);
		// AssemblyScript's function decorators are no TypeScript; editors need to be told.
		const typescript = all.filter((path) => !path.startsWith("assembly/"));
		expect(written(typescript, new RegExp(`@ts-${"ignore"}|@ts-${"nocheck"}`))).toEqual([]);
	});
});

describe("properties", () => {
	it("have the runs and the seed of the gate, or of a fuzz", () => {
		const tests = all.filter((path) => path.startsWith("tests/") && path !== "tests/runs.ts");
		expect(found(tests, /\bnumRuns:/)).toEqual([]);
		expect(found(tests, /\bMath\.random\b/)).toEqual([]);
	});
});

describe("what the answer may not depend on", () => {
	it("the wall clock", () => {
		expect(found(clockFree, /\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\s*\)/)).toEqual([]);
	});

	it("chance without a seed", () => {
		expect(found(clockFree, /\bMath\.random\b|\bcrypto\.(getRandomValues|randomUUID)\b/)).toEqual([]);
	});

	it("the host's language", () => {
		// Time zones are the host's own; no text of a language is read there.
		const others = clockFree.filter((path) => !path.endsWith("js/api/timezone.ts"));
		expect(found(others, /\.localeCompare\b|\bIntl\b|\.toLocale\w+\(/)).toEqual([]);
	});

	it("Node", () => {
		expect(
			written(hostFree, /from "node:|import\("node:|\bBuffer\.|\bprocess\.(env|argv|stdout|stderr|exit)\b/),
		).toEqual([]);
	});

	it("timers: pending work is data", () => {
		expect(found(hostFree, /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\(/)).toEqual([]);
	});
});

describe("this test", () => {
	it("reads files at all", () => {
		expect(product.length).toBeGreaterThan(10);
	});
});
