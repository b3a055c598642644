// How containers are resized, started again and stopped (pkg/apis/core/validation/validation.go: validateResizePolicy,
// validateContainerRestartPolicy, validateStopSignal).

import type {
	CoreV1Container,
	CoreV1ContainerResizePolicy,
	CoreV1ContainerRestartRule,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required, tooMany } from "../status.ts";
import { each, neededOneOf, oneOf, type Rule } from "./rule.ts";

/** `ofPod`: the restartPolicy of its pod. */
export function resizePolicies(ofPod: string | undefined): Rule<readonly CoreV1ContainerResizePolicy[]> {
	return (list = [], path) => {
		const names = new Set<string>();
		return list.flatMap(({ resourceName = "", restartPolicy: policy = "" }, i) => {
			const again = names.has(resourceName) ? [duplicate(`${path}[${i}]`, resourceName)] : [];
			names.add(resourceName);
			return [
				...again,
				...neededOneOf("cpu", "memory")(resourceName, path),
				...neededOneOf("NotRequired", "RestartContainer")(policy, path),
				...(ofPod === "Never" && policy !== "NotRequired"
					? [invalidValue(path, policy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")]
					: []),
			];
		});
	};
}

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;

const restartRule: Rule<CoreV1ContainerRestartRule> = (given, path) => {
	const { action: does = "", exitCodes } = given ?? {};
	const errors = oneOf("Restart", "RestartAllContainers")(does, `${path}.action`);
	const place = `${path}.exitCodes`;
	if (exitCodes === undefined) return [...errors, required(place, "must be specified")];
	const { operator, values = [] } = exitCodes;
	errors.push(...oneOf("In", "NotIn")(operator, `${place}.operator`));
	if (values.length > EXIT_CODES_MAX) errors.push(tooMany(`${place}.values`, values.length, EXIT_CODES_MAX));
	return errors;
};

export function restartPolicy(
	{ restartPolicy: policy, restartPolicyRules: rules = [] }: CoreV1Container,
	path: string,
): FieldError[] {
	const place = `${path}.restartPolicy`;
	const missing = rules.length > 0 ? [required(place, "must specify restartPolicy when restart rules are used")] : [];
	return [
		...(policy === undefined ? missing : oneOf("Always", "Never", "OnFailure")(policy, place)),
		...(rules.length > RULES_MAX ? [tooMany(`${path}.restartPolicyRules`, rules.length, RULES_MAX)] : []),
		...each(restartRule)(rules, `${path}.restartPolicyRules`),
	];
}

const REAL_TIME = Array.from({ length: 14 }, (_, i) => [`SIGRTMAX-${i + 1}`, `SIGRTMIN+${i + 1}`]).flat();
const SIGNALS = [
	..."SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ".split(
		" ",
	),
	...["SIGRTMAX", "SIGRTMIN", "SIGRTMIN+15", ...REAL_TIME],
].sort();

/** `os`: of the pod; undefined: it names none. */
export function stopSignal({ lifecycle: given }: CoreV1Container, path: string, os: string | undefined): FieldError[] {
	const signal = given?.stopSignal;
	if (signal === undefined) return [];
	const place = `${path}.lifecycle.stopSignal`;
	if (os === undefined) return [forbiddenField(place, "may not be set for containers with empty `spec.os.name`")];
	if (os === "windows") return oneOf("SIGKILL", "SIGTERM")(signal, place);
	return os === "linux" ? oneOf(...SIGNALS)(signal, place) : [];
}
