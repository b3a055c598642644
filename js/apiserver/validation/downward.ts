// What containers see of their own pod, in their environment and in files (pkg/apis/core/validation/validation.go:
// validateObjectFieldSelector, validateContainerResourceFieldSelector, validateDownwardAPIVolumeFile).

import type {
	CoreV1DownwardAPIVolumeFile,
	CoreV1ObjectFieldSelector,
	CoreV1ResourceFieldSelector,
} from "../../api/schema/types.generated.ts";
import { type FieldError, invalidValue, required } from "../status.ts";
import { qualifiedName } from "./names.ts";
import { oneOf, type Rule, text } from "./rule.ts";

export const IN_ENVIRONMENT = [
	...["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"],
	...["status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"],
];
const IN_FILES = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const KNOWN = new Set([
	...[...IN_ENVIRONMENT, ...IN_FILES],
	...["spec.restartPolicy", "spec.schedulerName", "status.phase"],
]);

export const objectField = (paths: readonly string[]): Rule<CoreV1ObjectFieldSelector> => {
	return (given, path) => {
		const { fieldPath = "", apiVersion = "v1" } = given ?? {};
		const place = `${path}.fieldPath`;
		if (fieldPath === "") return [required(place)];
		const unreadable = (why: string) => [invalidValue(place, fieldPath, `error converting fieldPath: ${why}`)];
		if (apiVersion !== "v1") return unreadable(`unsupported pod version: ${apiVersion}`);
		const [, map = "", key = ""] = /^(.+?)\['(.*)'\]$/s.exec(fieldPath) ?? [];
		if (map === "metadata.annotations") return text(qualifiedName)(key.toLowerCase(), path);
		if (map === "metadata.labels") return text(qualifiedName)(key, path);
		if (map !== "") return unreadable(`field label does not support subscript: ${fieldPath}`);
		// Clients of old say it so.
		const named = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
		if (!KNOWN.has(named)) return unreadable(`field label not supported: ${fieldPath}`);
		return oneOf(...paths)(named, place);
	};
};

const RESOURCES = ["cpu", "ephemeral-storage", "memory"];
const SELECTABLE = ["limits", "requests"].flatMap((list) => RESOURCES.map((name) => `${list}.${name}`));
const SIZES = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
const DIVISORS: readonly [names: RegExp, divisors: readonly string[], what: string][] = [
	[/^(limits|requests)\.cpu$/, ["1m", "1"], "1m and 1 are supported with the cpu resource"],
	[/^(limits|requests)\.memory$/, SIZES, `${SIZES.join(", ")} are supported with the memory resource`],
	[
		/^(limits|requests)\.ephemeral-storage$/,
		SIZES,
		`${SIZES.join(", ")} are supported with the local ephemeral storage resource`,
	],
	[/^(limits|requests)\.hugepages-/, SIZES, `${SIZES.join(", ")} are supported with the hugepages resource`],
];

/** `file`: whose container must be said. */
export const resourceField = (file: boolean): Rule<CoreV1ResourceFieldSelector> => {
	return (given, path) => {
		const { containerName = "", resource = "", divisor = "0" } = given ?? {};
		const errors: FieldError[] = [];
		if (file && containerName === "") errors.push(required(`${path}.containerName`));
		else if (resource === "") errors.push(required(`${path}.resource`));
		else if (!/^(limits|requests)\.hugepages-/.test(resource))
			errors.push(...oneOf(...SELECTABLE)(resource, `${path}.resource`));
		const wrong = DIVISORS.find(([names, divisors]) => names.test(resource) && !divisors.includes(String(divisor)));
		if (String(divisor) !== "0" && wrong !== undefined)
			errors.push(invalidValue(`${path}.divisor`, resource, `only divisor's values ${wrong[2]}`));
		return errors;
	};
};

// validatePathNoBacksteps, ValidateLocalNonReservedPath
export const relativePath: Rule<string> = (value = "", path) => {
	const errors: FieldError[] = [];
	if (value.startsWith("/")) errors.push(invalidValue(path, value, "must be a relative path"));
	if (value.split("/").includes("..")) errors.push(invalidValue(path, value, "must not contain '..'"));
	if (value.startsWith("..") && !value.startsWith("../"))
		errors.push(invalidValue(path, value, "must not start with '..'"));
	return errors;
};

const BAD_MODE = "must be a number between 0 and 0777 (octal), both inclusive";

export const mode: Rule<number> = (value, path) =>
	value === undefined || (value >= 0 && value <= 0o777) ? [] : [invalidValue(path, value, BAD_MODE)];

/** Of one file; upstream's path is that of the volume. */
export const downwardFile: Rule<CoreV1DownwardAPIVolumeFile> = (given, path) => {
	const { path: file = "", fieldRef, resourceFieldRef, mode: bits } = given ?? {};
	const errors = file === "" ? [required(`${path}.path`)] : relativePath(file, `${path}.path`);
	if (fieldRef !== undefined) {
		errors.push(...objectField(IN_FILES)(fieldRef, `${path}.fieldRef`));
		if (resourceFieldRef !== undefined)
			errors.push(invalidValue(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
	} else if (resourceFieldRef !== undefined)
		errors.push(...resourceField(true)(resourceFieldRef, `${path}.resourceFieldRef`));
	else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
	return [...errors, ...mode(bits, `${path}.mode`)];
};
