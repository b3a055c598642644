// Everything in tests/ that is a *.test.ts: units, conformance cases, kernel comparisons, end to end.
// Deno's own tests (tests/deno) and the AssemblyScript specs have their own runners; `npm test` runs all of them.
import { defineConfig } from "vitest/config";

export default defineConfig({
	// As package.json's imports, which name the built file.
	resolve: { alias: { "#core": new URL("./bindings/node.ts", import.meta.url).pathname } },
	test: {
		include: ["tests/**/*.test.ts"],
		exclude: ["tests/deno/**"],
		environment: "node",
		pool: "forks",
		testTimeout: 60_000,
		hookTimeout: 60_000,
	},
});
