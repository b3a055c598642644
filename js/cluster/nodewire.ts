// The network as kubelets meet it: what they dial crosses the engine that the cluster's traces and replays cross, as it is by then.
// Nothing is remembered here: a probe's packets are carried each time, and leave in conntrack what they leave on a node.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import type { Container, Pod, Probe } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { familyOf } from "../net/address.ts";
import type { Connection, Destination, Wire } from "../ports.ts";
import { dial } from "../wire/dial.ts";
import type { DataPlane } from "./dataplane.ts";

export class NodeWire implements Wire {
	readonly #plane: DataPlane;
	readonly #follow: () => bigint | null;

	/** `follow`: has the network follow the objects as they are; returns the time, ns, or null where there is no network of them. */
	constructor(plane: DataPlane, follow: () => bigint | null) {
		this.#plane = plane;
		this.#follow = follow;
	}

	/** Throws NotModelledError. */
	connect(node: string, to: Destination, port: number | null): Connection | null {
		const now = this.#follow();
		if (now === null) return null;
		for (;;) {
			const { machine, wire } = this.#plane.loaded as NonNullable<DataPlane["loaded"]>;
			const netns = machine.encoded.netns.get(`node:${node}`);
			if (netns === undefined || !hasTarget(machine, to)) return null;
			this.#plane.catchUp(now);
			const full = tableFull(machine, netns);
			const call = { netns, dst: wire.address(to.address), dport: to.port, sport: port, asks: to.asks };
			const connection = wire.atOnce(() => dial(wire, call));
			if (tableFull(machine, netns) === full) return connection;
			this.#plane.outgrow();
		}
	}
}

/** Whether an address is one that packets can be sent to, and the pod that has it is in the network with it. */
function hasTarget({ encoded, netnsOf }: Machine, { address, pod }: Destination): boolean {
	const family = familyOf(address);
	if (family === null) return false;
	if (pod === null) return true;
	if (!encoded.netns.has(`pod:${pod}`)) return false;
	return family === "ipv4" || netnsOf(`pod:${pod}`).devices.some(({ addresses6 }) => addresses6.length > 0);
}

/** How often a node's connection found the engine's table full: its own limit is a node's, and for the node to bear. */
function tableFull({ core }: Machine, netns: number): number {
	const { rows } = core;
	const at = rows.at(L.TABLE_NETNS, netns);
	const [count, max] = [L.NETNS_CT_COUNT, L.NETNS_CT_MAX].map((field) => rows.view.getUint32(at + field, true));
	return (count as number) < (max as number) ? rows.view.getUint32(at + L.NETNS_CT_DROP, true) : 0;
}

/** nf_conntrack_tcp_timeout_time_wait: how long a probe's connection is remembered, s. */
const TIME_WAIT = 120;

/** Connections of probes that nodes remember at one time, when a rollout has each pod twice. */
export function connectionsOfProbes(objects: Iterable<KubernetesObject>): number {
	let connections = 0;
	for (const object of objects) {
		if (object.kind !== "Pod" || isFinished(object as Pod)) continue;
		const { containers = [], initContainers = [] } = (object as Pod).spec ?? {};
		for (const container of [...containers, ...initContainers]) connections += connectionsOf(container);
	}
	return 2 * connections;
}

function connectionsOf({ startupProbe, readinessProbe, livenessProbe }: Container): number {
	const dialling = [startupProbe, readinessProbe, livenessProbe].filter((probe) => probe && !probe.exec) as Probe[];
	return dialling.reduce((sum, { periodSeconds = 10 }) => sum + Math.ceil(TIME_WAIT / periodSeconds) + 1, 0);
}
