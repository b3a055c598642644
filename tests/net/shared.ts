// Where the shared test data lies: `../shared/data` beside the project, absent on a user's machine.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../shared/data/", import.meta.url));

/** Path of the shared data, or null where there is none. */
export const sharedData: string | null = existsSync(folder) ? folder : null;
