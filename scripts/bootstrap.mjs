// Makes a checkout ready to run: dependencies as the lockfile says, then what is built from the sources.
// Does nothing where nothing is out of date, so the other scripts call it first.

import { build } from "./build.mjs";
import { install } from "./install.mjs";

/** @param {{checked?: boolean}} [options]  `checked`: with the module in which every access is checked, for tests */
export async function bootstrap(options = {}) {
	install();
	await build(options);
}
