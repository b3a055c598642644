// `podwire snapshot` and `--restore`: what other commands print of a restored cluster is what they print of the one that was saved.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { COMMANDS } from "../../js/cli/commands.ts";
import { main } from "../../js/cli/program.ts";
import { served, web } from "../cluster/manifests.ts";
import { fakeTerminal } from "./fake.ts";

const folder = mkdtempSync(join(tmpdir(), "podwire-snapshot-"));
// Ages are whole seconds: clusters of this file begin at the beginning of one.
vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1) });
afterAll(() => {
	vi.useRealTimers();
	rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);

async function podwire(...argv: string[]) {
	const terminal = fakeTerminal();
	const status = await main(argv, terminal, "0", COMMANDS);
	return { status, out: terminal.out, err: terminal.err };
}

writeFileSync(at("shop.yaml"), served(2, "web:1"));
writeFileSync(at("more.yaml"), web(3, "web:2"));
const QUESTION = ["--from", "pod/default/client", "--to", "svc/default/web:80", "-o", "json"];

describe("podwire snapshot", () => {
	it("saves what --restore goes on from: objects, rules, packets", async () => {
		const saved = await podwire("snapshot", "-f", at("shop.yaml"), "--nodes", "2", "-o", at("shop.podwire"));
		expect(saved).toEqual({
			status: 0,
			out: "",
			err: expect.stringMatching(/^saved to \S+shop\.podwire: \d+ bytes\n$/),
		});
		expect(statSync(at("shop.podwire")).mode & 0o777).toBe(0o600);
		expect(readdirSync(folder).sort()).toEqual(["more.yaml", "shop.podwire", "shop.yaml"]);
		const input = ["-f", at("shop.yaml"), "--nodes", "2"];
		for (const asked of [
			["get", "pods", "-o", "wide"],
			["trace", ...QUESTION],
			["iptables", "--node", "node-1"],
		]) {
			const wanted = await podwire(...asked, ...input);
			expect(await podwire(...asked, "--restore", at("shop.podwire"))).toEqual(wanted);
			expect(wanted.status).toBe(0);
		}
	});

	it("of a snapshot and manifests applies those", async () => {
		await podwire("snapshot", "-f", at("shop.yaml"), "-o", at("a.podwire"));
		await podwire("snapshot", "--restore", at("a.podwire"), "-f", at("more.yaml"), "-o", at("b.podwire"));
		const { out } = await podwire("get", "deploy/web", "--restore", at("b.podwire"), "-o", "jsonpath={.spec.replicas}");
		expect(out.trim()).toBe("3");
	});

	it("says what is wrong with a file, and is of no use: status 2", async () => {
		await podwire("snapshot", "-f", at("shop.yaml"), "-o", at("c.podwire"));
		const bytes = readFileSync(at("c.podwire"));
		writeFileSync(at("short.podwire"), bytes.subarray(0, 1000));
		const short = await podwire("get", "pods", "--restore", at("short.podwire"));
		expect(short).toEqual({
			...{ status: 2, out: "" },
			err: expect.stringMatching(
				/^\S+short\.podwire: snapshot: \w+, byte 1000: the file ends here: \d+ bytes are expected\n$/,
			),
		});
		const foreign = await podwire("get", "pods", "--restore", at("shop.yaml"));
		expect(foreign.err).toMatch(/shop\.yaml: snapshot: header, byte 0: this is no snapshot of podwire's\n$/);
		const missing = await podwire("trace", ...QUESTION, "--restore", at("none.podwire"));
		expect(missing).toMatchObject({ status: 2, err: expect.stringMatching(/none\.podwire: no such file or folder/) });
	});

	it("refuses flags that a snapshot says itself, and wants one or the other", async () => {
		for (const [flag, value, asHelped] of [
			["--nodes", "3", "--nodes <count>"],
			["--probes", "app", "--probes <by>"],
			["--disable-admission-plugins", "ServiceAccount", "--disable-admission-plugins <names>"],
		] as const) {
			const both = await podwire("get", "pods", "--restore", at("c.podwire"), flag, value);
			expect(both.status).toBe(2);
			expect(both.err).toContain(`option '--restore <file>' cannot be used with option '${asHelped}'`);
		}
		const none = await podwire("snapshot", "-o", at("d.podwire"));
		expect(none.status).toBe(2);
		expect(none.err).toContain("required option '-f, --filename <path>' not specified");
	});
});
