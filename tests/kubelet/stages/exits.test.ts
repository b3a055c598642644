// What becomes of a pod whose containers exit: restart policies, rules of containers, and the back-off between two restarts.

import { describe } from "vitest";
import { container, preStop, rows } from "./row.ts";

const GET_PHASE = "pkg/kubelet/kubelet_pods.go getPhase";
const BACK_OFF = "kuberuntime_manager.go doBackOff, client-go util/flowcontrol/backoff.go";
const RULES = "pkg/api/v1/pod/util.go ContainerShouldRestart, KEP-5307";

/** Of a container that exits a second after each start and is always restarted, up to its second back-off. */
const loop = (exit: string) =>
	[
		[0.4, "Pending pIrcS; c waiting(ContainerCreating)"],
		[0.5, "Pending PIrcS; c waiting(ContainerCreating)"],
		[1, "Running PIRCS; c running SR"],
		[2, `Running PIrcS; c ${exit}`],
		[2.5, `Running PIRCS; c running SR x1 last ${exit}`],
		[3.5, `Running PIrcS; c waiting(CrashLoopBackOff) x1 last ${exit}`],
		[13.9, `Running PIrcS; c waiting(CrashLoopBackOff) x1 last ${exit}`],
		[14, `Running PIRCS; c running SR x2 last ${exit}`],
	] as const;
const LOOP = ["3.5 BackOff Back-off restarting failed container c in pod a_d(UID)"];
const exits = (code: number) => ({ "exits-after": "1s", "exit-code": String(code) });

describe("a container that exits is restarted or not", () => {
	rows([
		{
			name: "Always, 0",
			source: GET_PHASE,
			spec: { restartPolicy: "Always" },
			script: exits(0),
			seen: loop("exit 0 Completed"),
			events: LOOP,
			why: [],
		},
		{
			name: "Always, 3",
			source: GET_PHASE,
			spec: { restartPolicy: "Always" },
			script: exits(3),
			seen: loop("exit 3 Error"),
			events: LOOP,
		},
		{
			name: "OnFailure, 0",
			source: GET_PHASE,
			spec: { restartPolicy: "OnFailure" },
			script: exits(0),
			seen: [
				[1, "Running PIRCS; c running SR"],
				[2, "Succeeded pIrcS; c exit 0 Completed"],
				[700, "Succeeded pIrcS; c exit 0 Completed"],
			],
			events: [],
			why: ["Initialized PodCompleted", "Ready PodCompleted", "ContainersReady PodCompleted"],
		},
		{
			name: "OnFailure, 3",
			source: GET_PHASE,
			spec: { restartPolicy: "OnFailure" },
			script: exits(3),
			seen: loop("exit 3 Error"),
			events: LOOP,
		},
		{
			name: "Never, 0",
			source: GET_PHASE,
			spec: { restartPolicy: "Never" },
			script: exits(0),
			seen: [
				[2, "Succeeded pIrcS; c exit 0 Completed"],
				[700, "Succeeded pIrcS; c exit 0 Completed"],
			],
			events: [],
		},
		{
			name: "Never, 3",
			source: GET_PHASE,
			spec: { restartPolicy: "Never" },
			script: exits(3),
			seen: [
				[2, "Failed pIrcS; c exit 3 Error"],
				[700, "Failed pIrcS; c exit 3 Error"],
			],
			events: [],
			why: ["Ready PodFailed", "ContainersReady PodFailed"],
		},
		{
			name: "OnFailure, 3 and then 0: what it was before stays to be seen",
			source: "pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses",
			spec: { restartPolicy: "OnFailure" },
			script: exits(3),
			happens: [{ at: 2.2, script: { "exit-code": "0" } }],
			seen: [
				[2, "Running PIrcS; c exit 3 Error"],
				[3.5, "Succeeded pIrcS; c exit 0 Completed x1 last exit 3 Error"],
			],
		},
		{
			name: "Never, one with 0 and one with 1: the pod runs until both have, and has failed",
			source: GET_PHASE,
			spec: { restartPolicy: "Never", containers: [container("a"), container("b")] },
			script: { "exits-after.a": "1s", "exits-after.b": "5s", "exit-code.b": "1" },
			seen: [
				[2, "Running PIrcS; a exit 0 Completed; b running SR"],
				[6, "Failed pIrcS; a exit 0 Completed; b exit 1 Error"],
			],
		},
		{
			name: "OnFailure, one with 0 and one with 1: the one that failed alone is restarted",
			source: "pkg/kubelet/container/helpers.go ShouldContainerBeRestarted",
			spec: { restartPolicy: "OnFailure", containers: [container("a"), container("b")] },
			script: { "exits-after": "1s", "exit-code.b": "1" },
			seen: [
				[2.5, "Running PIrcS; a exit 0 Completed; b running SR x1 last exit 1 Error"],
				[3.5, "Running PIrcS; a exit 0 Completed; b waiting(CrashLoopBackOff) x1 last exit 1 Error"],
				[14, "Running PIrcS; a exit 0 Completed; b running SR x2 last exit 1 Error"],
			],
		},
	]);
});

describe("a container's own policy and rules go before its pod's", () => {
	const never = { restartPolicy: "Never" as const };
	const rule = (operator: string, ...values: number[]) => ({
		restartPolicyRules: [{ action: "Restart", exitCodes: { operator, values } }],
	});
	rows([
		{
			name: "pod Never, container OnFailure, 3",
			source: RULES,
			spec: { ...never, containers: [container("c", { restartPolicy: "OnFailure" })] },
			script: exits(3),
			seen: loop("exit 3 Error"),
		},
		{
			name: "pod Always, container Never, 3",
			source: RULES,
			spec: { containers: [container("c", { restartPolicy: "Never" })] },
			script: exits(3),
			seen: [[2, "Failed pIrcS; c exit 3 Error"]],
		},
		{
			name: "pod Always, container Never beside one that runs: the pod goes on",
			source: RULES,
			spec: { containers: [container("c", { restartPolicy: "Never" }), container("b")] },
			script: { "exits-after.c": "1s" },
			seen: [
				[2, "Running PIrcS; c exit 0 Completed; b running SR"],
				[700, "Running PIrcS; c exit 0 Completed; b running SR"],
			],
		},
		{
			name: "a rule that has its code among them",
			source: RULES,
			spec: { ...never, containers: [container("c", { ...never, ...rule("In", 42) })] },
			script: exits(42),
			seen: loop("exit 42 Error"),
		},
		{
			name: "a rule that has another code",
			source: RULES,
			spec: { ...never, containers: [container("c", { ...never, ...rule("In", 42) })] },
			script: exits(3),
			seen: [[2, "Failed pIrcS; c exit 3 Error"]],
		},
		{
			name: "a rule for all codes but some",
			source: RULES,
			spec: { ...never, containers: [container("c", { ...never, ...rule("NotIn", 42) })] },
			script: exits(3),
			seen: loop("exit 3 Error"),
		},
		{
			name: "rules do not count where a probe had it stopped",
			source: "kuberuntime_manager.go computePodActions: probe failures",
			spec: {
				...never,
				containers: [
					container("c", {
						...never,
						...rule("In", 42),
						livenessProbe: { tcpSocket: { port: 80 }, failureThreshold: 1 },
					}),
				],
			},
			happens: [{ at: 5, script: { fails: "liveness" } }],
			seen: [
				[10.9, "Running PIRCS; c running SR"],
				[11, "Succeeded pIrcS; c exit 0 Completed"],
			],
			events: [
				"11 Unhealthy Liveness probe failed: dial tcp 10.244.0.2:80: connect: connection refused",
				"11 Killing Container c failed liveness probe",
			],
		},
	]);
});

describe("a rule that restarts all", () => {
	const ALL = "KEP-5532, pkg/kubelet/container/helpers.go ShouldAllContainersRestart";
	const rules = {
		restartPolicy: "Never" as const,
		restartPolicyRules: [{ action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } }],
	};
	const forgotten = "last exit 137 RestartingAllContainers";
	const waits = `waiting(RestartingAllContainers)`;
	rows([
		{
			name: "kills the others, without hook or grace period, and begins with the first init container; the pod runs on",
			source: ALL,
			spec: {
				restartPolicy: "Never",
				initContainers: [container("i")],
				containers: [container("c", rules), container("b", preStop(20))],
			},
			script: { "exit-code": "42", "drains-for": "ever", "exit-code.i": "0" },
			happens: [{ at: 5, script: { "crash.c": "1" } }],
			seen: [
				[4, "Running PIRCS; i exit 0 Completed R; c running SR; b running SR"],
				[5, "Running PIrcS; i exit 0 Completed R; c exit 42 Error; b running SR"],
				[6.9, "Running PIrcS; i exit 0 Completed R; c exit 42 Error; b running SR"],
				[7, `Running PIrcS; i ${waits} ${forgotten}; c ${waits} ${forgotten}; b ${waits} ${forgotten}`],
				[7.5, `Pending PIrcS; i running S x1 ${forgotten}; c ${waits} ${forgotten}; b ${waits} ${forgotten}`],
				[
					9,
					`Running PIRCS; i exit 0 Completed R x1 ${forgotten}; c running SR x1 ${forgotten}; b running SR x1 ${forgotten}`,
				],
			],
			events: ["5 Killing killing"],
			why: [],
		},
		{
			name: "says so while it does",
			source: "pkg/kubelet/status/generate.go GenerateAllContainersRestartingCondition",
			spec: { restartPolicy: "Never", containers: [container("c", rules), container("b")] },
			script: { "exit-code": "42", "drains-for": "ever" },
			happens: [{ at: 5, script: { "crash.c": "1" } }],
			seen: [[6, "Running PIrcS; c exit 42 Error; b running SR"]],
			why: [
				"Ready ContainersNotReady: containers with unready status: [c]",
				"ContainersReady ContainersNotReady: containers with unready status: [c]",
				"AllContainersRestarting RestartAllContainersStarted: container exited with restart policy rule",
			],
		},
		{
			name: "does not count for another code",
			source: ALL,
			spec: { restartPolicy: "Never", containers: [container("c", rules), container("b")] },
			happens: [{ at: 5, script: { "crash.c": "1" } }],
			seen: [[6, "Running PIrcS; c exit 1 Error; b running SR"]],
		},
		{
			name: "does not count while the pod is deleted",
			source: `${ALL}: DeletionTimestamp`,
			spec: { containers: [container("c", rules), container("b")] },
			script: { "exit-code": "42", "drains-for": "8s" },
			happens: [
				{ at: 4, remove: true },
				{ at: 5, script: { "crash.c": "1" } },
			],
			seen: [
				[11.9, "Running PIrcS; c exit 42 Error; b running SR"],
				[12, null],
			],
		},
	]);
});

describe("the back-off", () => {
	/** Each start is half a second after the wait ends, each exit a second after the start. */
	const starts = [1, 2.5, 14, 35.5, 77, 158.5, 320, 621.5, 923];
	rows([
		{
			name: "is 10 s, and twice as long each time up to 300 s",
			source: BACK_OFF,
			script: exits(1),
			seen: starts.flatMap((at, n) => {
				const wait = n === 1 ? "exit 1 Error" : `waiting(CrashLoopBackOff) x${n - 1} last exit 1 Error`;
				const before = [at - 0.1, `Running PIrcS; c ${wait}`] as const;
				const last = n === 0 ? "" : ` x${n} last exit 1 Error`;
				return [...(n === 0 ? [] : [before]), [at, `Running PIRCS; c running SR${last}`] as const];
			}),
		},
		{
			name: "is over where more than ten minutes have gone by since the last restart began",
			source: BACK_OFF,
			script: exits(1),
			// Begun for the third time at 13.5 s, from when on they count.
			happens: [
				{ at: 13.7, script: { "exits-after": "599.6s" } },
				{ at: 600, script: { "exits-after": "1s" } },
			],
			seen: [
				[14, "Running PIRCS; c running SR x2 last exit 1 Error"],
				[613.6, "Running PIrcS; c exit 1 Error x2 last exit 1 Error"],
				[614.1, "Running PIRCS; c running SR x3 last exit 1 Error"],
				[615.1, "Running PIrcS; c waiting(CrashLoopBackOff) x3 last exit 1 Error"],
				[625.5, "Running PIrcS; c waiting(CrashLoopBackOff) x3 last exit 1 Error"],
				[625.6, "Running PIRCS; c running SR x4 last exit 1 Error"],
			],
		},
		{
			name: "goes on where it is less by a moment",
			source: BACK_OFF,
			script: exits(1),
			happens: [{ at: 13.7, script: { "exits-after": "599.4s" } }],
			seen: [
				[613.4, "Running PIrcS; c waiting(CrashLoopBackOff) x2 last exit 1 Error"],
				[633.8, "Running PIrcS; c waiting(CrashLoopBackOff) x2 last exit 1 Error"],
				[633.9, "Running PIRCS; c running SR x3 last exit 1 Error"],
			],
		},
		{
			name: "is each container's own",
			source: BACK_OFF,
			spec: { containers: [container("a"), container("b")] },
			script: { "exits-after.a": "1s", "exits-after.b": "4s" },
			seen: [
				[3.5, "Running PIrcS; a waiting(CrashLoopBackOff) x1 last exit 0 Completed; b running SR"],
				[
					5.5,
					"Running PIrcS; a waiting(CrashLoopBackOff) x1 last exit 0 Completed; b running SR x1 last exit 0 Completed",
				],
				[
					9.5,
					"Running PIrcS; a waiting(CrashLoopBackOff) x1 last exit 0 Completed; b waiting(CrashLoopBackOff) x1 last exit 0 Completed",
				],
				[
					14,
					"Running PIrcS; a running SR x2 last exit 0 Completed; b waiting(CrashLoopBackOff) x1 last exit 0 Completed",
				],
			],
		},
	]);
});
