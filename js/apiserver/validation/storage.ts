// Volumes of the cluster, claims to them, limits and classes (pkg/apis/core/validation/validation.go, pkg/apis/storage/validation).
// Which source a PersistentVolume names is checked, not what is in it.

import type {
	CoreV1LimitRange,
	CoreV1LimitRangeItem,
	CoreV1PersistentVolume,
	CoreV1PersistentVolumeClaim,
	CoreV1PersistentVolumeClaimSpec,
	CoreV1PersistentVolumeSpec,
	StorageV1StorageClass,
} from "../../api/schema/types.generated.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { immutable } from "./apps.ts";
import { accessModes, claimSpec, VOLUME_MODES } from "./claim.ts";
import { maybeText } from "./formats.ts";
import { dnsSubdomain, qualifiedName } from "./names.ts";
import { anyResource, containerResource, type Quantities, quantity } from "./resources.ts";
import { neededOneOf, oneOf, optional, type Rule, text } from "./rule.ts";

const RECLAIM = ["Delete", "Recycle", "Retain"];
const BESIDE_SOURCE = new Set([
	...["accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"],
	...["storageClassName", "volumeMode", "volumeAttributesClassName"],
]);

/** ValidatePersistentVolume. */
export const persistentVolume: Rule<CoreV1PersistentVolume> = (object) => {
	const spec = (object?.spec ?? {}) as CoreV1PersistentVolumeSpec;
	const { capacity, persistentVolumeReclaimPolicy: reclaim } = spec;
	const errors = accessModes(spec.accessModes ?? [], "spec.accessModes");
	const amounts = (capacity ?? {}) as Quantities;
	if (Object.keys(amounts).length === 0) errors.push(required("spec.capacity"));
	if (!Object.hasOwn(amounts, "storage") || Object.keys(amounts).length > 1)
		errors.push(notSupported("spec.capacity", capacity ?? null, ["storage"]));
	for (const [name, value] of Object.entries(amounts)) {
		const place = `spec.capacity[${name}]`;
		errors.push(
			...anyResource(name, place),
			...(quantity(value) > 0 ? [] : [invalidValue(place, String(value), "must be greater than zero")]),
		);
	}
	if (reclaim !== undefined) errors.push(...oneOf(...RECLAIM)(reclaim, "spec.persistentVolumeReclaimPolicy"));
	const sources = Object.keys(spec).filter((name) => !BESIDE_SOURCE.has(name));
	for (const extra of sources.slice(1))
		errors.push(forbiddenField(`spec.${extra}`, "may not specify more than 1 volume type"));
	if (sources.length === 0) errors.push(required("spec", "must specify a volume type"));
	const path = spec.hostPath?.path;
	if (reclaim === "Recycle" && path === "/")
		errors.push(
			forbiddenField("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"),
		);
	errors.push(...maybeText(dnsSubdomain)(spec.storageClassName, "spec.storageClassName"));
	return [...errors, ...optional(oneOf(...VOLUME_MODES))(spec.volumeMode, "spec.volumeMode")];
};

/** ValidatePersistentVolumeUpdate. */
export function persistentVolumeUpdate(now: CoreV1PersistentVolume, before: CoreV1PersistentVolume): FieldError[] {
	const source = ({ spec }: CoreV1PersistentVolume) =>
		Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !BESIDE_SOURCE.has(name)));
	const errors = equalJson(source(now) as Json, source(before) as Json)
		? []
		: [forbiddenField("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")];
	return [...errors, ...immutable("volumeMode", now.spec?.volumeMode, before.spec?.volumeMode)];
}

/** ValidatePersistentVolumeClaim. */
export const persistentVolumeClaim: Rule<CoreV1PersistentVolumeClaim> = (object) => claimSpec(object?.spec, "spec");

/** ValidatePersistentVolumeClaimUpdate: a bound claim may grow; what names the volume may be filled in once. */
export function persistentVolumeClaimUpdate(
	now: CoreV1PersistentVolumeClaim,
	before: CoreV1PersistentVolumeClaim,
): FieldError[] {
	const [is, was] = [now.spec ?? {}, before.spec ?? {}];
	const [grown, had] = [is, was].map(({ resources }) => quantity((resources?.requests as Quantities)?.storage));
	const fixed = ({ resources, volumeName, volumeAttributesClassName: _, ...rest }: CoreV1PersistentVolumeClaimSpec) => {
		const { storage: __, ...requests } = (resources?.requests ?? {}) as Quantities;
		// What class it is of may be filled in later (RetroactiveDefaultStorageClass).
		const { storageClassName, ...others } = rest;
		const className = was.storageClassName === undefined ? undefined : (storageClassName ?? null);
		const bound = was.volumeName ? volumeName : "";
		return { ...others, className, resources: { ...resources, requests }, volumeName: bound };
	};
	if (!equalJson(fixed(is) as unknown as Json, fixed(was) as unknown as Json))
		return [
			forbiddenField(
				"spec",
				"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
			),
		];
	if (grown === had) return [];
	if (before.status?.phase !== "Bound")
		return [
			forbiddenField(
				"spec",
				"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
			),
		];
	return (grown as number) < (had as number)
		? [forbiddenField("spec.resources.requests.storage", "field can not be less than status.capacity")]
		: [];
}

const STANDARD_LIMITS = ["Container", "PersistentVolumeClaim", "Pod"];

function limitOrder(item: CoreV1LimitRangeItem, path: string): FieldError[] {
	const maps = { min: item.min, max: item.max, default: item.default, defaultRequest: item.defaultRequest } as Record<
		string,
		Quantities | undefined
	>;
	const names = [...new Set(Object.values(maps).flatMap((map) => Object.keys(map ?? {})))].sort();
	const errors: FieldError[] = [];
	for (const name of names) {
		const at = (map: string) => maps[map]?.[name];
		const above = (low: string, high: string) => {
			const [least, most] = [at(low), at(high)];
			return least !== undefined && most !== undefined && quantity(least) > quantity(most);
		};
		const say = (place: string, bad: string, detail: string) =>
			errors.push(invalidValue(`${path}.${place}[${name}]`, String(at(bad)), detail));
		const says = (low: string, lowText: string, high: string, highText: string) =>
			`${lowText} value ${at(low)} is greater than ${highText} value ${at(high)}`;
		if (above("min", "max")) say("min", "min", says("min", "min", "max", "max"));
		if (above("min", "defaultRequest"))
			say("defaultRequest", "defaultRequest", says("min", "min", "defaultRequest", "default request"));
		if (above("defaultRequest", "max"))
			say("defaultRequest", "defaultRequest", says("defaultRequest", "default request", "max", "max"));
		if (above("defaultRequest", "default"))
			say("defaultRequest", "defaultRequest", says("defaultRequest", "default request", "default", "default limit"));
		if (above("min", "default")) say("default", "min", says("min", "min", "default", "default"));
		if (above("default", "max")) say("default", "max", says("default", "default", "max", "max"));
	}
	return errors;
}

/** ValidateLimitRange. */
export const limitRange: Rule<CoreV1LimitRange> = (object) => {
	const seen = new Set<string>();
	return (object?.spec?.limits ?? []).flatMap((item, i) => {
		const { type } = item;
		const path = `spec.limits[${i}]`;
		const errors = text(qualifiedName)(type, `${path}.type`);
		if (errors.length === 0 && !type.includes("/") && !STANDARD_LIMITS.includes(type))
			errors.push(invalidValue(`${path}.type`, type, "must be a standard limit type or fully qualified"));
		if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
		seen.add(type);
		const name = type === "Pod" || type === "Container" ? containerResource : anyResource;
		for (const map of ["max", "min", "default", "defaultRequest"] as const) {
			const values = (item[map] ?? {}) as Quantities;
			if (type === "Pod" && map.startsWith("default")) {
				if (Object.keys(values).length > 0)
					errors.push(forbiddenField(`${path}.${map}`, "may not be specified when `type` is 'Pod'"));
				continue;
			}
			for (const key of Object.keys(values)) errors.push(...name(key, `${path}.${map}[${key}]`));
		}
		const bounded = [item.min, item.max].some((map) => Object.hasOwn(map ?? {}, "storage"));
		if (type === "PersistentVolumeClaim" && !bounded)
			errors.push(
				required(`${path}.limits`, "either minimum or maximum storage value is required, but neither was provided"),
			);
		return [...errors, ...limitOrder(item, path)];
	});
};

/** ValidateStorageClass. */
export const storageClass: Rule<StorageV1StorageClass> = (object) => {
	const { provisioner = "", reclaimPolicy, volumeBindingMode } = object ?? {};
	const errors =
		provisioner === "" ? [required("provisioner")] : text(qualifiedName)(provisioner.toLowerCase(), "provisioner");
	errors.push(...optional(oneOf("Delete", "Retain"))(reclaimPolicy, "reclaimPolicy"));
	return [...errors, ...neededOneOf("Immediate", "WaitForFirstConsumer")(volumeBindingMode, "volumeBindingMode")];
};

/** ValidateStorageClassUpdate. */
export const storageClassUpdate = (now: StorageV1StorageClass, before: StorageV1StorageClass): FieldError[] =>
	(["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] as const).flatMap((name) =>
		immutable(name, now[name], before[name]),
	);
