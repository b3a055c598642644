// Ports that a kernel chose at run time (ephemeral source ports, MASQUERADE's replacements, ICMP ids) differ from run to
// run. Two results agree when one one-to-one renaming of such ports turns the one into the other. Ports that somebody wrote
// down (a listener's, a rule's) are literal and never renamed. A recording's `eph` stands for any port: it knows only the
// scenario's listeners and probes, so that a port that only a rule names is `eph` there too.
// Classes as in the kernel's nf_nat_l4proto: 1–511, 512–1023 and 1024–65535 do not mix.

import type { PortJson } from "../net/probe.ts";

export class Renaming {
	readonly #literal: ReadonlySet<number>;
	readonly #forward = new Map<number, number>();
	readonly #backward = new Map<number, number>();
	/** Expected ports in the order they were bound, so that a failed attempt can be taken back. */
	readonly #bound: number[] = [];

	constructor(literal: Iterable<number> = []) {
		this.#literal = new Set(literal);
	}

	/** Whether `got` may stand where `expected` stood; binds the two for good if so. */
	same(expected: PortJson, got: PortJson): boolean {
		if (expected === "eph" || got === "eph") return true;
		if (this.#literal.has(expected) || this.#literal.has(got)) return expected === got;
		const known = this.#forward.get(expected);
		if (known !== undefined) return known === got;
		if (this.#backward.has(got) || portClass(expected) !== portClass(got)) return false;
		this.#forward.set(expected, got);
		this.#backward.set(got, expected);
		this.#bound.push(expected);
		return true;
	}

	/** Whether two texts are equal but for their ports (`ADDRESS:PORT`, `id N`), and those are the same. All or nothing is bound. */
	sameText(expected: string, got: string): boolean {
		if (expected === got && !PORT.test(expected)) return true;
		const expectedPorts: PortJson[] = [];
		const gotPorts: PortJson[] = [];
		if (skeleton(expected, expectedPorts) !== skeleton(got, gotPorts)) return false;
		const mark = this.mark();
		const same = expectedPorts.every((port, index) => this.same(port, gotPorts[index] as PortJson));
		if (!same) this.rollback(mark);
		return same;
	}

	/** A point to return to. */
	mark(): number {
		return this.#bound.length;
	}

	/** Forgets every pair bound since `mark`. */
	rollback(mark: number): void {
		while (this.#bound.length > mark) {
			const expected = this.#bound.pop() as number;
			this.#backward.delete(this.#forward.get(expected) as number);
			this.#forward.delete(expected);
		}
	}
}

const PORT = /(?<=\d:)(?:eph|\d+)\b|(?<=\bid )(?:eph|\d+)\b/;
const PORTS = new RegExp(PORT, "g");

function skeleton(text: string, ports: PortJson[]): string {
	return text.replace(PORTS, (port) => {
		ports.push(port === "eph" ? port : Number(port));
		return "?";
	});
}

function portClass(port: number): number {
	if (port < 512) return 0;
	return port < 1024 ? 1 : 2;
}

/** Every number in a JSON value or rule text that could be a port somebody wrote down. The ends of `MIN-MAX` are not: a port of the range is chosen at run time. */
export function literalPorts(...values: unknown[]): Set<number> {
	const ports = new Set<number>();
	for (const value of values) {
		const text = (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).replace(/\d+-\d+/g, "");
		for (const [word] of text.matchAll(/\b\d{1,5}\b/g)) {
			const port = Number(word);
			if (port > 0 && port < 65536) ports.add(port);
		}
	}
	return ports;
}
