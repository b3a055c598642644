// The pure texts under Deno, from their sources: same answers, same errors.

import { parseIptablesSave, printIptablesSave } from "../../js/net/iptables/index.ts";
import { parseReference, printReference } from "../../js/net/reference.ts";

function equal(got: unknown, expected: unknown): void {
	const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
	if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

Deno.test("references are read and printed", () => {
	for (const text of ["svc/default/cart:7070", "host/198.51.100.21", "[2001:db8::1]:53"]) {
		equal(printReference(parseReference(text)), text);
	}
});

Deno.test("a wrong reference is pointed at", () => {
	try {
		parseReference("svc/default/cart:70000");
	} catch (error) {
		equal((error as { column: number }).column, 18);
		return;
	}
	throw new Error("expected a refusal");
});

Deno.test("iptables text round-trips", () => {
	const text =
		"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n";
	const lines = printIptablesSave(parseIptablesSave(text))
		.split("\n")
		.filter((line) => !line.startsWith("#"));
	equal(lines.join("\n"), text);
});
