// A lab: a topology out of real Linux network namespaces, and real packets from real sockets in it. Nothing leaves the
// namespaces. Needs root on Linux with iproute2 and iptables (and ipset, conntrack-tools where used).

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type {
	ConntrackEntryJson,
	Probe,
	ProbeAction,
	ProbeDetail,
	ProbeResult,
	Prober,
	ProbeStep,
} from "../net/probe.ts";
import { isAction, summarise } from "../net/probe.ts";
import type { Topology } from "../net/topology.ts";
import { Agent, LabError } from "./agent.ts";
import { type Backend, planLab, restoreCommand, saveCommand } from "./plan.ts";

export { LabError } from "./agent.ts";
export type { Backend } from "./plan.ts";

export interface LabOptions {
	/** Default `legacy`. */
	backend?: Backend;
	/** Record hops; default true. Without it timeouts are waited for in full. */
	sniff?: boolean;
	/** Conntrack entries of results carry their timeouts. */
	timeouts?: boolean;
}

export interface BulkResult {
	/** Answers by server, `pod a`. */
	servers: Record<string, number>;
	outcomes: Record<string, number>;
}

interface Answer {
	attempts: ProbeDetail[];
	ruleHits?: Record<string, string[]>;
	hops?: string[];
}

export class Lab implements Prober, AsyncDisposable {
	readonly #agent: Agent;
	readonly #backend: Backend;
	#stepIndex = 0;

	/** The process that holds the namespaces. */
	readonly pid: number;

	private constructor(agent: Agent, backend: Backend, pid: number) {
		this.pid = pid;
		this.#agent = agent;
		this.#backend = backend;
	}

	static async open(topology: Topology, options: LabOptions = {}): Promise<Lab> {
		const backend = options.backend ?? "legacy";
		const missing = missingForLab(backend);
		if (missing !== null) throw new LabError(`a lab ${missing}`);
		const { netns, steps, vxlanPort } = planLab(topology, backend);
		const agent = new Agent();
		try {
			const { sniff = true, timeouts = false } = options;
			const save = saveCommand(backend);
			const built = { netns, steps, vxlanPort, sniff, timeouts, save };
			const { pid } = await agent.call<{ pid: number }>("build", built);
			return new Lab(agent, backend, pid);
		} catch (error) {
			await agent.close();
			throw error;
		}
	}

	/** Sends one probe: all its attempts, one after the other. */
	async probe(probe: Probe): Promise<ProbeResult> {
		const answer = await this.#agent.call<Answer>("probe", { index: this.#stepIndex++, probe });
		return resultOf(probe, answer);
	}

	async act({ action }: ProbeAction): Promise<void> {
		this.#stepIndex++;
		if (action.iptablesRestore) {
			const { node, text, noflush } = action.iptablesRestore;
			const argv = [...restoreCommand(this.#backend), ...(noflush ? ["--noflush"] : [])];
			await this.#agent.call("run", { netns: `node:${node}`, argv, stdin: text.endsWith("\n") ? text : `${text}\n` });
		}
		if (action.conntrackFlush)
			await this.#agent.call("run", { netns: `node:${action.conntrackFlush}`, argv: ["conntrack", "-F"] });
		if (action.sleep) await this.#agent.call("sleep", { seconds: action.sleep });
		if (action.release) await this.#agent.call("release");
	}

	/** Steps in order; results of the probes among them. */
	async probes(steps: readonly ProbeStep[]): Promise<ProbeResult[]> {
		const results: ProbeResult[] = [];
		for (const step of steps) {
			if (isAction(step)) await this.act(step);
			else results.push(await this.probe(step));
		}
		return results;
	}

	/** Probes sent at the same time, one attempt each: for many that time out. Rule hits are not told, for nobody can tell whose they are. */
	async together(probes: readonly Probe[]): Promise<ProbeResult[]> {
		const answers = await this.#agent.call<Answer[]>("together", { probes });
		return answers.map((answer, index) => resultOf(probes[index] as Probe, answer));
	}

	/** `count` attempts as fast as they go. */
	bulk(probe: Probe, count: number): Promise<BulkResult> {
		return this.#agent.call<BulkResult>("bulk", { probe, count });
	}

	/** Every entry of a namespace's table (`node:n1`, `router`). */
	conntrack(netns: string): Promise<ConntrackEntryJson[]> {
		return this.#agent.call("conntrack", { netns });
	}

	/** `iptables-save` of a namespace, with or without counters. */
	iptablesSave(netns: string, counters = false): Promise<string> {
		const [command = "", ...flags] = saveCommand(this.#backend);
		return this.#agent.call("run", { netns, argv: counters ? [command, ...flags] : [command] });
	}

	/** Standard output of a command run in a namespace. */
	run(netns: string, argv: string[], stdin = ""): Promise<string> {
		return this.#agent.call("run", { netns, argv, stdin });
	}

	/** Ends it; every namespace is gone afterwards. */
	close(): Promise<void> {
		return this.#agent.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

export function openLab(topology: Topology, options: LabOptions = {}): Promise<Lab> {
	return Lab.open(topology, options);
}

/** What this machine lacks for a lab, as the end of a sentence (`needs root on Linux`); null where nothing. */
export function missingForLab(backend: Backend = "legacy"): string | null {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
	const commands = [
		"ip",
		"bridge",
		"conntrack",
		"ipset",
		...restoreCommand(backend),
		saveCommand(backend)[0] as string,
	];
	const absent = commands.filter((command) => !isInstalled(command));
	return absent.length === 0 ? null : `needs root on Linux with ${absent.join(", ")}`;
}

function isInstalled(command: string): boolean {
	const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
	return folders.some((folder) => {
		try {
			accessSync(join(folder, command), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

function resultOf(probe: Probe, answer: Answer): ProbeResult {
	const result: ProbeResult = { probe, summary: summarise(probe, answer.attempts) };
	if (answer.attempts.length === 1 && answer.attempts[0]) result.result = answer.attempts[0];
	if (answer.ruleHits) result.ruleHits = answer.ruleHits;
	if (answer.hops) result.hops = answer.hops;
	return result;
}
