// Where containers have a pod's volumes (pkg/apis/core/validation/validation.go: ValidateVolumeMounts, ValidateVolumeDevices).

import type { CoreV1Container, CoreV1VolumeDevice, CoreV1VolumeMount } from "../../api/schema/types.generated.ts";
import { type FieldError, forbiddenField, invalidValue, notFoundValue, notSupported, required } from "../status.ts";
import type { Rule } from "./rule.ts";
import { descendingPath } from "./security.ts";

/** By name; whether it is a claim, which can be had as a device. */
export type Volumes = ReadonlyMap<string, boolean>;

const PROPAGATIONS = ["Bidirectional", "HostToContainer", "None"];
const READ_ONLY = ["Disabled", "Enabled", "IfPossible"];

// validateMountPropagation, validateMountRecursiveReadOnly: upstream leaves the index out.
function propagation(mount: CoreV1VolumeMount, privileged: boolean, path: string): FieldError[] {
	const { mountPropagation: way, recursiveReadOnly: recursive, readOnly } = mount;
	const errors: FieldError[] = [];
	if (way !== undefined && !PROPAGATIONS.includes(way))
		errors.push(notSupported(`${path}.mountPropagation`, way, PROPAGATIONS));
	if (way === "Bidirectional" && !privileged)
		errors.push(
			forbiddenField(
				`${path}.mountPropagation`,
				"Bidirectional mount propagation is available only to privileged containers",
			),
		);
	if (recursive === undefined || recursive === "Disabled") return errors;
	const place = `${path}.recursiveReadOnly`;
	if (!READ_ONLY.includes(recursive)) return [...errors, notSupported(place, recursive, READ_ONLY)];
	if (readOnly !== true) errors.push(forbiddenField(place, "may only be specified when readOnly is true"));
	if (way !== undefined && way !== "None")
		errors.push(forbiddenField(place, "may only be specified when mountPropagation is None or not specified"));
	return errors;
}

export const mounts = (volumes: Volumes, container: CoreV1Container): Rule<readonly CoreV1VolumeMount[]> => {
	const { volumeDevices = [], securityContext } = container;
	const taken = new Map(volumeDevices.map(({ name = "", devicePath = "" }) => [name, devicePath]));
	return (list = [], path) => {
		const places = new Set<string>();
		return list.flatMap((mount, i) => {
			const { name = "", mountPath = "", subPath = "", subPathExpr = "" } = mount;
			const place = `${path}[${i}]`;
			const errors: FieldError[] = [];
			if (!name) errors.push(required(`${place}.name`));
			if (!volumes.has(name)) errors.push(notFoundValue(`${place}.name`, name));
			if (!mountPath) errors.push(required(`${place}.mountPath`));
			if (places.has(mountPath)) errors.push(invalidValue(`${place}.mountPath`, mountPath, "must be unique"));
			places.add(mountPath);
			if (taken.has(name)) errors.push(invalidValue(`${place}.name`, name, "must not already exist in volumeDevices"));
			if ([...taken.values()].includes(mountPath))
				errors.push(invalidValue(`${place}.mountPath`, mountPath, "must not already exist as a path in volumeDevices"));
			// Upstream leaves the index out.
			errors.push(...descendingPath(subPath, `${path}.subPath`));
			if (subPathExpr !== "" && subPath !== "")
				errors.push(
					invalidValue(`${place}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"),
				);
			errors.push(...descendingPath(subPathExpr, `${path}.subPathExpr`));
			return [...errors, ...propagation(mount, securityContext?.privileged === true, path)];
		});
	};
};

export const devices = (volumes: Volumes, container: CoreV1Container): Rule<readonly CoreV1VolumeDevice[]> => {
	const { volumeMounts = [] } = container;
	const taken = new Map(volumeMounts.map(({ name = "", mountPath = "" }) => [name, mountPath]));
	return (list = [], path) => {
		const [names, places] = [new Set<string>(), new Set<string>()];
		return list.flatMap(({ name = "", devicePath = "" }, i) => {
			const place = `${path}[${i}]`;
			const errors: FieldError[] = [];
			if (!name) errors.push(required(`${place}.name`));
			if (names.has(name)) errors.push(invalidValue(`${place}.name`, name, "must be unique"));
			if (volumes.get(name) === false)
				errors.push(
					invalidValue(
						`${place}.name`,
						name,
						"can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
					),
				);
			if (!volumes.has(name)) errors.push(notFoundValue(`${place}.name`, name));
			if (!devicePath) errors.push(required(`${place}.devicePath`));
			if (places.has(devicePath)) errors.push(invalidValue(`${place}.devicePath`, devicePath, "must be unique"));
			if (devicePath.split("/").includes(".."))
				errors.push(invalidValue(`${place}.devicePath`, devicePath, "can not contain backsteps ('..')"));
			else places.add(devicePath);
			if (taken.has(name)) errors.push(invalidValue(`${place}.name`, name, "must not already exist in volumeMounts"));
			if ([...taken.values()].includes(devicePath))
				errors.push(
					invalidValue(`${place}.devicePath`, devicePath, "must not already exist as a path in volumeMounts"),
				);
			if (name) names.add(name);
			return errors;
		});
	};
};
