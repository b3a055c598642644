// `node scripts/ts.mjs FILE.ts ARG…`: makes the checkout ready, then runs a TypeScript file of tests/ or bench/.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bootstrap } from "./bootstrap.mjs";
import { ROOT } from "./run.mjs";

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
	process.stderr.write("usage: node scripts/ts.mjs FILE.ts ARG…\n");
	process.exit(2);
}
await bootstrap();
const hook = pathToFileURL(join(ROOT, "scripts/typescript.mjs")).href;
// Folders and files named on the command line are relative to where the user stands, so the working directory stays.
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--import", hook, join(ROOT, file), ...args], {
	stdio: "inherit",
});
process.exit(status ?? 1);
