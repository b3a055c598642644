// postStart hooks: until one has ended its container is not said to run and the next one does not begin; one that fails has it stopped.

import { describe } from "vitest";
import { container, http, rows } from "./row.ts";

const START = "kuberuntime_container.go startContainer";
const hook = { lifecycle: { postStart: { exec: { command: ["x", "y"] } } } };
const FAILED = ["FailedPostStartHook PostStartHook failed", "Killing FailedPostStartHook"];

describe("a postStart hook", () => {
	rows([
		{
			name: "is waited for before its container is said to run",
			source: `${START}, docs concepts/containers/container-lifecycle-hooks`,
			spec: { containers: [container("c", { ...hook, readinessProbe: http({ periodSeconds: 2 }) })] },
			script: { "poststart-takes": "4s" },
			seen: [
				[4.9, "Pending PIrcS; c waiting(ContainerCreating)"],
				[5, "Running PIRCS; c running SR"],
			],
			events: [],
		},
		{
			name: "that sleeps takes as long as it says",
			source: "pkg/kubelet/lifecycle/handlers.go runSleepHandler, KEP-3960",
			spec: { containers: [container("c", { lifecycle: { postStart: { sleep: { seconds: 3 } } } })] },
			seen: [
				[3.9, "Pending PIrcS; c waiting(ContainerCreating)"],
				[4, "Running PIRCS; c running SR"],
			],
		},
		{
			name: "holds up the containers behind its own",
			source: "kuberuntime_manager.go SyncPod: one after the other",
			spec: { containers: [container("a", hook), container("b")] },
			script: { "poststart-takes": "4s" },
			seen: [
				[4.9, "Pending PIrcS; a waiting(ContainerCreating); b waiting(ContainerCreating)"],
				[5, "Pending PIrcS; a running SR; b waiting(ContainerCreating)"],
				[5.5, "Running PIRCS; a running SR; b running SR"],
			],
		},
		{
			name: "that fails has its container stopped and restarted, after a back-off the second time",
			source: START,
			spec: { containers: [container("c", hook)] },
			script: { "poststart-takes": "1s", fails: "poststart", "drains-for": "1s" },
			happens: [{ at: 12, script: { fails: "" } }],
			seen: [
				[2.9, "Pending PIrcS; c waiting(ContainerCreating)"],
				[3, "Running PIrcS; c waiting(PostStartHookError) last exit 0 Completed"],
				[5.4, "Running PIrcS; c waiting(PostStartHookError) x1 last exit 0 Completed"],
				[5.5, "Running PIrcS; c waiting(CrashLoopBackOff) x1 last exit 0 Completed"],
				[16.9, "Running PIrcS; c waiting(CrashLoopBackOff) x2 last exit 0 Completed"],
				[17, "Running PIRCS; c running SR x2 last exit 0 Completed"],
			],
			events: [
				...FAILED.map((text) => `2 ${text}`),
				...FAILED.map((text) => `4.5 ${text}`),
				"5.5 BackOff Back-off restarting failed container c in pod a_d(UID)",
			],
		},
		{
			name: "that fails ends a pod of Never",
			source: START,
			spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 4, containers: [container("c", hook)] },
			script: { fails: "poststart", "drains-for": "ever" },
			seen: [
				[4.9, "Pending PIrcS; c waiting(ContainerCreating)"],
				[5, "Failed pIrcS; c exit 137 Error"],
			],
			events: FAILED.map((text) => `1 ${text}`),
		},
		{
			name: "does not keep its program from ending",
			source: START,
			spec: { restartPolicy: "Never", containers: [container("c", hook)] },
			script: { "poststart-takes": "10s", "exits-after": "2s", "exit-code": "3" },
			seen: [
				[2.9, "Pending PIrcS; c waiting(ContainerCreating)"],
				[11, "Failed pIrcS; c exit 3 Error"],
			],
		},
	]);
});
