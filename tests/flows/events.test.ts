// The events file: the shop's, each kind, and errors with their place.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineError } from "../../js/flows/errors.ts";
import { EVENT_HEADER, parseEvents } from "../../js/flows/events.ts";
import { runs } from "../runs.ts";
import { SHOP } from "./rows.ts";

const one = (line: string) => parseEvents(`${EVENT_HEADER}\n${line}\n`, "events.csv")[0];

describe("the shop's events", () => {
	const events = parseEvents(readFileSync(`${SHOP}events.csv`, "utf8"), "events.csv");

	it("are three reloads, three clean-ups, one lost client", () => {
		expect(events.map(({ kind, node }) => `${kind} ${node}`)).toEqual([
			"iptables-restore node-1",
			"iptables-restore node-2",
			"iptables-restore node-3",
			"conntrack-delete node-1",
			"conntrack-delete node-2",
			"conntrack-delete node-3",
			"client-lost router",
		]);
	});

	it("have exact times, filters and the lost route", () => {
		expect(events[0]).toMatchObject({
			timeNs: 1_795_354_292_004_809_000n,
			doneNs: 1_795_354_292_010_530_000n,
			textFile: null,
			line: 2,
		});
		expect(events[4]).toMatchObject({
			filter: { proto: 17, origDst: "10.96.74.105", replySrc: "10.244.1.5", origSrc: null },
			deleted: 1,
		});
		expect(events[6]).toMatchObject({ object: "client-5", prefix: "198.51.100.25/32" });
	});
});

describe("an event", () => {
	it("may name its text", () => {
		expect(one("1,2,iptables-restore,n1,,file=reload/n1.txt and more")).toMatchObject({ textFile: "reload/n1.txt" });
	});
	it("may have no end of its own, and quoted fields", () => {
		expect(one('1.5,,apply,,"a ""b"", c",file=slice.yaml')).toMatchObject({
			doneNs: 1_500_000_000n,
			object: 'a "b", c',
			manifestFile: "slice.yaml",
		});
	});
	it("deletes an object, of a namespace or of none", () => {
		expect(one("1,,delete,,Pod/shop/cart-0,")).toMatchObject({
			resource: { kind: "Pod", namespace: "shop", name: "cart-0" },
		});
		expect(one("1,,delete,,Node/n1,gone")).toMatchObject({ resource: { kind: "Node", namespace: null, name: "n1" } });
	});
	it("deletes conntrack entries in conntrack's own words", () => {
		expect(one("1,,conntrack-delete,n1,,-D -p udp --orig-dst 10.96.0.1 --dst-nat 10.0.0.2 --dport 53")).toMatchObject({
			filter: { proto: 17, origDst: "10.96.0.1", replySrc: "10.0.0.2", origDport: 53, origSport: null },
			deleted: null,
		});
		expect(one("1,,conntrack-delete,n1,,UDP entries fd00::1 -> fd00::2")).toMatchObject({
			filter: { origDst: "fd00::1", replySrc: "fd00::2" },
		});
	});
	it("comes in time order, equal times as written", () => {
		const text = [
			EVENT_HEADER,
			"3,,client-lost,,c,10.0.0.3",
			"1,,client-lost,,c,10.0.0.1",
			"3,,client-lost,,c,10.0.0.4",
		].join("\n");
		expect(parseEvents(text, "e").map((event) => event.detail)).toEqual(["10.0.0.1", "10.0.0.3", "10.0.0.4"]);
	});
});

describe("errors", () => {
	it.each([
		["1,2,reboot,n1,,", '2:5: kind "reboot"; expected one of iptables-restore'],
		["1,2,apply,n1", "2:13: an event of 4 fields; expected 6 fields"],
		["1,,apply,,,a,b", "2:14: an event of 7 fields"],
		["x,2,apply,,,", '2:1: time "x"; expected seconds'],
		["2,1,client-lost,,c,10.0.0.1", '2:3: done "1"; expected no earlier than time 2'],
		["1,,iptables-restore,,,", '2:21: node ""; expected the node'],
		["1,,apply,,,slice", '2:12: detail "slice"; expected file=PATH'],
		["1,,delete,,cart,", '2:12: object "cart"; expected KIND/NAMESPACE/NAME'],
		["1,,client-lost,,c,gone", '2:19: detail "gone"; expected the address'],
		["1,,conntrack-delete,n1,,all of them", '2:25: detail "all of them"; expected PROTO entries'],
		[
			"1,,conntrack-delete,n1,,-p udp --dport 70000",
			'2:25: detail "-p udp --dport 70000"; expected a port in place of "70000"',
		],
		['1,,apply,,"open,', "2:11: a quote without its end"],
	])("name the place in %s", (line, message) => {
		expect(() => one(line)).toThrow(LineError);
		expect(() => one(line)).toThrow(`events.csv:${message}`);
	});

	it("name the header", () => {
		expect(() => parseEvents("time,kind\n", "e")).toThrow('e:1:6: header "kind"; expected done');
		expect(() => parseEvents("", "e")).toThrow("e:1:1: the header ends; expected time");
	});

	it("are all of one class, whatever the text", () => {
		const word = fc.oneof(
			fc.string({ maxLength: 6 }),
			fc.constantFrom("1", "apply", "delete", "client-lost", "conntrack-delete", '"', "-p udp", "10.0.0.1/33"),
		);
		fc.assert(
			fc.property(fc.array(fc.array(word, { maxLength: 8 }), { maxLength: 3 }), (lines) => {
				try {
					parseEvents([EVENT_HEADER, ...lines.map((line) => line.join(","))].join("\n"), "e");
				} catch (error) {
					if (!(error instanceof LineError)) throw error;
				}
			}),
			runs(1000),
		);
	});
});
