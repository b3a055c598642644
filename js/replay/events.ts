// What happens beside the traffic, as actions on the machine in time order: rules reloaded, conntrack entries deleted, a
// machine outside that vanishes, objects that change. An event takes effect when it was through, between two packets.

import type { Machine } from "../../bindings/machine.ts";
import type {
	ApplyEvent,
	ClientLostEvent,
	ConntrackDeleteEvent,
	DeleteEvent,
	FlowEvent,
	RestoreEvent,
} from "../flows/events.ts";
import { ipv4FromNumber, ipv4ToNumber, parsePrefix, prefixContains } from "../net/address.ts";
import type { NetworkChange } from "../net/change.ts";
import { applyRestore, emptyRuleset } from "../net/iptables/index.ts";

/** One thing that happens at a time of the recording; done before the first packet that is later. */
export interface TimedAction {
	timeNs: bigint;
	/** `acting`: the cluster, where one acts as time passes. */
	run(machine: Machine, acting: Acting | null): void;
}

/** A cluster whose components act while traffic is replayed. */
export interface Acting {
	/** When they have something to do next, ns; null: nothing. */
	readonly dueNs: bigint | null;
	/** They do what is due; what is different in the machine's network, null: nothing. Throws what `advance` does, CapacityError. */
	act(): NetworkChange | null;
	/** As `kubectl apply -f`, at this time. Throws InputErrors. */
	apply(timeNs: bigint, file: string, text: string): void;
	/** As `kubectl delete`. Throws StatusError. */
	delete(timeNs: bigint, resource: DeleteEvent["resource"]): void;
	/** At this time somebody else than its agents has changed rules of a node, which they go on from. */
	edited(timeNs: bigint): void;
}

export interface EventTexts {
	/** The text that a restore names, or the node's own reload text where it names none. */
	restoreText(event: RestoreEvent): { file: string; text: string };
	/** Manifests that an event names; absent: no cluster acts, and to change objects is an error. */
	manifestText?: (event: ApplyEvent) => { file: string; text: string };
}

/** An event that names what is not there, or that nobody here can carry out. */
export class EventError extends Error {
	readonly line: number;
	constructor(event: FlowEvent, problem: string) {
		super(`line ${event.line}: ${event.kind}: ${problem}`);
		this.name = "EventError";
		this.line = event.line;
	}
}

/** In time order. Throws EventError for what cannot be carried out, before anything is replayed. */
export function timedActions(events: readonly FlowEvent[], texts: EventTexts): TimedAction[] {
	return events
		.map((event): TimedAction => ({ timeNs: event.doneNs, run: actionOf(event, texts) }))
		.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
}

function actionOf(event: FlowEvent, texts: EventTexts): TimedAction["run"] {
	switch (event.kind) {
		case "iptables-restore": {
			const { file, text } = texts.restoreText(event);
			return (machine, acting) => {
				restore(machine, event, text, file);
				acting?.edited(event.doneNs);
			};
		}
		case "conntrack-delete":
			return (machine) => deleteEntries(machine, event);
		case "client-lost":
			return (machine) => lose(machine, event);
		case "apply": {
			const { file, text } = (texts.manifestText ?? refuse)(event);
			return (_, acting) => (acting ?? refuse(event)).apply(event.doneNs, file, text);
		}
		case "delete":
			if (texts.manifestText === undefined) refuse(event);
			return (_, acting) => (acting ?? refuse(event)).delete(event.doneNs, event.resource);
	}
}

function refuse(event: FlowEvent): never {
	throw new EventError(event, "objects can be changed only where a cluster acts while it is replayed (--live)");
}

function netnsOf(machine: Machine, event: FlowEvent): string {
	const name = event.node === "router" ? "router" : `node:${event.node}`;
	if (!machine.encoded.netns.has(name)) throw new EventError(event, `there is no node ${event.node}`);
	return name;
}

function restore(machine: Machine, event: RestoreEvent, text: string, file: string): void {
	const netns = netnsOf(machine, event);
	const before = machine.netnsOf(netns).ruleset ?? emptyRuleset("ipv4");
	machine.loadRuleset(netns, applyRestore(before, text, { noflush: true, file }));
}

function deleteEntries(machine: Machine, event: ConntrackDeleteEvent): void {
	const row = machine.netnsRow(netnsOf(machine, event));
	const { proto, origSrc, origDst, origSport, origDport, replySrc, replyDst } = event.filter;
	const address = (text: string | null) => (text === null ? 0 : ipv4ToNumber(text));
	machine.core.engine.conntrackDelete(
		row,
		event.doneNs,
		proto ?? 0,
		address(origSrc),
		address(origDst),
		origSport ?? -1,
		origDport ?? -1,
		address(replySrc),
		address(replyDst),
		-1,
		-1,
	);
}

/** What goes to it is lost from here on; what it sends still comes in. */
function lose(machine: Machine, event: ClientLostEvent): void {
	const prefix = parsePrefix(event.prefix);
	if (prefix === null || prefix.family !== "ipv4") throw new EventError(event, `${event.prefix} is no IPv4 prefix`);
	for (const { name, kind, devices } of machine.network.netns) {
		if (kind !== "host") continue;
		const addresses = devices.flatMap((device) => device.addresses).filter(({ scope }) => scope !== "host");
		if (addresses.some(({ ip }) => prefixContains(prefix, ipv4FromNumber(ip)))) machine.silence(name);
	}
}
