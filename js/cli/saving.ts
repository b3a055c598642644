// Files that others rely on, written whole or not at all.

import { renameSync, rmSync, writeFileSync } from "node:fs";

/** For the owner's eyes. What was there stays until the new content is on the disk. */
export function writeWhole(file: string, content: string | Uint8Array): void {
	const draft = `${file}.${process.pid}`;
	try {
		writeFileSync(draft, content, { mode: 0o600, flush: true });
		renameSync(draft, file);
	} catch (error) {
		rmSync(draft, { force: true });
		throw error;
	}
}
