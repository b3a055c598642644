// The two nodes of the end-to-end scene in Linux network namespaces, built as `podwire verify` builds a cluster, and one CPU
// that sends packets through them. Pods drop what reaches them without a socket: nobody answers unless a figure says so.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, openLab } from "../../js/verify/lab.ts";
import { ROOT } from "../../scripts/run.mjs";
import { SERVERS, twoNodes } from "../scenes/services.ts";

const ROW = 24;
const CPU = "0";

/** A TCP header to send. */
export interface Segment {
	src: number;
	dst: number;
	sport: number;
	dport: number;
	seq: number;
	ack: number;
	/** TCP flags as in the header. */
	flags: number;
}

export interface Sent {
	packets: number;
	seconds: number;
	/** How many of them reached a server's namespace. */
	received: number;
}

export class Linux implements AsyncDisposable {
	readonly #lab: Lab;
	readonly #folder: string;
	#file = 0;

	private constructor(lab: Lab, folder: string) {
		this.#lab = lab;
		this.#folder = folder;
	}

	/** Throws LabError where this machine has no namespaces, and where there is no C compiler. */
	static async open(services: number): Promise<Linux> {
		const folder = mkdtempSync(join(tmpdir(), "podwire-bench-"));
		execFileSync("gcc", ["-O2", "-o", join(folder, "send"), join(ROOT, "bench/kernel/send.c")]);
		const { nodes, pods, ...rest } = twoNodes(services);
		const silent = pods.map(({ listen: _none, ...pod }) => ({ ...pod, silent: true }));
		// The machine's limit of connections is its own: no namespace can change it.
		const own = nodes.map(({ sysctls: _limit, ...node }) => node);
		const lab = await openLab({ ...rest, nodes: own, pods: silent }, { sniff: false });
		return new Linux(lab, folder);
	}

	/** Writes segments to a file that `send` reads. */
	prepare(segments: readonly Segment[]): string {
		const rows = Buffer.alloc(segments.length * ROW);
		for (const [i, { src, dst, sport, dport, seq, ack, flags }] of segments.entries()) {
			for (const [k, word] of [src, dst, seq, ack].entries()) rows.writeUInt32LE(word >>> 0, i * ROW + k * 4);
			rows.writeUInt16LE(sport, i * ROW + 16);
			rows.writeUInt16LE(dport, i * ROW + 18);
			rows.writeUInt8(flags, i * ROW + 20);
		}
		const file = join(this.#folder, `${this.#file++}`);
		writeFileSync(file, rows);
		return file;
	}

	/** Sends a file's segments from a pod's namespace, `times` times over. */
	async send(pod: string, file: string, times = 1): Promise<Sent> {
		const before = await this.#received();
		const output = await this.#lab.run(`pod:bench/${pod}`, [join(this.#folder, "send"), file, String(times), CPU]);
		const [packets = 0, ns = 0] = output.trim().split(" ").map(Number);
		return { packets, seconds: ns / 1e9, received: (await this.#received()) - before };
	}

	async #received(): Promise<number> {
		let sum = 0;
		for (let i = 0; i < SERVERS; i++) {
			const text = await this.#lab.run(`pod:bench/server-${i}`, ["cat", "/proc/self/net/dev"]);
			sum += Number(/eth0:\s*\d+\s+(\d+)/.exec(text)?.[1]);
		}
		return sum;
	}

	/** Forgets every connection of both nodes. */
	async forget(): Promise<void> {
		for (const node of ["a", "b"]) await this.#lab.run(`node:${node}`, ["conntrack", "-F"]);
	}

	/** A bridge without ports, and an address behind it: it drops every packet, so that what is left is sending. */
	async addVoid(pod: string, address: string): Promise<void> {
		const lines = [
			"link add void type bridge",
			"link set void up",
			`route add ${address}/32 dev void`,
			`neigh add ${address} lladdr 02:00:00:00:00:01 dev void nud permanent`,
		];
		await this.#lab.run(`pod:bench/${pod}`, ["ip", "-batch", "-"], `${lines.join("\n")}\n`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#lab.close();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}
