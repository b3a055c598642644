// The ways in which a component meets the world: the objects of the API, the time, chance, and the network.
// Everything behind them can be copied, replayed and seeded; a component that needs another one is in the wrong folder.

import type { Index } from "./api/indexes.ts";
import type { KubernetesObject } from "./api/meta.ts";

/**
 * The API as a controller's client and informers have it: what was read is frozen, and a write is refused where it is not the
 * latest. Resources are `pods`, `deployments.apps`; the namespace of cluster-scoped ones is ``. Writes throw what
 * `reasonOf` (js/api/reason.ts) tells apart: `Conflict`, `NotFound`, `AlreadyExists`, `Invalid`, `Forbidden`.
 */
export interface Store {
	get<T extends KubernetesObject>(resource: string, namespace: string, name: string): T | undefined;
	/** In order of namespace and name. Without a namespace: of all. */
	list<T extends KubernetesObject>(resource: string, namespace?: string): readonly T[];
	/** What an index has under a value, in order of namespace and name: in proportion to how much that is, not to what there is. */
	indexed<T extends KubernetesObject>(index: Index<T>, value: string): readonly T[];
	/** How much that is. */
	countIndexed<T extends KubernetesObject>(index: Index<T>, value: string): number;
	/** With a name from `generateName` where it has none. Returns it as it was stored. */
	create<T extends KubernetesObject>(resource: string, object: T): T;
	/** All but the status, with the `resourceVersion` that was read. */
	update<T extends KubernetesObject>(resource: string, object: T): T;
	updateStatus<T extends KubernetesObject>(resource: string, object: T): T;
	/** `pods/binding`: the scheduler's word. */
	bind(pod: KubernetesObject, node: string): void;
	delete(resource: string, object: KubernetesObject, options?: Deletion): void;
}

/** What a DELETE says beside the object; the uid is always that of the object. */
export interface Deletion {
	gracePeriodSeconds?: number;
	propagationPolicy?: "Orphan" | "Background" | "Foreground";
}

/** One change of the store, as a watch tells it. */
export interface StoreChange {
	readonly type: "ADDED" | "MODIFIED" | "DELETED";
	readonly resource: string;
	/** As it is now; of DELETED: as it was last. */
	readonly object: KubernetesObject;
	/** As it was before; undefined of ADDED. */
	readonly previous: KubernetesObject | undefined;
}

export interface Clock {
	/** Virtual time in nanoseconds since the epoch. */
	now(): bigint;
}

/** Chance as a keyed hash: the same seed and the same words give the same answer, in whatever order they are asked. */
export interface Random {
	/** An integer in [0, below), 1 ≤ below ≤ 2^32; the words name what is being decided. */
	integer(below: number, ...what: readonly (string | number)[]): number;
	/** `count` of them: the words, and then 0, 1, … */
	integers(count: number, below: number, ...what: readonly (string | number)[]): number[];
}

/** Writes Events, as client-go's EventRecorder does: the same event again counts up (tools/record/events_cache.go). */
export interface Recorder {
	/** `host`: of a kubelet, the node. */
	event(about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string, host?: string): void;
}

/** What a component works with. */
export interface World {
	readonly store: Store;
	readonly clock: Clock;
	readonly random: Random;
	readonly recorder: Recorder;
	/** Absent where objects are all there is: what listens is reached then. */
	readonly wire?: Wire;
}

/**
 * What a reconcile leaves for later: `progress` has the key looked at again while the cluster is on its way (a container that
 * starts, a minReadySeconds that runs); `idle` is there while nothing happens (a probe's period, a lease, the next CronJob), and
 * no settling waits for it. Both in milliseconds from now.
 */
export interface Later {
	progressMs?: number;
	idleMs?: number;
}

/**
 * A controller, the scheduler, a kubelet: what it watches, and one synchronous step for one key. It keeps nothing between
 * steps but what the store can be asked for again, or what is in `state`. A step that throws is tried again with a growing delay.
 */
export interface Component {
	/** `replicaset`; of `Event.source.component` the beginning. */
	readonly name: string;
	/** By resource, `*` for every one: keys to look at after a change, by convention `NAMESPACE/NAME`. */
	readonly watches: Readonly<Record<string, (change: StoreChange, store: Store) => Iterable<string>>>;
	/** Brings one key nearer to what is wanted. Calling it again without a change must change nothing. */
	reconcile(key: string, world: World): Later | undefined;
	/** Of one that keeps state of its own: all of it, as plain values (js/snapshot/values.ts) that nobody changes but who takes them. */
	readonly state?: unknown;
	/** The same component with the state of another one of its kind, which it takes: forks and snapshots are made of it. Has it where it has `state`. */
	of?(state: unknown): Component;
}

/** Why connect(2) failed, as the kernel has it from a reset, an ICMP error or its own routes. */
export type ConnectError =
	| "ECONNREFUSED"
	| "EHOSTUNREACH"
	| "ENETUNREACH"
	| "ENOPROTOOPT"
	| "EACCES"
	| "EHOSTDOWN"
	| "ENONET"
	| "EOPNOTSUPP";

/** `waiting`: nobody has answered the SYN yet; `unanswered`: the connection is open, what was asked on it has no answer. */
export type Reached = "connected" | "waiting" | "unanswered" | ConnectError;

export interface Destination {
	address: string;
	port: number;
	/** `NS/NAME` of the pod whose own address it is; null: of none. */
	pod: string | null;
	/** Something is said on the connection and answered; else it is closed as soon as it is open. */
	asks: boolean;
}

export interface Connection {
	reached: Reached;
	/** Of its near end. */
	port: number;
}

/** The simulated network, as far as a component can tell: whether connections come about. What is said on them is the app's. */
export interface Wire {
	/**
	 * A SYN from a node's own netns, now, and all that comes of it at once. `port`: the near end of one that is `waiting`, whose SYN
	 * is sent again; null: of a new one. null: that node, or that pod, is not in the network.
	 */
	connect(node: string, to: Destination, port: number | null): Connection | null;
}
