// Everything in tests/ that is a *.test.ts: units, conformance cases, kernel comparisons, end to end.
// Deno's own tests (tests/deno) and the AssemblyScript specs have their own runners; `npm test` runs all of them.
import { defineConfig } from "vitest/config";
import { patience } from "./tests/runs.ts";

export default defineConfig({
	// As package.json's imports and exports, which name the built files; examples are tested over the sources.
	resolve: {
		alias: [
			{ find: "#agent", replacement: new URL("./js/serve/agent.ts", import.meta.url).pathname },
			{ find: "#core", replacement: new URL("./bindings/node.ts", import.meta.url).pathname },
			{ find: /^podwire$/, replacement: new URL("./js/index.ts", import.meta.url).pathname },
		],
	},
	test: {
		include: ["tests/**/*.test.ts", "examples/testing/informer.test.mjs"],
		exclude: ["tests/deno/**"],
		environment: "node",
		pool: "forks",
		setupFiles: ["tests/setup.ts"],
		// Of what hangs, not of what is slow: a machine may be busy.
		testTimeout: patience(300_000),
		hookTimeout: 300_000,
	},
});
