// `npm run bench:deno -- …`: the benchmarks under Deno, with the arguments of `npm run bench`. Node compiles what they need first.

import { spawnSync } from "node:child_process";
import { bootstrap } from "../scripts/bootstrap.mjs";
import { installed, node, ROOT } from "../scripts/run.mjs";

await bootstrap();
await node("the benchmarks' module", ["scripts/ts.mjs", "bench/wasm/compile.ts"]);
const deno = installed("deno/bin.cjs");
const { status } = spawnSync(
	process.execPath,
	[deno, "run", "--no-check", "-A", "--v8-flags=--expose-gc", "bench/index.ts", ...process.argv.slice(2)],
	{ cwd: ROOT, stdio: "inherit", env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" } },
);
process.exit(status ?? 1);
