// Routes as `ip route` and `ip -6 route` print and take them (ip-route(8)), measured against iproute2 6.1: multipath
// lines, types, `onlink`, `linkdown`, metrics, `pref`. A route's words may come in any order; they are printed in
// iproute2's. Not kept: encapsulation (`encap`), `from` and `iif` of cached routes.

import { addressBits, canonicalAddress, familyOf, maskPrefix, parsePrefix, printPrefix } from "./address.ts";
import { nearestWord, TextError } from "./error.ts";
import type { Family } from "./ruleset.ts";
import { linesOf, type TextWord, wordsOf } from "./text.ts";

export const ROUTE_TYPES = [
	"unicast",
	"local",
	"broadcast",
	"anycast",
	"multicast",
	"blackhole",
	"unreachable",
	"prohibit",
	"throw",
	"nat",
] as const;
export type RouteType = (typeof ROUTE_TYPES)[number];

export interface Nexthop {
	/** Gateway, of either family; null: on-link. */
	via: string | null;
	device: string | null;
	/** 1–256. */
	weight: number;
	/** `onlink`, `linkdown`, `dead` … */
	flags: string[];
}

export interface Route {
	type: RouteType;
	family: Family;
	/** Canonical `address/length`; the default route has length 0. */
	destination: { address: string; length: number };
	tos: string | null;
	nhid: number | null;
	via: string | null;
	device: string | null;
	/** Name or number; null: main. */
	table: string | null;
	proto: string | null;
	scope: string | null;
	/** Preferred source address. */
	src: string | null;
	metric: number | null;
	flags: string[];
	realm: string | null;
	/** IPv6: time left, as printed (`498sec`). */
	expires: string | null;
	metrics: RouteMetric[];
	/** IPv6: `low`, `medium`, `high`. */
	pref: string | null;
	/** More than one way; then `via` and `device` are null. */
	nexthops: Nexthop[];
	/** 1-based line of the text; null where it was built in memory. */
	line: number | null;
}

/** `mtu lock 1400`: name, whether locked, value. */
export interface RouteMetric {
	name: string;
	lock: boolean;
	value: string;
}

export interface RouteReadOptions {
	/** For errors. */
	file?: string;
	/** Default: that of the route's own addresses; `default` without any is ipv4. */
	family?: Family;
}

const FLAGS = [
	"dead",
	"onlink",
	"pervasive",
	"offload",
	"offload_failed",
	"trap",
	"notify",
	"linkdown",
	"unresolved",
	"rt_offload",
	"rt_trap",
	"rt_offload_failed",
];
const METRICS = [
	"mtu",
	"window",
	"rtt",
	"rttvar",
	"ssthresh",
	"cwnd",
	"advmss",
	"reordering",
	"hoplimit",
	"initcwnd",
	"features",
	"rto_min",
	"initrwnd",
	"quickack",
	"congctl",
	"fastopen_no_cookie",
];
const WORDS = [
	"tos",
	"nhid",
	"via",
	"dev",
	"table",
	"proto",
	"scope",
	"src",
	"metric",
	"realm",
	"realms",
	"expires",
	"pref",
	"nexthop",
];

/** The routes of a text, one a line; a multipath route goes on in its `nexthop` lines. Throws TextError. */
export function parseRoutes(text: string, options: RouteReadOptions = {}): Route[] {
	const routes: Route[] = [];
	for (const [index, line] of linesOf(text).entries()) {
		const trimmed = line.trim();
		if (trimmed === "" || trimmed.startsWith("#")) continue;
		const reading = new RouteReading(line, index + 1, options);
		const open = routes.at(-1);
		if (/^\s+nexthop\b/.test(line) && open !== undefined) reading.readNexthops(open);
		else routes.push(reading.readRoute());
	}
	return routes;
}

/** One route, such as `10.244.2.0/24 via 192.0.2.12`. Throws TextError. */
export function parseRoute(line: string, options: RouteReadOptions & { line?: number } = {}): Route {
	return new RouteReading(line, options.line ?? 1, options).readRoute();
}

class RouteReading {
	readonly words: TextWord[];
	readonly line: number;
	readonly text: string;
	readonly options: RouteReadOptions;
	next = 0;

	constructor(text: string, line: number, options: RouteReadOptions) {
		// `ip -o` writes a backslash in the place of a line feed.
		this.text = text.replace(/\\(?=\s)/g, " ");
		this.words = wordsOf(this.text);
		this.line = line;
		this.options = options;
	}

	refuse(word: TextWord | undefined, expected: string, nearest: string | null = null): TextError {
		const column = word?.column ?? this.text.trimEnd().length + 1;
		return new TextError({
			file: this.options.file ?? null,
			line: this.line,
			column,
			word: word?.text ?? null,
			expected,
			nearest,
		});
	}

	take(): TextWord | undefined {
		return this.words[this.next++];
	}

	argument(name: string, expected: string): TextWord {
		const word = this.take();
		if (word === undefined) throw this.refuse(undefined, `${expected} after ${name}`);
		return word;
	}

	address(name: string): string {
		let word = this.argument(name, "an address");
		if (word.text === "inet" || word.text === "inet6") word = this.argument(name, "an address");
		const address = canonicalAddress(word.text);
		if (address === null) throw this.refuse(word, "an IPv4 or IPv6 address");
		return address;
	}

	number(name: string, max: number): number {
		const word = this.argument(name, "a number");
		if (!/^[0-9]+$/.test(word.text) || Number(word.text) > max) throw this.refuse(word, `a number 0–${max}`);
		return Number(word.text);
	}

	readRoute(): Route {
		const type = ROUTE_TYPES.find((known) => known === this.words[0]?.text);
		if (type !== undefined) this.next = 1;
		const word = this.take();
		if (word === undefined) throw this.refuse(undefined, "a destination: default or a prefix");
		const isDefault = word.text === "default";
		const prefix = isDefault ? null : parsePrefix(word.text);
		if (!isDefault && prefix === null)
			throw this.refuse(
				word,
				"a destination: default, an address or a prefix",
				nearestWord(word.text, ["default", ...ROUTE_TYPES]),
			);
		if (prefix !== null && printPrefix(maskPrefix(prefix)) !== printPrefix(prefix)) {
			throw this.refuse(word, "a prefix whose host bits are zero", printPrefix(maskPrefix(prefix)));
		}
		const route = newRoute(type ?? "unicast", prefix?.family ?? "ipv4", this.line);
		if (prefix !== null) route.destination = { address: prefix.address, length: prefix.length };
		while (this.next < this.words.length) this.readWord(route);
		if (isDefault) this.setDefault(route);
		this.check(route, word);
		return route;
	}

	setDefault(route: Route): void {
		const source = route.src === null ? null : familyOf(route.src);
		const gateway = route.via === null ? null : familyOf(route.via);
		route.family = this.options.family ?? source ?? gateway ?? (route.pref === null ? "ipv4" : "ipv6");
		route.destination = { address: route.family === "ipv4" ? "0.0.0.0" : "::", length: 0 };
	}

	check(route: Route, destination: TextWord): void {
		if (this.options.family !== undefined && route.family !== this.options.family)
			throw this.refuse(destination, `a destination of ${this.options.family}`);
		if (route.src !== null && familyOf(route.src) !== route.family)
			throw this.refuse(destination, `a source of ${route.family}, got ${route.src}`);
		if (route.nexthops.length > 0 && route.via !== null) throw this.refuse(destination, "either via or nexthops");
	}

	readWord(route: Route): void {
		const word = this.take() as TextWord;
		const name = word.text;
		if (FLAGS.includes(name)) {
			route.flags.push(name);
			return;
		}
		if (METRICS.includes(name)) {
			const first = this.argument(name, "a value");
			const lock = first.text === "lock";
			route.metrics.push({ name, lock, value: lock ? this.argument(name, "a value").text : first.text });
			return;
		}
		switch (name) {
			case "tos":
				route.tos = this.argument(name, "a TOS").text;
				return;
			case "nhid":
				route.nhid = this.number(name, 0xffffffff);
				return;
			case "via":
				route.via = this.address(name);
				return;
			case "dev":
				route.device = this.argument(name, "a device").text;
				return;
			case "table":
				route.table = this.argument(name, "a table").text;
				return;
			case "proto":
			case "protocol":
				route.proto = this.argument(name, "a protocol").text;
				return;
			case "scope":
				route.scope = this.argument(name, "a scope").text;
				return;
			case "src":
				route.src = this.address(name);
				return;
			case "metric":
			case "priority":
				route.metric = this.number(name, 0xffffffff);
				return;
			case "realm":
			case "realms":
				route.realm = this.argument(name, "a realm").text;
				return;
			case "expires":
				route.expires = this.argument(name, "a time").text;
				return;
			case "pref":
				route.pref = this.argument(name, "low, medium or high").text;
				return;
			case "nexthop":
				this.next--;
				this.readNexthops(route);
				return;
			default:
				throw this.refuse(word, "a word of a route", nearestWord(name, [...WORDS, ...FLAGS, ...METRICS]));
		}
	}

	/** `nexthop via 192.0.2.3 dev eth0 weight 1 onlink`, one or more. */
	readNexthops(route: Route): void {
		while (this.next < this.words.length) {
			const word = this.take() as TextWord;
			if (word.text !== "nexthop") throw this.refuse(word, "nexthop");
			const hop: Nexthop = { via: null, device: null, weight: 1, flags: [] };
			while (this.next < this.words.length && this.words[this.next]?.text !== "nexthop") this.readNexthopWord(hop);
			route.nexthops.push(hop);
		}
	}

	readNexthopWord(hop: Nexthop): void {
		const word = this.take() as TextWord;
		if (word.text === "via") hop.via = this.address("via");
		else if (word.text === "dev") hop.device = this.argument("dev", "a device").text;
		else if (word.text === "weight") hop.weight = this.number("weight", 256);
		else if (FLAGS.includes(word.text)) hop.flags.push(word.text);
		else
			throw this.refuse(
				word,
				"via, dev, weight or a flag of a nexthop",
				nearestWord(word.text, ["via", "dev", "weight", ...FLAGS]),
			);
	}
}

/** An empty route to the whole of a family. */
export function newRoute(type: RouteType, family: Family, line: number | null = null): Route {
	return {
		type,
		family,
		destination: { address: family === "ipv4" ? "0.0.0.0" : "::", length: 0 },
		tos: null,
		nhid: null,
		via: null,
		device: null,
		table: null,
		proto: null,
		scope: null,
		src: null,
		metric: null,
		flags: [],
		realm: null,
		expires: null,
		metrics: [],
		pref: null,
		nexthops: [],
		line,
	};
}

/** The text of `ip route`, with the blank that iproute2 leaves after each word; each route ends in a line feed. */
export function printRoutes(routes: readonly Route[]): string {
	return routes.map((route) => `${printRoute(route)}\n`).join("");
}

/** One route as iproute2 prints it, nexthops on their own lines. */
export function printRoute(route: Route): string {
	const words: string[] = [];
	const pair = (name: string, value: string | number | null): void => {
		if (value !== null) words.push(`${name} ${value} `);
	};
	if (route.type !== "unicast") words.push(`${route.type} `);
	words.push(`${destinationText(route)} `);
	pair("tos", route.tos);
	pair("nhid", route.nhid);
	pair("via", viaText(route.via, route.family));
	pair("dev", route.device);
	pair("table", route.table);
	pair("proto", route.proto);
	pair("scope", route.scope);
	pair("src", route.src);
	pair("metric", route.metric);
	for (const flag of route.flags) words.push(`${flag} `);
	pair("realm", route.realm);
	pair("expires", route.expires);
	for (const { name, lock, value } of route.metrics) words.push(`${name} ${lock ? "lock " : ""}${value} `);
	if (route.pref !== null) words.push(`pref ${route.pref}`);
	for (const hop of route.nexthops) words.push(`\n\t${nexthopText(hop, route.family)}`);
	return words.join("");
}

function destinationText({ destination: { address, length }, family }: Route): string {
	if (length === 0) return "default";
	return length === addressBits(family) ? address : `${address}/${length}`;
}

function viaText(via: string | null, family: Family): string | null {
	if (via === null || familyOf(via) === family) return via;
	return `${family === "ipv4" ? "inet6" : "inet"} ${via}`;
}

function nexthopText(hop: Nexthop, family: Family): string {
	const via = viaText(hop.via, family);
	const words = [
		"nexthop",
		...(via === null ? [] : ["via", via]),
		...(hop.device === null ? [] : ["dev", hop.device]),
		"weight",
		String(hop.weight),
		...hop.flags,
	];
	return `${words.join(" ")} `;
}
