// `podwire serve`: the cluster's API for kubectl and its kin, on this machine, until Ctrl-C.

import { readFileSync, rmSync } from "node:fs";
import { type Command, InvalidArgumentError, Option, Command as Program } from "commander";
import { canonicalAddress, isLoopback } from "../net/address.ts";
import { isOwnKubeconfig, kubeconfigText } from "../serve/kubeconfig.ts";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples } from "./options.ts";
import { writeWhole } from "./saving.ts";
import { openCluster, sayWarnings } from "./source.ts";
import { complaint, type Status, UsageError, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface ServeCommandOptions {
	cluster: ClusterFlags;
	listen: { address: string; port: number };
	kubeconfig: string;
	insecure: boolean;
	/** Seconds of the cluster's time in a second; null: paused. */
	speed: number | null;
	/** Where it is saved; null: nowhere. */
	snapshot: string | null;
}

type Raw = Omit<ServeCommandOptions, "cluster" | "speed" | "snapshot"> & {
	speed: number;
	paused: boolean;
	snapshot?: string;
} & Partial<Record<keyof ClusterFlags, unknown>>;

/** `ADDR:PORT`, `[ADDR]:PORT`, `:PORT`, on the loopback. */
function socket(text: string): ServeCommandOptions["listen"] {
	const [, six, four = "", digits = ""] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
	const port = Number(digits);
	if (digits === "" || port > 65535) throw new InvalidArgumentError("Expected ADDRESS:PORT, as in 127.0.0.1:6443.");
	const address = six ?? (four === "" || four === "localhost" ? "127.0.0.1" : four);
	if (!isLoopback(canonicalAddress(address) ?? ""))
		throw new InvalidArgumentError("Expected an address of this machine alone: 127.0.0.1, ::1, localhost.");
	return { address, port };
}

function factor(text: string): number {
	const speed = Number(text);
	if (!(speed > 0 && speed <= 10_000)) throw new InvalidArgumentError("Expected a number above 0 and up to 10000.");
	return speed;
}

export function serveCommand(context: Context, run: Run<ServeCommandOptions> = serve): Command {
	const command = new Program("serve").description("serve the cluster's API for kubectl on this machine");
	clusterOptions(command, { filesOptional: true })
		.addOption(
			new Option("--listen <addr:port>", "where; port 0 takes any that is free")
				.argParser(socket)
				.default({ address: "127.0.0.1", port: 6443 }, "127.0.0.1:6443"),
		)
		.option("--kubeconfig <file>", "written when the server is ready, removed at its end", "podwire.kubeconfig")
		.addOption(
			new Option("--speed <n>", "seconds of the cluster's time that pass in a second").argParser(factor).default(1),
		)
		.option("--paused", "time passes only as far as components need after what is written", false)
		.option("--snapshot <file>", "where the cluster is saved at the end, and on SIGUSR1: for --restore")
		.option("--insecure", "plain HTTP without a token: whoever reaches the port may do everything", false);
	examples(command, [
		"podwire serve -f shop.yaml",
		"podwire serve --nodes 5 --listen 127.0.0.1:0 --kubeconfig /tmp/podwire.kubeconfig",
		"podwire serve -f shop.yaml --speed 60",
		"podwire serve --restore shop.podwire --snapshot shop.podwire",
		"kubectl --kubeconfig podwire.kubeconfig get pods -A",
	]);
	return command.action((raw: Raw) => {
		const { listen, kubeconfig, insecure, speed, paused } = raw;
		const serving = { listen, kubeconfig, insecure, speed: paused ? null : speed };
		const options = { cluster: clusterFlags(raw), ...serving, snapshot: raw.snapshot ?? null };
		return context.perform(() => run(options, context.terminal), { stoppable: true });
	});
}

async function serve(options: ServeCommandOptions, terminal: Terminal): Promise<Status> {
	const { kubeconfig, insecure, listen, speed, snapshot } = options;
	checkOwn(kubeconfig);
	// What carries requests is large, and no other command needs it.
	const { serve: listening, identityOf } = await import("../serve/serve.ts");
	const start = BigInt(Date.now()) * 1_000_000n;
	const identity = insecure ? null : await identityOf(listen.address);
	const cluster = await openCluster(options.cluster, terminal, {
		now: () => start,
		...(identity === null ? {} : { rootCA: identity.authority }),
	});
	// Pods of a cluster that was served before are told of this authority in the place of that one.
	await cluster.advance(0);
	const save = async () => {
		if (snapshot === null) return;
		writeWhole(snapshot, await cluster.snapshot());
		terminal.say(`saved to ${snapshot}`);
	};
	const saveNow = () => void save().catch((error: unknown) => terminal.say(complaint(error)));
	let said = cluster.warnings.length;
	const served = await listening(cluster, {
		...listen,
		identity,
		speed,
		namespace: options.cluster.namespace,
		onError: (error) => terminal.say(complaint(error)),
		onSettled: () => {
			sayWarnings(cluster.warnings.slice(said), terminal);
			said = cluster.warnings.length;
		},
	});
	try {
		writeWhole(kubeconfig, kubeconfigText(served.access));
		if (snapshot !== null) process.on("SIGUSR1", saveNow);
		terminal.say(`serving ${served.access.url}; kubectl --kubeconfig ${kubeconfig} get pods -A`);
		await aborted(terminal.signal);
	} finally {
		process.off("SIGUSR1", saveNow);
		rmSync(kubeconfig, { force: true });
		await served.close();
	}
	await save();
	cluster.dispose();
	return YES;
}

/** A kubeconfig of somebody's cluster is not written over. */
function checkOwn(file: string): void {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	if (!isOwnKubeconfig(text))
		throw new UsageError(`--kubeconfig ${file}: is there and not podwire's; name another file`);
	// Who waits for it to appear must not see that of a server which is no more.
	rmSync(file);
}

function aborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
