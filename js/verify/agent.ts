// The agent process: one Python program that owns the namespaces, driven by JSON lines. When it ends, however it ends, the
// kernel removes every namespace it made, for nothing else holds them.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The distribution's own Python starts without a version manager's shim. */
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
const PROGRAM = fileURLToPath(new URL("./agent", import.meta.url));

/** Something went wrong in the lab itself: a command failed, a step could not be done. Never a probe's outcome. */
export class LabError extends Error {
	/** Where in the agent; for whoever mends it. */
	readonly where: string | undefined;

	constructor(message: string, where?: string) {
		super(message);
		this.name = "LabError";
		this.where = where;
	}
}

interface Pending {
	resolve(value: unknown): void;
	reject(error: Error): void;
}

export class Agent {
	readonly #process: ChildProcess;
	readonly #pending = new Map<number, Pending>();
	readonly #exited: Promise<void>;
	#next = 1;
	#stderr = "";

	constructor() {
		this.#process = spawn(PYTHON, ["-I", "-S", "-B", PROGRAM], { stdio: ["pipe", "pipe", "pipe"] });
		this.#exited = new Promise((resolve) => this.#process.once("close", () => resolve()));
		this.#process.once("error", (error) => this.#fail(error));
		this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.#stderr = (this.#stderr + text).slice(-4000);
		});
		this.#process.stdin?.on("error", () => {});
		if (this.#process.stdout)
			createInterface({ input: this.#process.stdout }).on("line", (line) => this.#receive(line));
		this.#exited.then(() =>
			this.#fail(new LabError(`the lab's agent ended: ${this.#stderr.trim() || `status ${this.#process.exitCode}`}`)),
		);
	}

	call<T>(op: string, parameters: object = {}): Promise<T> {
		if (this.#process.exitCode !== null || !this.#process.stdin?.writable)
			return Promise.reject(new LabError("the lab is closed"));
		const id = this.#next++;
		return new Promise<T>((resolve, reject) => {
			this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
			this.#process.stdin?.write(`${JSON.stringify({ id, op, ...parameters })}\n`);
		});
	}

	/** Ends the agent, and the namespaces with it. */
	async close(): Promise<void> {
		this.#process.stdin?.end();
		const timer = setTimeout(() => this.#process.kill("SIGKILL"), 2000);
		await this.#exited;
		clearTimeout(timer);
	}

	#receive(line: string): void {
		const { id, value, error, where } = JSON.parse(line) as {
			id: number;
			value?: unknown;
			error?: string;
			where?: string;
		};
		const pending = this.#pending.get(id);
		this.#pending.delete(id);
		if (error === undefined) pending?.resolve(value);
		else pending?.reject(new LabError(error, where));
	}

	#fail(error: Error): void {
		for (const pending of this.#pending.values()) pending.reject(error);
		this.#pending.clear();
	}
}
