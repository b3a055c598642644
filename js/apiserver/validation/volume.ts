// Volumes of a pod and of a claim (pkg/apis/core/validation/validation.go: ValidateVolumes, validateVolumeSource).
// Of sources that the network does not meet, that there is exactly one is checked, and no more.

import type {
	CoreV1ConfigMapVolumeSource,
	CoreV1HostPathVolumeSource,
	CoreV1KeyToPath,
	CoreV1NFSVolumeSource,
	CoreV1SecretVolumeSource,
	CoreV1Volume,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "../status.ts";
import { neededText } from "./formats.ts";
import { dnsLabel } from "./names.ts";
import { each, fields, needed, oneOf, optional, type Rule } from "./rule.ts";

const HOST_PATHS = [
	"",
	"BlockDevice",
	"CharDevice",
	"Directory",
	"DirectoryOrCreate",
	"File",
	"FileOrCreate",
	"Socket",
];
const BAD_MODE = "must be a number between 0 and 0777 (octal), both inclusive";

const mode: Rule<number> = (value, path) =>
	value === undefined || (value >= 0 && value <= 0o777) ? [] : [invalidValue(path, value, BAD_MODE)];

// validatePathNoBacksteps, validateLocalNonReservedPath
const relativePath: Rule<string> = (value = "", path) => {
	const errors: FieldError[] = [];
	if (value.startsWith("/")) errors.push(invalidValue(path, value, "must be a relative path"));
	if (value.split("/").includes("..")) errors.push(invalidValue(path, value, "must not contain '..'"));
	if (value.startsWith("..") && !value.startsWith("../"))
		errors.push(invalidValue(path, value, "must not start with '..'"));
	return errors;
};

const keyToPath = fields<CoreV1KeyToPath>({
	key: needed(),
	path: (value = "", path) => (value === "" ? [required(path)] : relativePath(value, path)),
	mode,
});

const secret = fields<CoreV1SecretVolumeSource>({ secretName: needed(), defaultMode: mode, items: each(keyToPath) });
const configMap = fields<CoreV1ConfigMapVolumeSource>({ name: needed(), defaultMode: mode, items: each(keyToPath) });
const hostPath = fields<CoreV1HostPathVolumeSource>({
	path: (value = "", path) => {
		if (value === "") return [required(path)];
		return value.split("/").includes("..") ? [invalidValue(path, value, "must not contain '..'")] : [];
	},
	type: optional(oneOf(...HOST_PATHS)),
});
const nfs = fields<CoreV1NFSVolumeSource>({
	server: needed(),
	path: (value = "", path) => {
		if (value === "") return [required(path)];
		return value.startsWith("/") ? [] : [invalidValue(path, value, "must be an absolute path")];
	},
});

const volume: Rule<CoreV1Volume> = (given, path) => {
	const { name, ...sources } = given as CoreV1Volume;
	const found = Object.keys(sources);
	const errors = neededText(dnsLabel)(name, `${path}.name`);
	for (const extra of found.slice(1))
		errors.push(forbiddenField(`${path}.${extra}`, "may not specify more than 1 volume type"));
	if (found.length === 0) errors.push(required(path, "must specify a volume type"));
	const first = found[0] as keyof typeof sources | undefined;
	const rules = { secret, configMap, hostPath, nfs } as Readonly<Record<string, Rule<unknown>>>;
	if (first !== undefined) errors.push(...(rules[first]?.(sources[first], `${path}.${first}`) ?? []));
	return errors;
};

/** ValidateVolumes: what is wrong, and the names of those that nothing is wrong with. */
export function validateVolumes(list: readonly CoreV1Volume[], path: string): [FieldError[], ReadonlySet<string>] {
	const names = new Set<string>();
	const errors = list.flatMap((one, i) => {
		const place = `${path}[${i}]`;
		const found = volume(one, place);
		if (names.has(one.name)) found.push(duplicate(`${place}.name`, one.name));
		if (found.length === 0) names.add(one.name);
		return found;
	});
	return [errors, names];
}
