// What is asked of a volume: by claims, and by pods that bring a claim of their own
// (pkg/apis/core/validation/validation.go: ValidatePersistentVolumeClaimSpec).

import type { CoreV1PersistentVolumeClaimSpec } from "../../api/schema/types.generated.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { maybeText } from "./formats.ts";
import { dnsSubdomain } from "./names.ts";
import { type Quantities, quantity } from "./resources.ts";
import { oneOf, optional, type Rule } from "./rule.ts";
import { labelSelector } from "./selector.ts";

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const VOLUME_MODES = ["Block", "Filesystem"];

export function accessModes(modes: readonly string[], path: string, detail = ""): FieldError[] {
	if (modes.length === 0) return [required(path, detail)];
	const errors = modes.flatMap((mode) => (ACCESS_MODES.includes(mode) ? [] : [notSupported(path, mode, ACCESS_MODES)]));
	if (modes.includes("ReadWriteOncePod") && modes.length > 1)
		errors.push(forbiddenField(path, "may not use ReadWriteOncePod with other access modes"));
	return errors;
}

export const claimSpec: Rule<CoreV1PersistentVolumeClaimSpec> = (given, path) => {
	const spec = given ?? {};
	const storage = (spec.resources?.requests as Quantities | undefined)?.storage;
	const place = `${path}.resources[storage]`;
	const errors = accessModes(spec.accessModes ?? [], `${path}.accessModes`, "at least 1 access mode is required");
	errors.push(...optional(labelSelector)(spec.selector, `${path}.selector`));
	if (storage === undefined) errors.push(required(place));
	else if (quantity(storage) <= 0) errors.push(invalidValue(place, String(storage), "must be greater than zero"));
	errors.push(...maybeText(dnsSubdomain)(spec.storageClassName, `${path}.storageClassName`));
	return [...errors, ...optional(oneOf(...VOLUME_MODES))(spec.volumeMode, `${path}.volumeMode`)];
};
