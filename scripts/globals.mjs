// A transform of asc: gives `saveGlobals` and `loadGlobals` of assembly/index.ts their bodies, a line a variable of the module's top
// level. With the linear memory they are all that an engine is, and no list of them can be forgotten to be kept up.

import binaryen from "assemblyscript/binaryen";
import { Transform } from "assemblyscript/transform";

const SAVE = "assembly/index/saveGlobals";
const LOAD = "assembly/index/loadGlobals";
const BYTES = 8;

export default class Globals extends Transform {
	/** @param {binaryen.Module} module */
	afterCompile(module) {
		const all = Array.from({ length: module.getNumGlobals() }, (_, i) =>
			binaryen.getGlobalInfo(module.getGlobalByIndex(i)),
		);
		const own = all.filter(({ mutable, module: from }) => mutable && !from);
		const at = () => module.local.get(0, binaryen.i32);
		const saves = own.map(({ name, type }, i) => store(module, type, i * BYTES, at(), module.global.get(name, type)));
		const loads = own.map(({ name, type }, i) => module.global.set(name, load(module, type, i * BYTES, at())));
		const count = module.i32.const(own.length * BYTES);
		replace(module, SAVE, binaryen.i32, module.block(null, [...saves, count], binaryen.i32));
		replace(module, LOAD, binaryen.none, module.block(null, loads, binaryen.none));
	}
}

/**
 * @param {binaryen.Module} module
 * @param {string} name
 * @param {number} result
 * @param {number} body
 */
function replace(module, name, result, body) {
	module.removeFunction(name);
	module.addFunction(name, binaryen.createType([binaryen.i32]), result, [], body);
}

/**
 * @param {binaryen.Module} module
 * @param {number} type
 * @param {number} offset
 * @param {number} at
 * @param {number} value
 */
function store(module, type, offset, at, value) {
	if (type === binaryen.i32) return module.i32.store(offset, 4, at, value);
	if (type === binaryen.i64) return module.i64.store(offset, 8, at, value);
	throw new Error(`a variable of the engine is neither i32 nor i64: ${type}`);
}

/**
 * @param {binaryen.Module} module
 * @param {number} type
 * @param {number} offset
 * @param {number} at
 */
function load(module, type, offset, at) {
	return type === binaryen.i32 ? module.i32.load(offset, 4, at) : module.i64.load(offset, 8, at);
}
