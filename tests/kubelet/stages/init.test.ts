// Init containers, one after the other, and sidecars beside: what they hold up, how they are restarted, and who ends last.

import { describe } from "vitest";
import { container, http, preStop, rows, sidecar } from "./row.ts";

const INIT = "kuberuntime_container.go computeInitContainerActions";
const GET_PHASE = "pkg/kubelet/kubelet_pods.go getPhase";
const CONDITIONS = "pkg/kubelet/status/generate.go";
const ORDER = "kuberuntime_termination_order.go, kuberuntime_container.go killContainer, KEP-753";
const two = [container("i"), container("j")];

describe("init containers", () => {
	rows([
		{
			name: "run one after the other, then the others",
			source: `${INIT}, kubelet_pods.go convertStatusToAPIStatus`,
			spec: { initContainers: two },
			script: { "exits-after.i": "2s", "exits-after.j": "3s" },
			seen: [
				[0.5, "Pending PircS; i waiting(PodInitializing); j waiting(PodInitializing); c waiting(PodInitializing)"],
				[1, "Pending PircS; i running S; j waiting(PodInitializing); c waiting(PodInitializing)"],
				[3, "Pending PircS; i exit 0 Completed R; j waiting(PodInitializing); c waiting(PodInitializing)"],
				[3.5, "Pending PircS; i exit 0 Completed R; j running S; c waiting(PodInitializing)"],
				[6.5, "Pending PIrcS; i exit 0 Completed R; j exit 0 Completed R; c waiting(PodInitializing)"],
				[7, "Running PIRCS; i exit 0 Completed R; j exit 0 Completed R; c running SR"],
			],
			events: [],
			why: [],
		},
		{
			name: "say what they wait for",
			source: CONDITIONS,
			spec: { initContainers: two },
			script: { "exits-after.i": "2s", "exits-after.j": "3s" },
			seen: [[3.5, "Pending PircS; i exit 0 Completed R; j running S; c waiting(PodInitializing)"]],
			why: [
				"Initialized ContainersNotInitialized: containers with incomplete status: [j]",
				"Ready ContainersNotReady: containers with unready status: [c]",
				"ContainersReady ContainersNotReady: containers with unready status: [c]",
			],
		},
		...(["Always", "OnFailure"] as const).map((restartPolicy) => ({
			name: `are tried again where they fail and the policy is ${restartPolicy}`,
			source: INIT,
			spec: { restartPolicy, initContainers: [container("i")] },
			script: { "exit-code.i": "1" },
			happens: [{ at: 4, script: { "exit-code.i": "0" } }],
			seen: [
				[2, "Pending PircS; i exit 1 Error; c waiting(PodInitializing)"],
				[2.5, "Pending PircS; i running S x1 last exit 1 Error; c waiting(PodInitializing)"],
				[3.5, "Pending PircS; i waiting(CrashLoopBackOff) x1 last exit 1 Error; c waiting(PodInitializing)"],
				[14, "Pending PircS; i running S x2 last exit 1 Error; c waiting(PodInitializing)"],
				[15, "Pending PIrcS; i exit 0 Completed R x2 last exit 1 Error; c waiting(PodInitializing)"],
				[15.5, "Running PIRCS; i exit 0 Completed R x2 last exit 1 Error; c running SR"],
			] as const,
			events: ["3.5 BackOff Back-off restarting failed container i in pod a_d(UID)"],
		})),
		{
			name: "end their pod where they fail and the policy is Never",
			source: INIT,
			spec: { restartPolicy: "Never", initContainers: two },
			script: { "exit-code.i": "1" },
			seen: [
				[2, "Failed pircS; i exit 1 Error; j waiting(PodInitializing); c waiting(PodInitializing)"],
				[700, "Failed pircS; i exit 1 Error; j waiting(PodInitializing); c waiting(PodInitializing)"],
			],
			events: [],
			why: [
				"Initialized ContainersNotInitialized: containers with incomplete status: [i j]",
				"Ready PodFailed",
				"ContainersReady PodFailed",
			],
		},
		{
			name: "that have their own policy OnFailure are tried again in a pod of Never",
			source: `${INIT}, KEP-5307`,
			spec: { restartPolicy: "Never", initContainers: [container("i", { restartPolicy: "OnFailure" })] },
			script: { "exit-code.i": "1" },
			seen: [
				[2, "Pending PircS; i exit 1 Error; c waiting(PodInitializing)"],
				[2.5, "Pending PircS; i running S x1 last exit 1 Error; c waiting(PodInitializing)"],
			],
		},
		{
			name: "are not run again where a container is restarted",
			source: INIT,
			spec: { initContainers: [container("i")] },
			script: { "exits-after.c": "1s" },
			seen: [
				[2.5, "Running PIRCS; i exit 0 Completed R; c running SR"],
				[4, "Running PIRCS; i exit 0 Completed R; c running SR x1 last exit 0 Completed"],
			],
		},
	]);
});

describe("sidecars", () => {
	rows([
		{
			name: "start in their order, and hold up what follows until they have started",
			source: INIT,
			spec: { initContainers: [sidecar("s"), container("i"), sidecar("t")] },
			seen: [
				[
					1,
					"Pending PircS; s running SR; i waiting(PodInitializing); t waiting(PodInitializing); c waiting(PodInitializing)",
				],
				[1.5, "Pending PircS; s running SR; i running S; t waiting(PodInitializing); c waiting(PodInitializing)"],
				[
					2.5,
					"Pending PircS; s running SR; i exit 0 Completed R; t waiting(PodInitializing); c waiting(PodInitializing)",
				],
				[3, "Pending PIrcS; s running SR; i exit 0 Completed R; t running SR; c waiting(PodInitializing)"],
				[3.5, "Running PIRCS; s running SR; i exit 0 Completed R; t running SR; c running SR"],
			],
		},
		{
			name: "with a startup probe hold up what follows until it passes",
			source: INIT,
			spec: { initContainers: [sidecar("s", { startupProbe: http({ periodSeconds: 2 }) })] },
			script: { "listens-after.s": "3s" },
			seen: [
				[1, "Pending PircS; s running; c waiting(PodInitializing)"],
				[4.9, "Pending PircS; s running; c waiting(PodInitializing)"],
				[5, "Pending PIrcS; s running SR; c waiting(PodInitializing)"],
				[5.5, "Running PIRCS; s running SR; c running SR"],
			],
		},
		{
			name: "without readiness have their pod unready, and hold up nothing",
			source: "KEP-753: readiness probes of sidecars count",
			spec: { initContainers: [sidecar("s", { readinessProbe: http({ periodSeconds: 5 }) })] },
			script: { "ready-after.s": "4s" },
			seen: [
				[1.5, "Running PIrcS; s running S; c running SR"],
				[6, "Running PIRCS; s running SR; c running SR"],
			],
		},
		{
			name: "that crash are restarted whatever the policy; the pod stays initialized and running",
			source: `${CONDITIONS} GeneratePodInitializedCondition, ${GET_PHASE}`,
			spec: { restartPolicy: "Never", initContainers: [sidecar("s")] },
			happens: [
				{ at: 5, script: { "crash.s": "1" } },
				{ at: 7, script: { "crash.s": "2" } },
			],
			seen: [
				[5, "Running PIrcS; s exit 1 Error; c running SR"],
				[5.5, "Running PIRCS; s running SR x1 last exit 1 Error; c running SR"],
				[7, "Running PIrcS; s waiting(CrashLoopBackOff) x1 last exit 1 Error; c running SR"],
				[17.5, "Running PIRCS; s running SR x2 last exit 1 Error; c running SR"],
			],
			events: ["7 BackOff Back-off restarting failed container s in pod a_d(UID)"],
		},
		{
			name: "that fail their startup probe are restarted, and nobody says so",
			source: INIT,
			spec: {
				restartPolicy: "Never",
				terminationGracePeriodSeconds: 5,
				initContainers: [
					sidecar("s", { startupProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 2 } }),
				],
			},
			script: { "listens-after.s": "60s" },
			seen: [
				[1.9, "Pending PircS; s running; c waiting(PodInitializing)"],
				[2, "Pending PircS; s exit 0 Completed; c waiting(PodInitializing)"],
				[2.5, "Pending PircS; s running x1 last exit 0 Completed; c waiting(PodInitializing)"],
			],
			events: [
				"1 Unhealthy Startup probe failed: dial tcp 10.244.0.2:80: connect: connection refused",
				"2 Unhealthy Startup probe failed: dial tcp 10.244.0.2:80: connect: connection refused",
				"2 Killing Init container s failed startup probe",
				"2.5 Unhealthy Startup probe failed: dial tcp 10.244.0.2:80: connect: connection refused",
			],
		},
		{
			name: "that fail their liveness probe are restarted, and the others run on",
			source: INIT,
			spec: { initContainers: [sidecar("s", { livenessProbe: http({ failureThreshold: 1 }) })] },
			happens: [
				{ at: 5, script: { "fails.s": "liveness" } },
				{ at: 11.2, script: { "fails.s": "" } },
			],
			seen: [
				[11, "Running PIrcS; s exit 0 Completed; c running SR"],
				[11.5, "Running PIRCS; s running SR x1 last exit 0 Completed; c running SR"],
			],
			events: [
				"11 Unhealthy Liveness probe failed: HTTP probe failed with statuscode: 503",
				"11 Killing Init container s failed liveness probe",
			],
		},
		{
			name: "end with the last of the others; until then the pod runs",
			source: `kuberuntime_manager.go computePodActions, ${GET_PHASE}`,
			spec: { restartPolicy: "Never", initContainers: [sidecar("s")] },
			script: { "exits-after.c": "4s", "drains-for.s": "3s" },
			seen: [
				[5.5, "Running PIrcS; s running SR; c exit 0 Completed"],
				[8.4, "Running PIrcS; s running SR; c exit 0 Completed"],
				[8.5, "Succeeded pIrcS; s exit 0 Completed; c exit 0 Completed"],
				[700, "Succeeded pIrcS; s exit 0 Completed; c exit 0 Completed"],
			],
			events: ["5.5 Killing Stopping container s"],
		},
		{
			name: "that are killed do not make their pod fail",
			source: `KEP-753, ${GET_PHASE}`,
			spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 4, initContainers: [sidecar("s")] },
			script: { "exits-after.c": "4s", "drains-for.s": "ever" },
			seen: [
				[9.4, "Running PIrcS; s running SR; c exit 0 Completed"],
				[9.5, "Succeeded pIrcS; s exit 137 Error; c exit 0 Completed"],
			],
		},
		{
			name: "end in the reverse of their order, told and hooked at once",
			source: ORDER,
			spec: { initContainers: [sidecar("s", preStop(1)), sidecar("t", preStop(8))] },
			script: { "drains-for": "3s" },
			happens: [{ at: 5, remove: true }],
			seen: [
				[7.9, "Running PIRCS; s running SR; t running SR; c running SR"],
				[8, "Running PIrcS; s running SR; t running SR; c exit 0 Completed"],
				// The hook of t ends at 13 s, when it hears SIGTERM; s has waited since 6 s.
				[15.9, "Running PIrcS; s running SR; t running SR; c exit 0 Completed"],
				[16, "Running PIrcS; s running SR; t exit 0 Completed; c exit 0 Completed"],
				[18.9, "Running PIrcS; s running SR; t exit 0 Completed; c exit 0 Completed"],
				[19, null],
			],
			events: ["5 Killing Stopping container s", "5 Killing Stopping container t", "5 Killing Stopping container c"],
		},
		{
			name: "whose turn does not come in time have two seconds when the grace period is over",
			source: ORDER,
			spec: { terminationGracePeriodSeconds: 10, initContainers: [sidecar("s")] },
			script: { "drains-for.c": "ever", "drains-for.s": "ever" },
			happens: [{ at: 5, remove: true }],
			seen: [
				[14.9, "Running PIRCS; s running SR; c running SR"],
				[15, "Running PIrcS; s running SR; c exit 137 Error"],
				[16.9, "Running PIrcS; s running SR; c exit 137 Error"],
				[17, null],
			],
		},
		{
			name: "with a liveness probe that is due while they wait for their turn are not asked",
			source: "pkg/kubelet/prober/worker.go doProbe: graceful shutdown",
			spec: { initContainers: [sidecar("s", { livenessProbe: http({ periodSeconds: 1, failureThreshold: 1 }) })] },
			script: { "drains-for.c": "20s" },
			happens: [
				{ at: 5.2, remove: true },
				{ at: 5.3, script: { "fails.s": "liveness" } },
			],
			seen: [
				[25.1, "Running PIRCS; s running SR; c running SR"],
				[25.2, null],
			],
			events: ["5.2 Killing Stopping container s", "5.2 Killing Stopping container c"],
		},
		{
			name: "beside an init container that fails for good are stopped, and then the pod has failed",
			source: `${INIT}, ${GET_PHASE}, pkg/kubelet/status/status_manager.go mergePodStatus`,
			spec: { restartPolicy: "Never", initContainers: [sidecar("s"), container("i")] },
			script: { "exit-code.i": "1", "drains-for.s": "2s" },
			seen: [
				[2.5, "Pending PircS; s running SR; i exit 1 Error; c waiting(PodInitializing)"],
				[4.5, "Failed pircS; s exit 0 Completed; i exit 1 Error; c waiting(PodInitializing)"],
				[700, "Failed pircS; s exit 0 Completed; i exit 1 Error; c waiting(PodInitializing)"],
			],
			events: ["2.5 Killing Stopping container s"],
		},
	]);
});
