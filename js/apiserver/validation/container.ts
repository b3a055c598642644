// Containers of a pod (pkg/apis/core/validation/validation.go: validateContainers, validateInitContainers and what they call).

import type { IntOrString } from "../../api/meta.ts";
import type {
	CoreV1Container,
	CoreV1ContainerPort,
	CoreV1EnvFromSource,
	CoreV1EnvVar,
	CoreV1EnvVarSource,
	CoreV1ExecAction,
	CoreV1FileKeySelector,
	CoreV1GRPCAction,
	CoreV1HTTPGetAction,
	CoreV1Lifecycle,
	CoreV1Probe,
	CoreV1TCPSocketAction,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "../status.ts";
import { IN_ENVIRONMENT, objectField, resourceField } from "./downward.ts";
import { configKey, environmentName, neededText, portName, portNumberOrName } from "./formats.ts";
import { devices, mounts, type Volumes } from "./mount.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { claimsOf, requirements } from "./resources.ts";
import {
	all,
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
import { resizePolicies, restartPolicy, stopSignal } from "./running.ts";
import { containerSecurity } from "./security.ts";

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
		const isNamed = name !== "" && portName(name).length === 0;
		const again = isNamed && names.has(name) ? [duplicate(`${place}.name`, name)] : [];
		if (isNamed) names.add(name);
		return [...again, ...port(one, place)];
	});
};

const fileKey = fields<CoreV1FileKeySelector>({
	key: neededText(environmentName),
	volumeName: neededText(dnsLabel),
	path: (value = "", path) => {
		if (value === "") return [required(path)];
		return value.split("/").includes("..") ? [invalidValue(path, value, "must not contain '..'")] : [];
	},
});

// validateEnvVarValueFrom; `value`: beside it
const valueFrom =
	(value: string): Rule<CoreV1EnvVarSource> =>
	(source, path) => {
		const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source ?? {};
		const given = Object.keys(source ?? {});
		const errors: FieldError[] = [];
		if (fieldRef !== undefined) errors.push(...objectField(IN_ENVIRONMENT)(fieldRef, `${path}.fieldRef`));
		if (resourceFieldRef !== undefined)
			errors.push(...resourceField(false)(resourceFieldRef, `${path}.resourceFieldRef`));
		for (const [name, ref] of [
			["configMapKeyRef", configMapKeyRef],
			["secretKeyRef", secretKeyRef],
		] as const) {
			if (ref === undefined) continue;
			errors.push(...text(dnsSubdomain)(ref.name ?? "", `${path}.${name}.name`));
			errors.push(...neededText(configKey)(ref.key, `${path}.${name}.key`));
		}
		if (fileKeyRef !== undefined) errors.push(...fileKey(fileKeyRef, `${path}.fileKeyRef`));
		if (given.length === 0)
			errors.push(
				invalidValue(
					path,
					"",
					"must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
				),
			);
		else if (value !== "") errors.push(invalidValue(path, "", "may not be specified when `value` is not empty"));
		else if (given.length > 1)
			errors.push(invalidValue(path, "", "may not have more than one field specified at a time"));
		return errors;
	};

// ValidateEnv
const env: Rule<CoreV1EnvVar> = (one, path) => {
	const { name, value = "", valueFrom: source } = one as CoreV1EnvVar;
	const errors = neededText(environmentName)(name, `${path}.name`);
	if (source === undefined) return errors;
	return [...errors, ...valueFrom(value)(source, `${path}.valueFrom`)];
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

// validateLifecycle, validateSleepAction
const lifecycle = (graceSeconds: number): Rule<CoreV1Lifecycle> => {
	const sleep: Rule<Action> = (given, path) => {
		const { sleep: own, exec, httpGet: get, tcpSocket, grpc } = given ?? {};
		const { seconds = 0 } = own ?? {};
		// Beside another action it is refused as a whole.
		const counts = own !== undefined && [exec, get, tcpSocket, grpc].every((other) => other === undefined);
		const wrong = counts && (seconds < 0 || seconds > graceSeconds);
		const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
		return wrong ? [invalidValue(`${path}.sleep`, seconds, why)] : [];
	};
	const hook = optional<Action>(action, sleep) as never;
	return fields<CoreV1Lifecycle>({ postStart: hook, preStop: hook });
};

/** What the containers of a pod refer to outside themselves. */
export interface Surroundings {
	volumes: Volumes;
	/** Names of its resource claims. */
	claims: ReadonlySet<string>;
	/** Of a pod, not of a template. */
	isPod: boolean;
	/** The pod shares its node's user namespace. */
	hostUsers: boolean;
	restartPolicy: string | undefined;
	os: string | undefined;
	/** terminationGracePeriodSeconds. */
	graceSeconds: number;
}

/** validateContainerCommon; `taken`: names of containers before this one. */
function container(around: Surroundings, taken: Set<string>): Rule<CoreV1Container> {
	const { volumes, isPod, hostUsers, claims } = around;
	const rule = (one: CoreV1Container) =>
		fields<CoreV1Container>({
			name: (name = "", path) => {
				const again = taken.has(name) ? [duplicate(path, name)] : [];
				taken.add(name);
				return [...neededText(dnsLabel)(name, path), ...again];
			},
			image: (image = "", path) => {
				if (image === "") return [required(path)];
				return !isPod || image === image.trim()
					? []
					: [invalidValue(path, image, "must not have leading or trailing whitespace")];
			},
			terminationMessagePolicy: neededOneOf("File", "FallbackToLogsOnError"),
			ports,
			env: each(env),
			envFrom: each(envFrom),
			volumeMounts: mounts(volumes, one),
			volumeDevices: devices(volumes, one),
			imagePullPolicy: neededOneOf("Always", "IfNotPresent", "Never"),
			resources: all(requirements, claimsOf(claims)),
			resizePolicy: resizePolicies(around.restartPolicy),
			securityContext: containerSecurity(hostUsers),
		});
	return (given, path) => rule(given as CoreV1Container)(given, path);
}

const ofRunning = ({ graceSeconds }: Surroundings) =>
	fields<CoreV1Container>({
		lifecycle: optional(lifecycle(graceSeconds)),
		livenessProbe: onceSuccessful,
		readinessProbe: readiness,
		startupProbe: onceSuccessful,
	});

/** validateContainers. */
export function containers(around: Surroundings): Rule<readonly CoreV1Container[]> {
	return (list = [], path) => {
		if (list.length === 0) return [required(path)];
		const names = new Set<string>();
		const errors = list.flatMap((one, i) => {
			const place = `${path}[${i}]`;
			return [
				...container(around, names)(one, place),
				...ofRunning(around)(one, place),
				...stopSignal(one, place, around.os),
				...restartPolicy(one, place),
			];
		});
		return [...errors, ...hostPortClashes(list, path)];
	};
}

// checkHostPortConflicts
function hostPortClashes(list: readonly CoreV1Container[], path: string): FieldError[] {
	const taken = new Set<string>();
	return list.flatMap(({ ports: own = [] }, i) =>
		own.flatMap(({ protocol, hostIP = "", hostPort = 0 }, j) => {
			const key = `${protocol}/${hostIP}/${hostPort}`;
			if (hostPort !== 0 && taken.has(key)) return [duplicate(`${path}[${i}].ports[${j}].hostPort`, key)];
			taken.add(key);
			return [];
		}),
	);
}

/** validateInitContainers: `regular` are the names that are taken. */
export function initContainers(around: Surroundings, regular: ReadonlySet<string>): Rule<readonly CoreV1Container[]> {
	return (list = [], path) => {
		const names = new Set(regular);
		return list.flatMap((one, i) => {
			const place = `${path}[${i}]`;
			const errors = container(around, names)(one, place);
			if (!regular.has("")) names.delete("");
			// They run one by one; upstream names the first of the list.
			const restarts = restartPolicy(one, place);
			errors.push(
				...(one.restartPolicy === undefined ? restarts.slice(0, 1) : restarts),
				...hostPortClashes([one], path),
			);
			const sidecar = one.restartPolicy === "Always";
			for (const [j, { restartPolicy: policy }] of (one.resizePolicy ?? []).entries())
				if (!sidecar && policy === "RestartContainer")
					errors.push(
						invalidValue(
							`${place}.resizePolicy[${j}].restartPolicy`,
							policy,
							"must not be set to 'RestartContainer' for non-sidecar initContainers",
						),
					);
			if (sidecar) return [...errors, ...ofRunning(around)(one, place), ...stopSignal(one, place, around.os)];
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
