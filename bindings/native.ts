// Chooses between the two forms of the engine on hosts that can load addons: the one that `npm run build:native` made,
// where it was made from this very `core.wasm`, else the module itself.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type Backend, EngineError, type EngineModule, type NativeModule } from "./core.ts";

/**
 * The engine of `core.wasm`'s bytes, native where `addon` is a file that holds just that engine.
 * Throws EngineError where `backend` asks for what is not there; without a `backend` that is no error.
 */
export async function engineModule(
	wasm: Uint8Array<ArrayBuffer>,
	addon: URL | null,
	backend?: Backend,
): Promise<EngineModule> {
	if (backend === "wasm") return WebAssembly.compile(wasm);
	const native =
		addon === null ? "may not be loaded: on Deno, allow it with --allow-ffi" : await loadAddon(addon, wasm);
	if (typeof native !== "string") return native;
	if (backend === "native") throw new EngineError(`the native engine ${native}`);
	return WebAssembly.compile(wasm);
}

/** The addon, or what is the matter with it. */
async function loadAddon(addon: URL, wasm: Uint8Array): Promise<NativeModule | string> {
	if (addon.protocol !== "file:" || !existsSync(addon)) return "is not built: npm run build:native";
	const native: NativeModule = createRequire(import.meta.url)(fileURLToPath(addon));
	const { createHash } = await import("node:crypto"); // who has no addon does not wait for it
	const source = createHash("sha256").update(wasm).digest("hex");
	return native.source === source ? native : "was built from another core.wasm: npm run build:native";
}
