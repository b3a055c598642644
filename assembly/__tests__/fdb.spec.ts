// The forwarding database: what a bridge knows of who is behind which port.

import { fdbReset, learn, portOf } from "../fdb";
import { begin } from "./network";

describe("the forwarding database", () => {
	beforeEach(() => {
		begin();
	});

	it("knows what it learned, bridge by bridge", () => {
		learn(1, 20, 5);
		learn(2, 20, 9);
		expect(portOf(1, 20)).toBe(5);
		expect(portOf(2, 20)).toBe(9);
		expect(portOf(1, 21)).toBe(-1);
		expect(portOf(3, 20)).toBe(-1);
	});

	it("keeps bridges apart that know the same addresses", () => {
		for (let mac = 0; mac < 8; mac++) {
			learn(1, mac, mac + 100);
			learn(2, mac, mac + 200);
		}
		for (let mac = 0; mac < 8; mac++) {
			expect(portOf(1, mac)).toBe(mac + 100);
			expect(portOf(2, mac)).toBe(mac + 200);
		}
	});

	it("follows an address that moves to another port", () => {
		learn(1, 20, 5);
		learn(1, 20, 6);
		expect(portOf(1, 20)).toBe(6);
	});

	it("forgets all on reset", () => {
		learn(1, 20, 5);
		fdbReset();
		expect(portOf(1, 20)).toBe(-1);
	});

	it("keeps what it has when it is full, and ends its search", () => {
		// the table of these specs has 16 slots
		for (let mac = 0; mac < 20; mac++) learn(1, mac, mac + 100);
		for (let mac = 0; mac < 16; mac++) expect(portOf(1, mac)).toBe(mac + 100);
		for (let mac = 16; mac < 20; mac++) expect(portOf(1, mac)).toBe(-1);
		learn(1, 3, 7);
		expect(portOf(1, 3)).toBe(7);
	});
});
