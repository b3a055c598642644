// A recording by its path (a URL in a browser), as `Cluster.replay` takes it: opened anew for each of its two readings.

import { openFile } from "#core";
import type { ReplaySource } from "../replay/reading.ts";

/** A capture or flow log; the format is told by its content. */
export function openFlows(path: string): ReplaySource {
	return { name: path, open: () => openFile(path) };
}
