// Events of events.k8s.io/v1 are kept as those of the core group: the same things under other names
// (pkg/apis/events/v1/conversion.go).

import type { KubernetesObject } from "../../api/meta.ts";

/** Here, and there. */
const NAMES: readonly (readonly [string, string])[] = [
	["involvedObject", "regarding"],
	["message", "note"],
	["source", "deprecatedSource"],
	["firstTimestamp", "deprecatedFirstTimestamp"],
	["lastTimestamp", "deprecatedLastTimestamp"],
	["count", "deprecatedCount"],
	["reportingComponent", "reportingController"],
];
const FORTH = new Map(NAMES);
const BACK = new Map(NAMES.map(([core, events]) => [events, core]));
/** What events.k8s.io leaves out where it is empty, and the core group does not. */
const LEFT_OUT = new Set(["reportingController", "reportingInstance"]);

export function coreEvent(object: KubernetesObject): KubernetesObject {
	return { ...renamed(object, BACK), apiVersion: "v1" };
}

export function eventsEvent(object: KubernetesObject): KubernetesObject {
	const entries = Object.entries(renamed(object, FORTH)).filter(([name, value]) => value !== "" || !LEFT_OUT.has(name));
	return { ...(Object.fromEntries(entries) as unknown as KubernetesObject), apiVersion: "events.k8s.io/v1" };
}

function renamed(object: KubernetesObject, names: ReadonlyMap<string, string>): KubernetesObject {
	return Object.fromEntries(
		Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]),
	) as unknown as KubernetesObject;
}
