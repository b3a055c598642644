// `npm run demo`: on a fresh clone installs, builds, and runs the shop example; afterwards only runs it.

import { bootstrap } from "./bootstrap.mjs";
import { node } from "./run.mjs";

await bootstrap();
await node("demo", ["--enable-source-maps", "examples/shop/demo.mjs", ...process.argv.slice(2)]);
