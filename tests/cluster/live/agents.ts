// The agents of one node as upstream has them, over iptables: each sync feeds its text in, and nothing is remembered of rules.

import { execFileSync } from "node:child_process";
import type { Node, Service } from "../../../js/api/core.ts";
import type { EndpointSlice } from "../../../js/api/discovery.ts";
import { keyOf } from "../../../js/api/key.ts";
import type { KubernetesObject } from "../../../js/api/meta.ts";
import { proxyConfigOf, proxyNode } from "../../../js/cluster/live/rules.ts";
import { DEFAULT_IP_MASQ_CONFIG, ipMasqJump, ipMasqRestore } from "../../../js/cni/ipmasq.ts";
import type { Cluster } from "../../../js/index.ts";
import { kubeletRestore, proxyRestore } from "../../../js/kube-proxy/jumps.ts";
import { syncProxyRules } from "../../../js/kube-proxy/sync.ts";
import type { Configuration } from "../../../js/manifests/configuration.ts";
import { TextError } from "../../../js/net/error.ts";
import {
	applyRestore,
	asLoaded,
	emptyRuleset,
	parseIptablesSave,
	printIptablesSave,
} from "../../../js/net/iptables/index.ts";
import type { Ruleset } from "../../../js/net/ruleset.ts";

/** A text for iptables-restore. */
export const table = (name: string, ...lines: string[]) => [`*${name}`, ...lines, "COMMIT", ""].join("\n");

/** iptables of one node. */
export interface Tool {
	begin(text: string): void;
	/** `--noflush`; false: a table was refused, and nothing has changed of it and those behind it. */
	restore(text: string): boolean;
	save(): string;
}

export class ReadTool implements Tool {
	#ruleset: Ruleset = emptyRuleset("ipv4");

	begin(text: string): void {
		this.#ruleset = parseIptablesSave(text);
	}

	restore(text: string): boolean {
		try {
			for (const one of text.split(/(?<=^COMMIT\n)/m))
				this.#ruleset = applyRestore(this.#ruleset, one, { noflush: true });
			return true;
		} catch (error) {
			if (error instanceof TextError) return false;
			throw error;
		}
	}

	save(): string {
		return printIptablesSave(asLoaded(this.#ruleset, { backend: "nft" }));
	}
}

export const NETNS = `podwire-foreign-${process.pid}`;

export function run(command: string[], input = ""): string {
	const [file = "", ...words] = command;
	return execFileSync(file, words, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

export const KERNEL: Tool = {
	begin(text) {
		run(["ip", "netns", "exec", NETNS, "iptables-nft-restore"], text);
	},
	restore(text) {
		try {
			run(["ip", "netns", "exec", NETNS, "iptables-nft-restore", "--noflush", "--counters"], text);
			return true;
		} catch {
			return false;
		}
	},
	save() {
		return run(["ip", "netns", "exec", NETNS, "iptables-nft-save"]);
	},
};

export function hasTools(): boolean {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
	try {
		run(["ip", "netns", "list"]);
		return run(["iptables-nft", "--version"]) !== "";
	} catch {
		return false;
	}
}

/** By table and chain: the kernel's tables are in another order, its rules are not. */
export function linesOf(text: string): string[] {
	let table = "";
	const lines: string[] = [];
	for (const line of text.split("\n")) {
		if (line.startsWith("*")) table = line;
		else if (line.startsWith(":")) lines.push(`${table} ${line.split(" ").slice(0, 2).join(" ")}`);
		else if (line.startsWith("-A")) lines.push(`${table} ${line}`);
	}
	const chainOf = (line: string) => line.split(" ").slice(0, 3).join(" ");
	return lines
		.map((line, at) => ({ line, at }))
		.sort((a, b) => (chainOf(a.line) < chainOf(b.line) ? -1 : chainOf(a.line) > chainOf(b.line) ? 1 : a.at - b.at))
		.map(({ line }) => line);
}

export const MS = 1_000_000n;

export class Agents {
	readonly #tool: Tool;
	readonly #configuration: Configuration;
	#known: ReadonlyMap<string, string>;
	#needsFull = false;
	/** When the kubelet and kube-proxy look next, ns. */
	#looks: { at: bigint; kubelet: boolean }[] = [];

	constructor(tool: Tool, cluster: Cluster) {
		this.#tool = tool;
		this.#configuration = cluster.configuration as Configuration;
		this.#known = servicesOf(cluster.objects);
		tool.begin(cluster.iptables("node-1"));
	}

	edited(now: bigint): void {
		const next = (period: bigint) => (now / (period * MS) + 1n) * period * MS;
		const [canary, kubelet] = [next(30_000n), next(60_000n)];
		this.#looks = [
			{ at: canary, kubelet: canary === kubelet },
			...(canary === kubelet ? [] : [{ at: kubelet, kubelet: true }]),
		];
	}

	/** Services that are others than before are synced. */
	sync(objects: readonly KubernetesObject[]): void {
		const now = servicesOf(objects);
		const names = new Set([...this.#known.keys(), ...now.keys()]);
		const updated = new Set([...names].filter((name) => this.#known.get(name) !== now.get(name)));
		this.#known = now;
		if (updated.size > 0) this.#write(objects, updated);
	}

	/** It is so late: who looks at times has looked. */
	look(objects: readonly KubernetesObject[], now: bigint): void {
		const gone = (chain: string) => !this.#tool.save().split("*mangle")[1]?.split("COMMIT")[0]?.includes(`:${chain} `);
		const others = () => {
			if (gone("KUBE-KUBELET-CANARY")) this.#tool.restore(kubeletRestore(parseIptablesSave(this.#tool.save())));
			this.#tool.restore(ipMasqRestore(MASQUERADE, "ipv4"));
			const jump = `-A POSTROUTING ${ipMasqJump(MASQUERADE)}`;
			if (!this.#tool.save().includes("-j IP-MASQ-AGENT")) this.#tool.restore(table("nat", jump));
		};
		for (const { kubelet } of this.#looks.filter(({ at }) => at <= now)) {
			if (kubelet) others();
			if (gone("KUBE-PROXY-CANARY")) this.#write(objects, null);
		}
		this.#looks = this.#looks.filter(({ at }) => at > now);
	}

	/** What was refused is written anew. */
	retry(objects: readonly KubernetesObject[]): void {
		if (this.#needsFull) this.#write(objects, null);
	}

	/** An hour passes. */
	full(objects: readonly KubernetesObject[]): void {
		this.#write(objects, null);
	}

	#write(objects: readonly KubernetesObject[], updated: ReadonlySet<string> | null): void {
		const isFull = updated === null || this.#needsFull;
		const before = parseIptablesSave(this.#tool.save());
		if (isFull) this.#tool.restore(proxyRestore(before));
		const { restore } = syncProxyRules({
			family: "ipv4",
			node: proxyNode(objects.find(({ kind, metadata }) => kind === "Node" && metadata.name === "node-1") as Node),
			services: objects.filter(({ kind }) => kind === "Service") as Service[],
			endpointSlices: objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[],
			config: proxyConfigOf(this.#configuration),
			existingNatChains: before.tables.find(({ name }) => name === "nat")?.chains.map(({ name }) => name) ?? [],
			...(isFull ? {} : { updatedServices: updated }),
		});
		this.#needsFull = !this.#tool.restore(restore);
	}
}

const MASQUERADE = { ...DEFAULT_IP_MASQ_CONFIG, nonMasqueradeCIDRs: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] };

/** What kube-proxy hears of each Service. */
function servicesOf(objects: readonly KubernetesObject[]): Map<string, string> {
	const texts = new Map<string, string>();
	for (const { kind, metadata, ...rest } of objects) {
		const service = metadata.labels?.["kubernetes.io/service-name"];
		const slice = rest as Partial<EndpointSlice>;
		if (kind === "Service") {
			const name = keyOf({ kind, metadata, ...rest });
			texts.set(name, `${texts.get(name) ?? ""} ${JSON.stringify(rest)}`);
		} else if (kind === "EndpointSlice" && service !== undefined) {
			const name = `${metadata.namespace}/${service}`;
			texts.set(name, `${texts.get(name) ?? ""} ${JSON.stringify([slice.endpoints, slice.ports])}`);
		}
	}
	return texts;
}
