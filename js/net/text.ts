// Words of a line with their columns, for texts whose words are parted by blanks (`ip route`, `ip addr`,
// `conntrack -L`, `ipset save`).

export interface TextWord {
	text: string;
	/** 1-based, in the line. */
	column: number;
}

/** The words of a line. */
export function wordsOf(line: string): TextWord[] {
	return [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: (match.index ?? 0) + 1 }));
}

/** The lines of a text, without their line ends; a last empty one does not count. */
export function linesOf(text: string): string[] {
	const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
	if (lines.at(-1) === "") lines.pop();
	return lines;
}
