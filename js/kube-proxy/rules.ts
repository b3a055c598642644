// The text that kube-proxy feeds to iptables-restore, being put together: chain lines first, then rules, per table,
// in the order they are written.

export class TableText {
	readonly name: "filter" | "nat";
	readonly chains: string[] = [];
	/** Some of them several rules in one text. */
	readonly rules: string[] = [];
	/** How many `rules` stand for, beside their number. */
	#more = 0;
	/** Rules that a partial sync leaves as they are in the kernel. */
	skippedRules = 0;
	/** Names of the chains declared, for finding stale ones; those of skipped Services count too. */
	readonly active = new Set<string>();

	constructor(name: "filter" | "nat") {
		this.name = name;
	}

	/** How many rules are written. */
	get ruleCount(): number {
		return this.rules.length + this.#more;
	}

	chain(name: string): void {
		this.active.add(name);
		this.chains.push(`:${name} - [0:0]`);
	}

	/** `words` after `-A CHAIN`. */
	append(chain: string, ...words: string[]): void {
		this.rules.push(`-A ${[chain, ...words].join(" ")}`);
	}

	/** A stale chain: declaring it flushes it, then it can be deleted. */
	deleteChain(name: string): void {
		this.chains.push(`:${name} - [0:0]`);
		this.rules.push(`-X ${name}`);
	}

	/** Takes what `other` holds: written out, or only counted. */
	take(other: TableText, written: boolean): void {
		for (const name of other.active) this.active.add(name);
		if (written) {
			if (other.chains.length > 0) this.chains.push(other.chains.join("\n"));
			if (other.rules.length === 0) return;
			// Of a few rules one text, for there are hundreds of thousands, and all are kept until the end.
			this.rules.push(other.rules.join("\n"));
			this.#more += other.ruleCount - 1;
		} else {
			this.skippedRules += other.ruleCount;
		}
	}

	toString(): string {
		return [`*${this.name}`, ...this.chains, ...this.rules, "COMMIT", ""].join("\n");
	}
}

/** A comment of several words, quoted as kube-proxy writes it. */
export function comment(text: string): string[] {
	return ["-m", "comment", "--comment", `"${text}"`];
}

/** A comment that is one word, unquoted. */
export function plainComment(text: string): string[] {
	return ["-m", "comment", "--comment", text];
}

export function matchProtocol(protocol: string): string[] {
	return ["-m", protocol, "-p", protocol];
}

/** The mark that asks for masquerading: `0x4000`. Upstream's binary pads it (`0x00004000`); the value is the same. */
export function formatMark(bit: number): string {
	return `0x${(2 ** bit).toString(16)}`;
}
