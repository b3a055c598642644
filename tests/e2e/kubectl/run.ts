// A kubectl run to its end in a folder of its own: what it printed, and how it ended.

import { spawn } from "node:child_process";
import { join } from "node:path";

export interface Ended {
	code: number;
	out: string;
	err: string;
}

export interface Place {
	binary: string;
	/** Its working directory, home and cache. */
	folder: string;
	/** `--server …` or `--kubeconfig …`. */
	connection: readonly string[];
	/** Further variables of the environment. */
	env?: Readonly<Record<string, string>>;
}

/** `input`: what it reads from stdin. */
export async function run(place: Place, args: readonly string[], input = ""): Promise<Ended> {
	const { binary, folder, connection, env = {} } = place;
	const child = spawn(binary, [...connection, "--cache-dir", join(folder, "cache"), ...args], {
		cwd: folder,
		env: { HOME: folder, PATH: process.env.PATH, ...env },
		// A command that waits for what never comes fails its test instead of holding it up.
		timeout: 120_000,
	});
	child.stdin.end(input);
	const [out, err]: string[][] = [[], []];
	child.stdout.on("data", (chunk) => out?.push(String(chunk)));
	child.stderr.on("data", (chunk) => err?.push(String(chunk)));
	const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? -1)));
	return { code, out: out?.join("") ?? "", err: err?.join("") ?? "" };
}
