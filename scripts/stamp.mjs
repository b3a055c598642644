// Which build a Wasm module is, in the module itself: a section of its own at the end, with the SHA-256 of all before it. An image of
// an engine's memory is of use to the very build that it was taken of, and a compiled module has no bytes to ask.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const NAME = "podwire.build";
const DIGEST = 32;
// A custom section: its number 0, bytes that follow, bytes of the name, the name. All lengths are below 128.
const HEAD = Buffer.from([0, 1 + NAME.length + DIGEST, NAME.length, ...Buffer.from(NAME)]);

/** Writes the section. @param {string} file */
export function stamp(file) {
	const bytes = readFileSync(file);
	writeFileSync(file, Buffer.concat([bytes, HEAD, createHash("sha256").update(bytes).digest()]));
}

/** What the section says, hexadecimal; the SHA-256 of a module without one. @param {Buffer} module */
export function buildIn(module) {
	const at = module.length - DIGEST;
	const isStamped = module.subarray(at - HEAD.length, at).equals(HEAD);
	return isStamped ? module.subarray(at).toString("hex") : createHash("sha256").update(module).digest("hex");
}
