// Kinds that are served in versions of different fields: objects are kept in one of them, and read and written in any
// (k8s.io/apimachinery/pkg/conversion). Where versions differ in their name alone there is nothing to do.

import type { KubernetesObject } from "../../api/meta.ts";
import type { Custom } from "../extensions/definition.ts";
import { inCustomVersion } from "../extensions/versions.ts";
import { autoscalerKept, autoscalerV1, autoscalerV2 } from "./autoscaler.ts";
import { coreEvent, eventsEvent } from "./event.ts";

interface Conversion {
	/** The version that is kept. */
	kept: string;
	toKept(object: KubernetesObject): KubernetesObject;
	fromKept(object: KubernetesObject): KubernetesObject;
}

/** By apiVersion and kind. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
	"autoscaling/v1 HorizontalPodAutoscaler": {
		kept: "autoscaling/v2",
		toKept: autoscalerV2,
		fromKept: autoscalerV1,
	},
	"autoscaling/v2 HorizontalPodAutoscaler": {
		kept: "autoscaling/v2",
		toKept: autoscalerKept,
		fromKept: (object) => object,
	},
	"events.k8s.io/v1 Event": { kept: "v1", toKept: coreEvent, fromKept: eventsEvent },
};

interface Version {
	apiVersion: string;
	kind: string;
}

const conversionOf = ({ apiVersion, kind }: Version): Conversion | undefined => {
	const key = `${apiVersion} ${kind}`;
	return Object.hasOwn(CONVERSIONS, key) ? CONVERSIONS[key] : undefined;
};

/** The apiVersion in which objects of this one are kept. */
export function keptVersion(version: Version): string {
	return conversionOf(version)?.kept ?? version.apiVersion;
}

/** The object in the version in which it is kept. */
export function kept(object: KubernetesObject): KubernetesObject {
	return conversionOf(object)?.toKept(object) ?? object;
}

/** An object of whatever version in this one. Throws StatusError 500 of a custom one that a webhook would have to convert. */
export function inVersion(version: Version & { custom?: Custom }, object: KubernetesObject): KubernetesObject {
	const { apiVersion, custom } = version;
	if (custom !== undefined) return inCustomVersion(custom, object);
	if (object.apiVersion === apiVersion) return object;
	const conversion = conversionOf({ apiVersion, kind: object.kind });
	return conversion === undefined ? kept(object) : conversion.fromKept(kept(object));
}
