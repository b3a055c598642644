// Ports and ICMP ids that a kernel chose at run time (ephemeral source ports, MASQUERADE's replacements) differ from run to
// run. Two results agree when one one-to-one renaming of such ports, and one of such ids, turns the one into the other. Those
// that somebody wrote down (a listener's, a rule's) are literal and never renamed. A recording's `eph` stands for any: it knows
// only the scenario's listeners and probes, so that a port that only a rule names is `eph` there too.
// Classes as in the kernel's nf_nat_l4proto_unique_tuple: ports 1–511, 512–1023 and 1024–65535 do not mix; of ids there is one.

import { isAction, type PortJson, type ProbeStep } from "../net/probe.ts";

/** Numbers of one space, and how those of one side are called on the other. */
interface Names {
	readonly literal: ReadonlySet<number>;
	readonly forward: Map<number, number>;
	readonly backward: Map<number, number>;
}

export class Renaming {
	readonly #ports: Names;
	readonly #ids: Names;
	/** Expected numbers in the order they were bound, so that a failed attempt can be taken back. */
	readonly #bound: { names: Names; expected: number }[] = [];

	/** What is literal: ports, ICMP ids. */
	constructor(ports: Iterable<number> = [], ids: Iterable<number> = []) {
		this.#ports = { literal: new Set(ports), forward: new Map(), backward: new Map() };
		this.#ids = { literal: new Set(ids), forward: new Map(), backward: new Map() };
	}

	/** Whether port `got` may stand where `expected` stood; binds the two for good if so. */
	same(expected: PortJson, got: PortJson): boolean {
		return this.#same(this.#ports, expected, got, (port) => (port < 512 ? 0 : port < 1024 ? 1 : 2));
	}

	/** The same of ICMP ids. */
	sameId(expected: PortJson, got: PortJson): boolean {
		return this.#same(this.#ids, expected, got, () => 0);
	}

	#same(names: Names, expected: PortJson, got: PortJson, classOf: (number: number) => number): boolean {
		if (expected === "eph" || got === "eph") return true;
		if (names.literal.has(expected) || names.literal.has(got)) return expected === got;
		const known = names.forward.get(expected);
		if (known !== undefined) return known === got;
		if (names.backward.has(got) || classOf(expected) !== classOf(got)) return false;
		names.forward.set(expected, got);
		names.backward.set(got, expected);
		this.#bound.push({ names, expected });
		return true;
	}

	/** Whether two texts are equal but for their ports (`ADDRESS:PORT`), and those are the same. All or nothing is bound. */
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
		for (const { names, expected } of this.#bound.splice(mark).reverse()) {
			names.backward.delete(names.forward.get(expected) as number);
			names.forward.delete(expected);
		}
	}
}

const PORT = /(?<=\d:)(?:eph|\d+)\b/;
const PORTS = new RegExp(PORT, "g");

function skeleton(text: string, ports: PortJson[]): string {
	return text.replace(PORTS, (port) => {
		ports.push(port === "eph" ? port : Number(port));
		return "?";
	});
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

/** Every ICMP id that a probe names. */
export function literalIds(steps: readonly ProbeStep[]): Set<number> {
	const ids = steps.flatMap((step) => {
		if (isAction(step)) return [];
		const { proto, sport, raw } = step;
		return [proto === "icmp" ? sport : null, raw?.id, raw?.inner?.icmpId];
	});
	return new Set(ids.filter((id): id is number => typeof id === "number"));
}
