// What a pod and its containers may do on their node (pkg/apis/core/validation/validation.go: validatePodSpecSecurityContext,
// ValidateSecurityContext, validateSysctls, validateHostUsers, validateOS and what they call). Privileged containers are allowed,
// as where --allow-privileged is set.

import type {
	CoreV1AppArmorProfile,
	CoreV1Container,
	CoreV1PodSecurityContext,
	CoreV1PodSpec,
	CoreV1SeccompProfile,
	CoreV1SecurityContext,
	CoreV1Sysctl,
	CoreV1WindowsSecurityContextOptions,
} from "../../api/schema/types.generated.ts";
import {
	duplicate,
	type FieldError,
	forbiddenField,
	invalidValue,
	invalidWhole,
	notSupported,
	required,
	tooLong,
} from "../status.ts";
import { id, subdomain } from "./formats.ts";
import { each, fields, oneOf, optional, type Rule } from "./rule.ts";

const PROFILES = ["Localhost", "RuntimeDefault", "Unconfined"];
/** PATH_MAX - 1. */
const PROFILE_MAX = 4095;

// validateLocalDescendingPath
export const descendingPath: Rule<string> = (value = "", path) => [
	...(value.startsWith("/") ? [invalidValue(path, value, "must be a relative path")] : []),
	...(value.split("/").includes("..") ? [invalidValue(path, value, "must not contain '..'")] : []),
];

// validateSeccompProfileField
const seccompProfile: Rule<CoreV1SeccompProfile> = (given, path) => {
	const { type = "", localhostProfile: profile } = given ?? {};
	const errors: FieldError[] = [];
	if (type === "") errors.push(required(`${path}.type`, "type is required when seccompProfile is set"));
	else if (!PROFILES.includes(type)) errors.push(notSupported(`${path}.type`, type, PROFILES));
	const place = `${path}.localhostProfile`;
	if (type !== "Localhost")
		return profile === undefined
			? errors
			: [...errors, invalidWhole(place, "can only be set when seccomp type is Localhost")];
	if (profile === undefined) return [...errors, required(place, "must be set when seccomp type is Localhost")];
	return [...errors, ...descendingPath(profile, place)];
};

// ValidateAppArmorProfileField
const appArmorProfile: Rule<CoreV1AppArmorProfile> = (given, path) => {
	const { type = "", localhostProfile: profile } = given ?? {};
	const place = `${path}.localhostProfile`;
	if (type === "") return [required(`${path}.type`, "type is required when appArmorProfile is set")];
	if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
	if (type !== "Localhost")
		return profile === undefined
			? []
			: [invalidValue(place, profile, "can only be set when AppArmor type is Localhost")];
	if (profile === undefined || profile === "") return [required(place, "must be set when AppArmor type is Localhost")];
	const padded = profile.trim() === profile ? [] : [invalidValue(place, profile, "must not be padded with whitespace")];
	return profile.length > PROFILE_MAX ? [...padded, tooLong(place, PROFILE_MAX)] : padded;
};

const USER = {
	domainMax: 256,
	nameMax: 104,
	netBios: /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/,
	domain: /^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\.)+([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])$/,
	dotsOrSpaces: /^[. ]+$/,
	characters: /["/\\:;|=,+*?<>@[\]]/,
	control: /[\u0000-\u001f\u007f]+/,
};

function userProblems(given: string): string[] {
	if (given === "") return ["runAsUserName cannot be an empty string"];
	if (USER.control.test(given)) return ["runAsUserName cannot contain control characters"];
	const parts = given.split("\\");
	if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
	const [domain, user = ""] = parts.length === 1 ? [undefined, parts[0]] : parts;
	const problems: string[] = [];
	if ((domain ?? "").length >= USER.domainMax)
		problems.push(`runAsUserName's Domain length must be under ${USER.domainMax} characters`);
	if (domain !== undefined && !USER.netBios.test(domain) && !USER.domain.test(domain))
		problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
	if (user === "") problems.push("runAsUserName's User cannot be empty");
	else if (user.length > USER.nameMax)
		problems.push(`runAsUserName's User length must not be longer than ${USER.nameMax} characters`);
	if (USER.dotsOrSpaces.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
	if (USER.characters.test(user))
		problems.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
	return problems;
}

const CREDENTIAL_KIB = 64;

// validateWindowsSecurityContextOptions
const windowsOptions = fields<CoreV1WindowsSecurityContextOptions>({
	gmsaCredentialSpecName: optional(subdomain),
	gmsaCredentialSpec: optional((value = "", path) => {
		if (value === "") return [invalidValue(path, value, "gmsaCredentialSpec cannot be an empty string")];
		return value.length > CREDENTIAL_KIB * 1024
			? [invalidValue(path, value, `gmsaCredentialSpec size must be under ${CREDENTIAL_KIB} KiB`)]
			: [];
	}),
	runAsUserName: optional((value = "", path) => userProblems(value).map((why) => invalidValue(path, value, why))),
});

const SYSCTL = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const SYSCTL_MAX = 253;

// validateSysctls
const sysctls: Rule<readonly CoreV1Sysctl[]> = (list = [], path) => {
	const seen = new Set<string>();
	return list.flatMap(({ name }, i) => {
		const place = `${path}[${i}].name`;
		const again = seen.has(name);
		seen.add(name);
		if (name === "") return [required(place)];
		if (name.length > SYSCTL_MAX || !new RegExp(SYSCTL).test(name))
			return [invalidValue(place, name, `must have at most ${SYSCTL_MAX} characters and match regex ${SYSCTL}`)];
		return again ? [duplicate(place, name)] : [];
	});
};

/** GetNamespace of component-helpers' node/util/sysctl. */
const isOfNetwork = (name: string) => /^net[./]/.test(name);
const isOfIpc = (name: string) => /^(kernel[./](sem$|shm|msg)|fs[./]mqueue[./])/.test(name);

function hostSysctls({ securityContext, hostNetwork, hostIPC }: CoreV1PodSpec, path: string): FieldError[] {
	return (securityContext?.sysctls ?? []).flatMap(({ name }, i) => {
		const place = `${path}.securityContext.sysctls[${i}].name`;
		if (hostNetwork === true && isOfNetwork(name))
			return [invalidValue(place, name, "may not be specified when 'hostNetwork' is true")];
		return hostIPC === true && isOfIpc(name)
			? [invalidValue(place, name, "may not be specified when 'hostIPC' is true")]
			: [];
	});
}

const podContext = fields<CoreV1PodSecurityContext>({
	fsGroup: optional(id),
	runAsUser: optional(id),
	runAsGroup: optional(id),
	supplementalGroups: each(id),
	sysctls,
	fsGroupChangePolicy: optional(oneOf("Always", "OnRootMismatch")),
	seccompProfile: optional(seccompProfile),
	windowsOptions: optional(windowsOptions),
	appArmorProfile: optional(appArmorProfile),
	supplementalGroupsPolicy: optional(oneOf("Merge", "Strict")),
	// MountOption waits for the feature gate SELinuxMount.
	seLinuxChangePolicy: optional(oneOf("Recursive")),
});

/** validatePodSpecSecurityContext, ValidateHostSysctl. */
export const podSecurity = (pod: CoreV1PodSpec, path: string): FieldError[] => {
	const { securityContext, shareProcessNamespace: shared, hostPID } = pod;
	const errors = optional(podContext)(securityContext, `${path}.securityContext`);
	if (shared === true && hostPID === true)
		errors.push(
			invalidValue(
				`${path}.securityContext.shareProcessNamespace`,
				shared,
				"ShareProcessNamespace and HostPID cannot both be enabled",
			),
		);
	return [...errors, ...hostSysctls(pod, path)];
};

/** ValidateSecurityContext; `hostUsers`: the pod shares its node's user namespace. */
export const containerSecurity = (hostUsers: boolean): Rule<CoreV1SecurityContext> => {
	const apart: Rule<CoreV1SecurityContext> = (given, path) => {
		const { allowPrivilegeEscalation, privileged, capabilities } = given ?? {};
		if (allowPrivilegeEscalation !== false) return [];
		const refused = [
			...(privileged === true ? ["`privileged` to true"] : []),
			...(capabilities?.add ?? []).flatMap((one) =>
				one === "CAP_SYS_ADMIN" ? ["`capabilities.Add` CAP_SYS_ADMIN"] : [],
			),
		];
		return refused.map((why) => invalidWhole(path, `cannot set \`allowPrivilegeEscalation\` to false and ${why}`));
	};
	return optional(
		fields<CoreV1SecurityContext>(
			{
				runAsUser: optional(id),
				runAsGroup: optional(id),
				procMount: optional(oneOf("Default", "Unmasked"), (value = "", path) =>
					hostUsers && value === "Unmasked"
						? [invalidValue(path, value, "`hostUsers` must be false to use `Unmasked`")]
						: [],
				),
				seccompProfile: optional(seccompProfile),
			},
			apart,
			fields<CoreV1SecurityContext>({
				windowsOptions: optional(windowsOptions),
				appArmorProfile: optional(appArmorProfile),
			}),
		),
	);
};

/** Every container, with its path. */
export function containersOf(pod: CoreV1PodSpec, path: string): [container: CoreV1Container, path: string][] {
	return (["initContainers", "containers"] as const).flatMap((list) =>
		(pod[list] ?? []).map((one, i): [CoreV1Container, string] => [one, `${path}.${list}[${i}]`]),
	);
}

// validateHostUsers
export function hostUsers(pod: CoreV1PodSpec, path: string): FieldError[] {
	if (pod.hostUsers !== false) return [];
	const refused = [
		...(pod.hostNetwork === true ? [`${path}.hostNetwork`] : []),
		...(pod.hostPID === true ? [`${path}.HostPID`] : []),
		...(pod.hostIPC === true ? [`${path}.HostIPC`] : []),
		...containersOf(pod, path).flatMap(([{ volumeDevices = [] }, place]) =>
			volumeDevices.length > 0 ? [`${place}.volumeDevices`] : [],
		),
	];
	return refused.map((place) => forbiddenField(place, "when `hostUsers` is false"));
}

// validateWindowsHostProcessPod
export function hostProcess(pod: CoreV1PodSpec, path: string): FieldError[] {
	const own = pod.securityContext?.windowsOptions?.hostProcess;
	const all = containersOf(pod, path);
	const errors: FieldError[] = [];
	let count = 0;
	for (const [{ securityContext }, place] of all) {
		const said = securityContext?.windowsOptions?.hostProcess;
		if (own !== undefined && said !== undefined && own !== said)
			errors.push(
				invalidValue(
					`${place}.securityContext.windowsOptions.hostProcess`,
					said,
					`pod hostProcess value must be identical if both are specified, was ${own}`,
				),
			);
		if (said ?? own ?? false) count++;
	}
	if (count === 0) return errors;
	if (count !== all.length)
		errors.push(
			invalidValue(
				path,
				"",
				"If pod contains any hostProcess containers then all containers must be HostProcess containers",
			),
		);
	if (pod.hostNetwork !== true)
		errors.push(
			invalidValue(`${path}.hostNetwork`, false, "hostNetwork must be true if pod contains any hostProcess containers"),
		);
	return errors;
}

const NOT_OF_WINDOWS = {
	spec: ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"],
	pod: [
		...[
			"appArmorProfile",
			"seLinuxOptions",
			"seccompProfile",
			"fsGroup",
			"fsGroupChangePolicy",
			"sysctls",
			"runAsUser",
		],
		...["runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"],
	],
	container: [
		...["appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged"],
		...["allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup"],
	],
};

/** validateOS, and what an operating system has no word for (validateLinux, validateWindows). */
export function operatingSystem(pod: CoreV1PodSpec, path: string): FieldError[] {
	if (pod.os === undefined) return [];
	const { name } = pod.os;
	if (!name) return [required(`${path}.os.name`)];
	const { sysctls: listed = [], ...others } = pod.securityContext ?? {};
	const own = listed.length === 0 ? others : { ...others, sysctls: listed };
	const contexts: [object, string, readonly string[]][] = [
		[own, `${path}.securityContext`, NOT_OF_WINDOWS.pod],
		...containersOf(pod, path).map(([one, place]): [object, string, readonly string[]] => [
			...([one.securityContext ?? {}, `${place}.securityContext`] as const),
			NOT_OF_WINDOWS.container,
		]),
	];
	if (name === "linux")
		return contexts.flatMap(([context, place]) =>
			"windowsOptions" in context
				? [forbiddenField(`${place}.windowsOptions`, "windows options cannot be set for a linux pod")]
				: [],
		);
	if (name !== "windows") return [notSupported(`${path}.os`, name, ["linux", "windows"])];
	const isSaid = (value: unknown) =>
		value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
	const said = (
		object: object,
		names: readonly string[],
		place: string,
		shows: (value: unknown) => boolean = (value) => value !== undefined,
	) =>
		names.flatMap((field) =>
			shows((object as Record<string, unknown>)[field])
				? [forbiddenField(`${place}.${field}`, "cannot be set for a windows pod")]
				: [],
		);
	return [
		...said(pod, ["hostUsers", "shareProcessNamespace"], path),
		...said(pod, ["hostPID", "hostIPC"], path, isSaid),
		...contexts.flatMap(([context, place, names]) => said(context, names, place)),
	];
}
