// Child processes for the scripts of this folder, without a shell: the same on Linux, macOS and Windows.
// Every script starts here, so this file may import nothing that is not part of Node.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where `npm ci` puts a package's file, whichever platform wrote the `.bin` links. @param {string} path */
export const installed = (path) => join(ROOT, "node_modules", ...path.split("/"));

/**
 * Runs a Node script to its end with the terminal's own streams; a failure ends this process with the child's status.
 * @param {string} what  said when it fails
 * @param {string[]} args  arguments of `node`
 * @returns {Promise<void>}
 */
export function node(what, args) {
	return new Promise((resolve) => {
		const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
		child.on("error", (error) => fail(what, error.message, 1));
		child.on("close", (code, signal) => {
			if (code === 0) resolve();
			else fail(what, signal === null ? `exit ${code}` : `signal ${signal}`, code ?? 1);
		});
	});
}

/**
 * Runs npm to its end. npm tells its scripts where it lives; outside npm it is found on the PATH.
 * @param {string} what
 * @param {string[]} args
 */
export function npm(what, args) {
	const cli = process.env.npm_execpath;
	const viaNode = cli?.endsWith(".js") === true;
	const windows = process.platform === "win32";
	const { status, error } = viaNode
		? spawnSync(process.execPath, [cli, ...args], { cwd: ROOT, stdio: ["inherit", 2, 2] })
		: spawnSync(windows ? "npm.cmd" : "npm", args, { cwd: ROOT, stdio: ["inherit", 2, 2], shell: windows });
	if (status !== 0) fail(what, error?.message ?? `exit ${status}`, status ?? 1);
}

/**
 * @param {string} what
 * @param {string} why
 * @param {number} status
 * @returns {never}
 */
function fail(what, why, status) {
	process.stderr.write(`${what} failed: ${why}\n`);
	process.exit(status);
}

/**
 * Runs a command, passing its output on while keeping a copy of stdout.
 * @param {string} file
 * @param {string[]} args
 * @param {{cwd?: string, env?: Record<string, string>}} [options]
 * @returns {Promise<{status: number, stdout: string}>}
 */
export function tee(file, args, options = {}) {
	return new Promise((resolve) => {
		const child = spawn(file, args, {
			cwd: options.cwd ?? ROOT,
			stdio: ["ignore", "pipe", "inherit"],
			env: { ...process.env, ...options.env },
		});
		let stdout = "";
		child.stdout.setEncoding("utf8");
		child.stdout.on("data", (chunk) => {
			stdout += chunk;
			process.stdout.write(chunk);
		});
		child.on("error", (error) => resolve({ status: 127, stdout: `${stdout}${error.message}\n` }));
		child.on("close", (code) => resolve({ status: code ?? 1, stdout }));
	});
}

/**
 * Every file below a folder (or the file itself), as paths with `/` relative to the checkout, sorted by code unit.
 * Folders whose name starts with `.` and node_modules are not entered.
 * @param {string} path  relative to the checkout
 * @returns {string[]}
 */
export function files(path) {
	const full = join(ROOT, path);
	if (!existsSync(full)) return [];
	if (!statSync(full).isDirectory()) return [path.split(sep).join("/")];
	return readdirSync(full)
		.filter((name) => !name.startsWith(".") && name !== "node_modules")
		.sort()
		.flatMap((name) => files(`${path}/${name}`));
}

/** Time of last change in ms; 0 where there is no such file. @param {string} path  relative to the checkout */
export function changed(path) {
	const full = join(ROOT, path);
	return existsSync(full) ? statSync(full).mtimeMs : 0;
}
