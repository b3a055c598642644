// Prints the table of rooms as Markdown; run as a program (`npm run rooms`) it writes the table into ARCHITECTURE.md.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ROOMS, type Room, UNBOUND } from "./rooms.ts";

export const DOCUMENT = "ARCHITECTURE.md";
const BEGIN = "<!-- rooms: written by `npm run rooms` from tests/tidy/rooms.ts -->";
const END = "<!-- /rooms -->";

const shown = (name: string) => (/\.\w+$/.test(name) ? `\`${name}\`` : `\`${name}/\``);

function permissions(room: Room): string {
	if (room.says !== undefined) return room.says;
	const parts = [
		...room.may.filter((name) => !name.startsWith(`${room.name}/`)).map(shown),
		...(room.types ?? []).map((name) => `types of ${shown(name)}`),
		...(room.packages ?? []).map((name) => (name === "node:" ? "Node's own modules" : `package \`${name}\``)),
	];
	return parts.length > 0 ? parts.join(", ") : "nothing of ours";
}

export function table(): string {
	const rows = [
		...ROOMS.map((room) => [shown(room.name), room.holds, permissions(room)]),
		...UNBOUND.map(({ name, holds }) => [shown(name), holds, "anything"]),
	];
	const lines = [["folder", "holds", "may import"], ["---", "---", "---"], ...rows].map(
		(row) => `| ${row.join(" | ")} |`,
	);
	return `${BEGIN}\n${lines.join("\n")}\n${END}`;
}

/** The document with its table brought up to date. */
export function withTable(text: string): string {
	const from = text.indexOf(BEGIN);
	const to = text.indexOf(END);
	if (from < 0 || to < from) throw new Error(`${DOCUMENT}: found no "${BEGIN}" … "${END}"`);
	return text.slice(0, from) + table() + text.slice(to + END.length);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, "utf8")));
}
