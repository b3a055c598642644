// The four ways in which a component meets the world: the objects of the API, the time, chance, and the network.
// Everything behind them can be copied, replayed and seeded; a component that needs a fifth is in the wrong folder.

import type { KubernetesObject } from "./api/meta.ts";

/** API objects by kind, namespace (null: cluster-scoped) and name. What is given out must not be changed in place. */
export interface Store {
	get<T extends KubernetesObject>(kind: string, namespace: string | null, name: string): T | undefined;
	/** In order of creation. Without a namespace: of all. */
	list<T extends KubernetesObject>(kind: string, namespace?: string | null): T[];
	/** Creates or replaces; order of creation stays. */
	put(object: KubernetesObject): void;
	remove(kind: string, namespace: string | null, name: string): void;
}

export interface Clock {
	/** Virtual time in nanoseconds since the epoch. */
	now(): bigint;
}

/** Chance as a keyed hash: the same seed and the same words give the same answer, in whatever order they are asked. */
export interface Random {
	/** An integer in [0, below), 1 ≤ below ≤ 2^32; the words name what is being decided. */
	integer(below: number, ...what: readonly (string | number)[]): number;
}

/** A packet's or request's way through the simulated network, from a netns to an address. */
export interface Wire {
	send(from: string, to: { protocol: "tcp" | "udp" | "sctp" | "icmp"; address: string; port: number }): WireAnswer;
}

export interface WireAnswer {
	/** A verdict word of a trace: `delivered`, `rejected`, `dropped`, `unreachable`, `blocked-locally`, `unknown`. */
	verdict: string;
	/** The netns that answered; null where none did. */
	by: string | null;
}
