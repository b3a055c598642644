// The garbage collector, which V8 shows to those who ask: the tables of one subject are hundreds of megabytes, and let go before
// the next one's. A page has none to call.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Makes `globalThis.gc` what it is under `--expose-gc`. */
export function exposeCollector(): void {
	setFlagsFromString("--expose-gc");
	globalThis.gc ??= runInNewContext("gc");
}
