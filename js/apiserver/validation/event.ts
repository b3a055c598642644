// Events (pkg/apis/core/validation/events.go): old ones are asked little; those written as events.k8s.io/v1 much, and what they say
// stays said. Kept they are the core group's, and so fields are named, but for the reporter.

import type { CoreV1Event } from "../../api/schema/types.generated.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { type FieldError, invalidValue, required } from "../status.ts";
import { immutable } from "./apps.ts";
import { qualifiedName } from "./names.ts";

const SHORT_MAX = 128;
const NOTE_MAX = 1024;
const AGREES = "does not match event.namespace";

/** legacyValidateEvent. `reporter`: the field of who reports, in the version that was written. */
export function event(object: CoreV1Event, reporter: string): FieldError[] {
	const { involvedObject, metadata, eventTime } = object;
	const [wanted, is] = [involvedObject?.namespace ?? "", metadata?.namespace ?? ""];
	const disagrees = invalidValue("involvedObject.namespace", wanted, AGREES);
	if (!eventTime) {
		const agrees = wanted === "" ? is === "" || is === "default" : wanted === is;
		return agrees ? [] : [disagrees];
	}
	const { reportingComponent = "", reportingInstance = "", action = "", reason = "", message = "" } = object;
	const short = (path: string, value: string, needed: boolean, most = SHORT_MAX) => [
		...(needed && value === "" ? [required(path)] : []),
		...(value.length > most ? [invalidValue(path, "", `can have at most ${most} characters`)] : []),
	];
	return [
		...(wanted === "" && is !== "default" && is !== "kube-system" ? [disagrees] : []),
		...(reportingComponent === "" ? [required(reporter)] : []),
		...qualifiedName(reportingComponent).map((problem) => invalidValue(reporter, reportingComponent, problem)),
		...short("reportingInstance", reportingInstance, true),
		...short("action", action, true),
		...short("reason", reason, true),
		...short("message", message, false, NOTE_MAX),
	];
}

// validateV1EventSeries
function series({ series: told }: CoreV1Event): FieldError[] {
	if (!told) return [];
	const few = (told.count ?? 0) < 2 ? [invalidValue("series.count", "", "should be at least 2")] : [];
	return told.lastObservedTime ? few : [...few, required("series.lastObservedTime")];
}

/** ValidateEventCreate's part for events.k8s.io/v1. */
export function newEvent(object: CoreV1Event): FieldError[] {
	const { eventTime, type = "", firstTimestamp, lastTimestamp, count, source } = object;
	const unset = (path: string, isSet: boolean) => (isSet ? [invalidValue(path, "", "needs to be unset")] : []);
	return [
		...series(object),
		...(eventTime ? [] : [required("eventTime")]),
		...(type === "Normal" || type === "Warning" ? [] : [invalidValue("type", "", `has invalid value: ${type}`)]),
		...unset("firstTimestamp", Boolean(firstTimestamp)),
		...unset("lastTimestamp", Boolean(lastTimestamp)),
		...unset("count", Boolean(count)),
		...unset("source", Boolean(source?.component || source?.host)),
	];
}

/** In upstream's order, and under its names for them. */
const KEPT: readonly (readonly [keyof CoreV1Event, string])[] = [
	["involvedObject", "involvedObject"],
	["reason", "reason"],
	["message", "message"],
	["source", "source"],
	["firstTimestamp", "firstTimestamp"],
	["lastTimestamp", "lastTimestamp"],
	["count", "count"],
	["reason", "reason"],
	["type", "type"],
	["eventTime", "eventTime"],
	["action", "action"],
	["related", "related"],
	["reportingComponent", "reportingController"],
	["reportingInstance", "reportingInstance"],
];

/** ValidateEventUpdate's. */
export function newEventUpdate(now: CoreV1Event, before: CoreV1Event): FieldError[] {
	const isSame = equalJson((now.series ?? null) as Json, (before.series ?? null) as Json);
	return [...(isSame ? [] : series(now)), ...KEPT.flatMap(([name, path]) => immutable(path, now[name], before[name]))];
}
