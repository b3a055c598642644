// References: every form, errors that point at the word, and print∘parse = identity.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextError } from "../../js/net/error.ts";
import { parseReference, printReference, type Reference } from "../../js/net/reference.ts";
import { runs } from "../runs.ts";

describe("parseReference", () => {
	const forms: [string, Reference][] = [
		["pod/shop/cart-0", { kind: "pod", namespace: "shop", name: "cart-0", port: null }],
		["pods/shop/cart-0:http", { kind: "pod", namespace: "shop", name: "cart-0", port: "http" }],
		["deploy/shop/web", { kind: "workload", workload: "Deployment", namespace: "shop", name: "web", port: null }],
		["StatefulSet/db/pg:5432", { kind: "workload", workload: "StatefulSet", namespace: "db", name: "pg", port: 5432 }],
		["svc/default/cartservice:7070", { kind: "svc", namespace: "default", name: "cartservice", port: 7070 }],
		["service/default/cart.v2:grpc", { kind: "svc", namespace: "default", name: "cart.v2", port: "grpc" }],
		["svc/cart", { kind: "svc", namespace: "shop", name: "cart", port: null }],
		["node/node-1", { kind: "node", name: "node-1", port: null }],
		["node/ip-10-0-0-1.ec2.internal:30080", { kind: "node", name: "ip-10-0-0-1.ec2.internal", port: 30080 }],
		["host/198.51.100.21", { kind: "host", address: "198.51.100.21", port: null }],
		["host/2001:db8::0:1", { kind: "host", address: "2001:db8::1", port: null }],
		["10.96.0.10:53", { kind: "address", address: "10.96.0.10", port: 53 }],
		["10.96.0.10", { kind: "address", address: "10.96.0.10", port: null }],
		["[2001:db8::A]:53", { kind: "address", address: "2001:db8::a", port: 53 }],
		["2001:db8::a", { kind: "address", address: "2001:db8::a", port: null }],
		["http://shop.example", { kind: "url", scheme: "http", host: "shop.example", port: 80, path: "/" }],
		["HTTPS://shop.example/a?b=c#d", { kind: "url", scheme: "https", host: "shop.example", port: 443, path: "/a?b=c" }],
		["http://[2001:db8::1]:8080/x", { kind: "url", scheme: "http", host: "[2001:db8::1]", port: 8080, path: "/x" }],
	];

	it.each(forms)("%s", (text, reference) => {
		expect(parseReference(text, { namespace: "shop" })).toEqual(reference);
	});

	it.each([
		["", 1, null, "expected pod/NS/NAME, deploy/NS/NAME"],
		["podd/shop/x", 1, "podd", "nearest: pod"],
		["svc/default/cart:70000", 18, "70000", "expected a port from 1 to 65535"],
		["svc/default/cart:0", 18, "0", "expected a port from 1 to 65535"],
		["svc/default/cart:", 18, null, "expected a port from 1 to 65535, or a port's name"],
		["svc/Default/cart", 5, "Default", "expected a namespace"],
		["svc/default/cart/7070", 13, "cart/7070", "expected a name after svc/default/"],
		["svc/default/", 13, null, "expected a name after svc/default/"],
		["pod/cart", 5, "cart", "no default namespace is set"],
		["node/a_b", 6, "a_b", "expected a node's name"],
		["node/a:http", 8, "http", "expected a port from 1 to 65535"],
		["host/010.0.0.1", 6, "010.0.0.1", "expected an IPv4 or IPv6 address"],
		["host/10.0.0.1:x", 15, "x", "expected a port from 1 to 65535"],
		["10.0.0.256:80", 1, "10.0.0.256", "IP:PORT"],
		["cart:80", 1, "cart", "expected pod/NS/NAME"],
		["[2001:db8::g]:80", 2, "2001:db8::g", "expected an IPv4 or IPv6 address"],
		["http:///x", 8, null, "expected a host name or address"],
		["http://a b/", 8, "a b", "expected a host name or address"],
		["http://u@h/", 8, "u@h", "without user name"],
		["http://h:99999/", 10, "99999", "expected a port from 1 to 65535"],
	])("refuses %j at column %i", (text, column, word, message) => {
		const error = refusal(text);
		expect([error.file, error.line, error.column, error.word]).toEqual(["--to", 1, column, word]);
		expect(error.message).toContain(message);
	});
});

function refusal(text: string): TextError {
	try {
		parseReference(text, { file: "--to" });
	} catch (error) {
		if (error instanceof TextError) return error;
		throw error;
	}
	throw new Error(`${text} was not refused`);
}

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const number = fc.integer({ min: 1, max: 65535 });
const port = fc.option(fc.oneof(number, fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/)));
const address = fc.oneof(
	fc.ipV4(),
	fc.ipV6().map((text) => canonical(text)),
);
const named = { namespace: label, name: label, port };
const reference: fc.Arbitrary<Reference> = fc.oneof(
	fc.record({ kind: fc.constantFrom("pod", "svc"), ...named }),
	fc.record({
		kind: fc.constant("workload" as const),
		workload: fc.constantFrom("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
		...named,
	}),
	fc.record({ kind: fc.constant("node" as const), name: label, port: fc.option(number) }),
	fc.record({ kind: fc.constantFrom("host", "address"), address, port: fc.option(number) }),
	fc.record({
		kind: fc.constant("url" as const),
		scheme: fc.constantFrom("http", "https"),
		host: label,
		port: number,
		path: fc.webPath().map((path) => `/${path.replace(/^\/+/, "")}`),
	}),
) as fc.Arbitrary<Reference>;

function canonical(text: string): string {
	const parsed = parseReference(`host/${text}`);
	return parsed.kind === "host" ? parsed.address : text;
}

describe("printReference", () => {
	it("is undone by parseReference", () => {
		fc.assert(
			fc.property(reference, (it) => {
				expect(parseReference(printReference(it))).toEqual(it);
			}),
		);
	});

	it("never fails otherwise than by TextError", () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(svc|pod|node|host)\/[a-z0-9/:.[\]-]*$/)), (text) => {
				try {
					const read = parseReference(text);
					expect(parseReference(printReference(read))).toEqual(read);
				} catch (error) {
					expect(error).toBeInstanceOf(TextError);
				}
			}),
			runs(2000),
		);
	});
});
