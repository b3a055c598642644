// AssemblyScript specs: assembly/__tests__/*.spec.ts, each compiled with the files that it imports and run on its own.
export default {
	entries: ["assembly/__tests__/**/*.spec.ts"],
	include: ["assembly/__tests__/**/*.include.ts"],
	disclude: [/node_modules/],
	async instantiate(memory, createImports, instantiate, binary) {
		return instantiate(binary, createImports({ env: { memory } }));
	},
	outputBinary: false,
};
