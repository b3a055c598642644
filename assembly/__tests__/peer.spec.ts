// What a stack remembers of an address that it answers: how often it may still do so.

import * as L from "../layout";
import { netns } from "../netns";
import { mayAnswer, mayComplain, mayRedirect } from "../peer";
import { A, B, cluster, node, router, SECOND } from "./network";

const UNREACHABLE: i32 = 3;
const MS: i64 = 1_000_000;

function limit(ms: u32, mask: u32): void {
	store<u32>(netns(node), ms, L.NETNS_ICMP_RATELIMIT);
	store<u32>(netns(node), mask, L.NETNS_ICMP_RATEMASK);
}

/** How many of `asked` errors towards an address may be sent at once. */
function answers(asked: i32, ip: u32, at: i64): i32 {
	let n = 0;
	for (let i = 0; i < asked; i++) if (mayAnswer(node, ip, UNREACHABLE, at)) n++;
	return n;
}

function complaints(asked: i32, ip: u32, at: i64): i32 {
	let n = 0;
	for (let i = 0; i < asked; i++) if (mayComplain(node, ip, at)) n++;
	return n;
}

describe("icmp_ratelimit", () => {
	beforeEach(() => {
		cluster(0);
		limit(1000, 0x1818);
	});

	it("lets six through at once, then one a second", () => {
		expect(answers(20, A, 0)).toBe(6);
		expect(answers(5, A, SECOND / 2)).toBe(0);
		expect(answers(5, A, SECOND)).toBe(1);
		expect(answers(5, A, 3 * SECOND)).toBe(2);
	});

	it("saves up six and no more", () => {
		answers(20, A, 0);
		expect(answers(20, A, 3600 * SECOND)).toBe(6);
	});

	it("is counted for each address and each netns by itself", () => {
		answers(20, A, 0);
		expect(answers(20, B, 0)).toBe(6);
		store<u32>(netns(router), 1000, L.NETNS_ICMP_RATELIMIT);
		store<u32>(netns(router), 0x1818, L.NETNS_ICMP_RATEMASK);
		for (let i = 0; i < 8; i++) answers(20, A + i, 0);
		for (let i = 0; i < 8; i++) expect(mayAnswer(router, A + i, UNREACHABLE, 0)).toBe(true);
	});

	it("limits the types of icmp_ratemask alone, and nothing at 0", () => {
		answers(20, A, 0);
		expect(mayAnswer(node, A, 0, 0)).toBe(true);
		expect(mayAnswer(node, A, 11, 0)).toBe(false);
		limit(0, 0x1818);
		expect(answers(20, A, 0)).toBe(20);
	});
});

describe("error_burst", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("lets a router say five times that it has no route, then once a second", () => {
		expect(complaints(20, A, 0)).toBe(5);
		expect(complaints(5, A, 999 * MS)).toBe(0);
		expect(complaints(5, A, SECOND)).toBe(1);
		expect(complaints(20, A, 3600 * SECOND)).toBe(5);
	});

	it("draws on the same tokens as icmp_ratelimit", () => {
		limit(1000, 0x1818);
		expect(complaints(20, A, 0)).toBe(5);
		expect(answers(5, A, 0)).toBe(0);
	});
});

describe("redirects", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("back off: at once, after 40 ms, after 80 ms more", () => {
		expect(mayRedirect(node, A, 0)).toBe(true);
		expect(mayRedirect(node, A, 39 * MS)).toBe(false);
		expect(mayRedirect(node, A, 41 * MS)).toBe(true);
		expect(mayRedirect(node, A, 120 * MS)).toBe(false);
		expect(mayRedirect(node, A, 122 * MS)).toBe(true);
	});

	it("stop after nine, until none was due for 20.48 s", () => {
		let at: i64 = 0;
		let sent = 0;
		for (let i = 0; i < 20; i++, at += 15 * SECOND) if (mayRedirect(node, A, at)) sent++;
		expect(sent).toBe(9);
		expect(mayRedirect(node, A, at + 10 * SECOND)).toBe(true);
	});
});
