// What reaches a terminal: no control sequences, quiet ends, progress only where someone looks, errors as lines.

import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { duration, progressLine, progressOn, short } from "../../js/cli/progress.ts";
import { complaint, InputError } from "../../js/cli/status.ts";
import { strip, terminalOver } from "../../js/cli/terminal.ts";
import { fakeTerminal } from "./fake.ts";

describe("strip", () => {
	it.each([
		["plain\ttext\n", "plain\ttext\n"],
		["\u001b[31mred\u001b[0m", "red"],
		["\u001b]0;title\u0007name", "name"],
		["\u001b]8;;http://x\u001b\\link", "link"],
		["a\rb\u0008c\u007fd\u009be", "abcde"],
		["\u001bc reset", "c reset"],
		["user\u202etxt.exe", "usertxt.exe"],
		["größe ✓ 東京", "größe ✓ 東京"],
	])("%j", (text, shown) => {
		expect(strip(text)).toBe(shown);
	});
});

describe("terminalOver", () => {
	const quietStdin = () => new PassThrough().end();

	it("ends quietly when the reader has gone", async () => {
		const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
		const stdout = new Writable({ write: (_chunk, _encoding, done) => done(gone) });
		let closed = 0;
		const streams = { stdin: quietStdin(), stdout, stderr: new PassThrough() };
		const terminal = terminalOver(streams, new AbortController().signal, () => closed++);
		await terminal.print("x");
		await new Promise((resolve) => setImmediate(resolve));
		expect(closed).toBe(1);
	});

	it("waits for a slow reader", async () => {
		const stdout = new PassThrough({ highWaterMark: 4 });
		const terminal = terminalOver(
			{ stdin: quietStdin(), stdout, stderr: new PassThrough() },
			new AbortController().signal,
			() => {},
		);
		let written = false;
		const writing = terminal.print("longer than four").then(() => {
			written = true;
		});
		await new Promise((resolve) => setImmediate(resolve));
		expect(written).toBe(false);
		stdout.resume();
		await writing;
		expect(written).toBe(true);
	});

	it("reads stdin whole", async () => {
		const stdin = new PassThrough();
		const terminal = terminalOver(
			{ stdin, stdout: new PassThrough(), stderr: new PassThrough() },
			new AbortController().signal,
			() => {},
		);
		stdin.write("one ");
		stdin.end("two");
		expect(new TextDecoder().decode(await terminal.input())).toBe("one two");
	});
});

describe("progress", () => {
	it.each([
		[0, "0"],
		[999, "999"],
		[1234, "1.2k"],
		[56_700, "57k"],
		[1_234_567, "1.2M"],
	])("%i is short for itself as %s", (count, text) => {
		expect(short(count)).toBe(text);
	});

	it.each([
		[4.4, "4s"],
		[75, "1m15s"],
		[7260, "2h1m"],
	])("%d seconds are %s", (seconds, text) => {
		expect(duration(seconds)).toBe(text);
	});

	it("shows share, count, rate and what is left", () => {
		expect(progressLine("replay", "packets", 250_000, 1_000_000, 2)).toBe("replay: 25%, 250k packets, 125k/s, 6s left");
		expect(progressLine("replay", "packets", 10, null, 0)).toBe("replay: 10 packets");
	});

	it("draws at most ten times a second and erases itself", () => {
		let now = 0;
		const terminal = fakeTerminal("", { interactive: true });
		const progress = progressOn(terminal, "replay", "packets", () => now);
		for (let step = 0; step < 1000; step++) {
			now += 1;
			progress.update(step, null);
		}
		progress.end();
		expect(terminal.drawn).toHaveLength(11);
		expect(terminal.drawn.at(-1)).toBe("");
	});

	it("draws nothing where stderr is no terminal", () => {
		const terminal = fakeTerminal();
		progressOn(terminal, "replay", "packets").update(1, 2);
		expect(terminal.drawn).toEqual([]);
	});
});

describe("complaint", () => {
	it("shows errors of ours by their message, faults of ours with their place", () => {
		expect(complaint(new InputError("x", "matches no file"))).toBe("x: matches no file");
		expect(complaint(new TypeError("x is undefined"))).toMatch(
			/^podwire: internal error: TypeError: x is undefined\n {4}at /,
		);
	});

	it("shows each of several, fifty at most", () => {
		const errors = Array.from({ length: 52 }, (_, index) => new InputError(`${index}`, "no"));
		const lines = complaint(new AggregateError(errors)).split("\n");
		expect(lines).toHaveLength(51);
		expect(lines.at(-1)).toBe("… and 2 more errors");
	});

	it("names the path of a system error", () => {
		const error = Object.assign(new Error("ENOENT"), { code: "ENOENT", path: "a.yaml" });
		expect(complaint(error)).toBe("a.yaml: no such file or folder");
	});
});
