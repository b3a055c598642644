// Containers of a pod (pkg/apis/core/validation/validation.go: validateContainers, validateInitContainers and what they call).

import type { IntOrString } from "../../api/meta.ts";
import type {
	CoreV1Container,
	CoreV1ContainerPort,
	CoreV1EnvFromSource,
	CoreV1EnvVar,
	CoreV1EnvVarSource,
	CoreV1ExecAction,
	CoreV1GRPCAction,
	CoreV1HTTPGetAction,
	CoreV1Lifecycle,
	CoreV1Probe,
	CoreV1TCPSocketAction,
	CoreV1VolumeMount,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, notFoundValue, required } from "../status.ts";
import { configKey, environmentName, neededText, portName, portNumberOrName } from "./formats.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { requirements } from "./resources.ts";
import {
	each,
	fields,
	needed,
	neededOneOf,
	notNegative,
	oneOf,
	optional,
	portNumber,
	type Rule,
	text,
} from "./rule.ts";

// validateContainerPorts
const port: Rule<CoreV1ContainerPort> = fields<CoreV1ContainerPort>({
	name: optional(text((name) => (name === "" ? [] : portName(name)))),
	containerPort: (value, path) => (value ? portNumber(value, path) : [required(path)]),
	hostPort: (value, path) => (value ? portNumber(value, path) : []),
	protocol: neededOneOf("SCTP", "TCP", "UDP"),
});

const ports: Rule<readonly CoreV1ContainerPort[]> = (list = [], path) => {
	const names = new Set<string>();
	return list.flatMap((one, i) => {
		const place = `${path}[${i}]`;
		const { name = "" } = one;
		const again = name !== "" && names.has(name) ? [duplicate(`${place}.name`, name)] : [];
		if (name !== "") names.add(name);
		return [...again, ...port(one, place)];
	});
};

const FIELD_PATHS = [
	...["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"],
	...["status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"],
];
/** Fields that a pod can be asked for in general, and not in an environment. */
const OTHER_PATHS = [
	...["metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"],
];

// validateEnvVarValueFrom
const valueFrom: Rule<CoreV1EnvVarSource> = (source, path) => {
	const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source ?? {};
	const given = Object.keys(source ?? {});
	const errors: FieldError[] = [];
	if (fieldRef !== undefined) {
		const place = `${path}.fieldRef`;
		if (!fieldRef.fieldPath) errors.push(required(`${place}.fieldPath`));
		else if (!/^metadata\.(labels|annotations)\['.*'\]$/.test(fieldRef.fieldPath))
			errors.push(
				...([...FIELD_PATHS, ...OTHER_PATHS].includes(fieldRef.fieldPath)
					? oneOf(...FIELD_PATHS)(fieldRef.fieldPath, `${place}.fieldPath`)
					: [
							invalidValue(
								`${place}.fieldPath`,
								fieldRef.fieldPath,
								`error converting fieldPath: field label not supported: ${fieldRef.fieldPath}`,
							),
						]),
			);
	}
	if (resourceFieldRef !== undefined && !resourceFieldRef.resource)
		errors.push(required(`${path}.resourceFieldRef.resource`));
	for (const [name, ref] of [
		["configMapKeyRef", configMapKeyRef],
		["secretKeyRef", secretKeyRef],
	] as const) {
		if (ref === undefined) continue;
		errors.push(...text(dnsSubdomain)(ref.name ?? "", `${path}.${name}.name`));
		errors.push(...neededText(configKey)(ref.key, `${path}.${name}.key`));
	}
	if (given.length === 0)
		errors.push(
			invalidValue(
				path,
				"",
				"must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
			),
		);
	if (given.length > 1) errors.push(invalidValue(path, "", "may not have more than one field specified at a time"));
	return errors;
};

// ValidateEnv
const env: Rule<CoreV1EnvVar> = (one, path) => {
	const { name, value = "", valueFrom: source } = one as CoreV1EnvVar;
	const errors = neededText(environmentName)(name, `${path}.name`);
	if (source === undefined) return errors;
	if (value !== "")
		errors.push(invalidValue(`${path}.valueFrom`, "", "may not be specified when `value` is not empty"));
	return [...errors, ...valueFrom(source, `${path}.valueFrom`)];
};

// ValidateEnvFrom
const envFrom: Rule<CoreV1EnvFromSource> = (one, path) => {
	const { configMapRef, secretRef, prefix = "" } = one as CoreV1EnvFromSource;
	const errors = prefix === "" ? [] : text(environmentName)(prefix, `${path}.prefix`);
	if (configMapRef !== undefined)
		errors.push(...neededText(dnsSubdomain)(configMapRef.name, `${path}.configMapRef.name`));
	if (secretRef !== undefined) errors.push(...neededText(dnsSubdomain)(secretRef.name, `${path}.secretRef.name`));
	const sources = [configMapRef, secretRef].filter((ref) => ref !== undefined).length;
	// Upstream's path is that of the list.
	const list = path.replace(/\[\d+\]$/, "");
	if (sources === 0) errors.push(invalidValue(list, "", "must specify one of: `configMapRef` or `secretRef`"));
	if (sources > 1) errors.push(invalidValue(list, "", "may not have more than one field specified at a time"));
	return errors;
};

const actionPort: Rule<IntOrString> = (value = 0, path) => portNumberOrName(value, path);

const httpGet = fields<CoreV1HTTPGetAction>({
	path: needed(),
	port: actionPort,
	scheme: oneOf("HTTP", "HTTPS"),
	httpHeaders: each((header, path) =>
		/^[-A-Za-z0-9]+$/.test(header?.name ?? "")
			? []
			: [
					invalidValue(
						path.replace(/\[\d+\]$/, ""),
						header?.name ?? "",
						"a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
					),
				],
	),
});

interface Action {
	exec?: CoreV1ExecAction;
	httpGet?: CoreV1HTTPGetAction;
	tcpSocket?: CoreV1TCPSocketAction;
	grpc?: CoreV1GRPCAction;
	sleep?: { seconds: number };
}

// validateHandler
const action: Rule<Action> = (given, path) => {
	const one = given ?? {};
	const order = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;
	const found = order.filter((name) => one[name] !== undefined);
	const errors = found.flatMap((name, i) => {
		const place = `${path}.${name}`;
		if (i > 0) return [forbiddenField(place, "may not specify more than 1 handler type")];
		if (name === "exec") return needed()(one.exec?.command, `${place}.command`);
		if (name === "httpGet") return httpGet(one.httpGet, place);
		if (name === "tcpSocket") return actionPort(one.tcpSocket?.port, `${place}.port`);
		if (name === "grpc") return portNumber(one.grpc?.port, `${place}.port`);
		return [];
	});
	return found.length === 0 ? [...errors, required(path, "must specify a handler type")] : errors;
};

// validateProbe
const probe: Rule<CoreV1Probe> = (given, path) => {
	if (given === undefined) return [];
	return [
		...action(given, path),
		...fields<CoreV1Probe>({
			initialDelaySeconds: notNegative,
			timeoutSeconds: notNegative,
			periodSeconds: notNegative,
			successThreshold: notNegative,
			failureThreshold: notNegative,
			terminationGracePeriodSeconds: optional((seconds = 0, place) =>
				seconds > 0 ? [] : [invalidValue(place, seconds, "must be greater than 0")],
			),
		})(given, path),
	];
};

// validateLivenessProbe, validateStartupProbe
const onceSuccessful: Rule<CoreV1Probe> = (given, path) => {
	if (given === undefined) return [];
	const { successThreshold = 1 } = given;
	const wrong = successThreshold === 1 ? [] : [invalidValue(`${path}.successThreshold`, successThreshold, "must be 1")];
	return [...probe(given, path), ...wrong];
};

const readiness: Rule<CoreV1Probe> = (given, path) => {
	if (given === undefined) return [];
	const seconds = given.terminationGracePeriodSeconds;
	const wrong =
		seconds === undefined
			? []
			: [invalidValue(`${path}.terminationGracePeriodSeconds`, seconds, "must not be set for readinessProbes")];
	return [...probe(given, path), ...wrong];
};

const lifecycle = fields<CoreV1Lifecycle>({
	postStart: optional(action as never),
	preStop: optional(action as never),
});

/** What the containers of a pod refer to outside themselves. */
export interface Surroundings {
	volumes: ReadonlySet<string>;
}

// ValidateVolumeMounts
function mounts(volumes: ReadonlySet<string>): Rule<readonly CoreV1VolumeMount[]> {
	return (list = [], path) => {
		const places = new Set<string>();
		return list.flatMap(({ name, mountPath, subPath = "" }, i) => {
			const place = `${path}[${i}]`;
			const errors: FieldError[] = [];
			if (!name) errors.push(required(`${place}.name`));
			if (!volumes.has(name)) errors.push(notFoundValue(`${place}.name`, name));
			if (!mountPath) errors.push(required(`${place}.mountPath`));
			if (places.has(mountPath)) errors.push(invalidValue(`${place}.mountPath`, mountPath, "must be unique"));
			places.add(mountPath);
			// Upstream leaves the index out.
			const beneath = `${path}.subPath`;
			if (subPath.startsWith("/")) errors.push(invalidValue(beneath, subPath, "must be a relative path"));
			if (subPath.split("/").includes("..")) errors.push(invalidValue(beneath, subPath, "must not contain '..'"));
			return errors;
		});
	};
}

/** validateContainerCommon; `taken`: names of containers before this one. */
function container({ volumes }: Surroundings, taken: Set<string>): Rule<CoreV1Container> {
	return fields<CoreV1Container>({
		name: (name = "", path) => {
			const again = taken.has(name) ? [duplicate(path, name)] : [];
			taken.add(name);
			return [...neededText(dnsLabel)(name, path), ...again];
		},
		image: (image = "", path) => {
			if (image === "") return [required(path)];
			return image === image.trim() ? [] : [invalidValue(path, image, "must not have leading or trailing whitespace")];
		},
		terminationMessagePolicy: neededOneOf("File", "FallbackToLogsOnError"),
		ports,
		env: each(env),
		envFrom: each(envFrom),
		volumeMounts: mounts(volumes),
		imagePullPolicy: neededOneOf("Always", "IfNotPresent", "Never"),
		resources: requirements,
	});
}

const ofRunning = fields<CoreV1Container>({
	lifecycle: optional(lifecycle),
	livenessProbe: onceSuccessful,
	readinessProbe: readiness,
	startupProbe: onceSuccessful,
});

/** validateContainers. */
export function containers(around: Surroundings): Rule<readonly CoreV1Container[]> {
	return (list = [], path) => {
		if (list.length === 0) return [required(path)];
		const names = new Set<string>();
		return list.flatMap((one, i) => {
			const place = `${path}[${i}]`;
			return [...container(around, names)(one, place), ...ofRunning(one, place), ...restartPolicy(one, place)];
		});
	};
}

// validateContainerRestartPolicy of regular containers
function restartPolicy({ restartPolicy: policy }: CoreV1Container, path: string): FieldError[] {
	return policy === undefined ? [] : oneOf("Always", "Never", "OnFailure")(policy, `${path}.restartPolicy`);
}

/** validateInitContainers: `regular` are the names that are taken. */
export function initContainers(around: Surroundings, regular: ReadonlySet<string>): Rule<readonly CoreV1Container[]> {
	return (list = [], path) => {
		const names = new Set(regular);
		return list.flatMap((one, i) => {
			const place = `${path}[${i}]`;
			const errors = container(around, names)(one, place);
			if (one.restartPolicy !== undefined) errors.push(...restartPolicy(one, place));
			if (one.restartPolicy === "Always") return [...errors, ...ofRunning(one, place)];
			const refused = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;
			for (const name of refused)
				if (one[name] !== undefined)
					errors.push(
						forbiddenField(`${place}.${name}`, "may not be set for init containers without restartPolicy=Always"),
					);
			return errors;
		});
	};
}
