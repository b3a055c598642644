// Probes: who waits for whom, how many answers count, what a failure does, and how a restart after one is put off.

import { describe } from "vitest";
import { container, http, preStop, rows } from "./row.ts";

const WORKER = "pkg/kubelet/prober/worker.go doProbe";
const ACTIONS = "kuberuntime_manager.go computePodActions";
const WAIT = "kuberuntime_manager.go SyncPod, doBackOff";
const GRACE = "kuberuntime_container.go setTerminationGracePeriod";
const UNWELL = (probe: string) => `Unhealthy ${probe} probe failed: HTTP probe failed with statuscode: 503`;
const c = (rest: object) => ({ containers: [container("c", rest)] });

describe("thresholds, periods and delays", () => {
	rows([
		{
			name: "readiness: initialDelaySeconds from the start, then every period, up to the first success",
			source: WORKER,
			spec: c({ readinessProbe: http({ initialDelaySeconds: 3, periodSeconds: 4 }) }),
			script: { "ready-after": "8s" },
			seen: [
				[1, "Running PIrcS; c running S"],
				[11.9, "Running PIrcS; c running S"],
				[12, "Running PIRCS; c running SR"],
			],
			events: [`4 ${UNWELL("Readiness")}`, `8 ${UNWELL("Readiness")}`],
		},
		{
			name: "readiness: successThreshold in a row",
			source: WORKER,
			spec: c({ readinessProbe: http({ periodSeconds: 2, successThreshold: 3 }) }),
			seen: [
				[4.9, "Running PIrcS; c running S"],
				[5, "Running PIRCS; c running SR"],
			],
		},
		{
			name: "readiness: failureThreshold in a row, and never a restart",
			source: WORKER,
			spec: c({ readinessProbe: http({ periodSeconds: 2, failureThreshold: 2 }) }),
			happens: [
				{ at: 2, script: { fails: "readiness" } },
				{ at: 4, script: { fails: "" } },
				{ at: 6, script: { fails: "readiness" } },
			],
			seen: [
				[3, "Running PIRCS; c running SR"],
				[8.9, "Running PIRCS; c running SR"],
				[9, "Running PIrcS; c running S"],
				[400, "Running PIrcS; c running S"],
			],
			why: [
				"Ready ContainersNotReady: containers with unready status: [c]",
				"ContainersReady ContainersNotReady: containers with unready status: [c]",
			],
		},
		{
			name: "startup: neither of the others is asked until it passes",
			source: WORKER,
			spec: c({
				startupProbe: http({ periodSeconds: 5, failureThreshold: 9 }),
				readinessProbe: http({ periodSeconds: 1 }),
				livenessProbe: http({ periodSeconds: 1, failureThreshold: 1 }),
			}),
			script: { fails: "startup,liveness" },
			happens: [{ at: 10, script: { fails: "" } }],
			seen: [
				[9, "Running PIrcS; c running"],
				[11, "Running PIRCS; c running SR"],
			],
			events: [`1 ${UNWELL("Startup")}`, `6 ${UNWELL("Startup")}`],
		},
		{
			name: "liveness: does not wait for readiness",
			source: WORKER,
			spec: c({ readinessProbe: http(), livenessProbe: http({ periodSeconds: 3, failureThreshold: 2 }) }),
			script: { fails: "readiness,liveness" },
			happens: [{ at: 4.2, script: { fails: "readiness" } }],
			seen: [
				[4, "Running PIrcS; c exit 0 Completed"],
				[4.5, "Running PIrcS; c running S x1 last exit 0 Completed"],
			],
			events: [
				`1 ${UNWELL("Readiness")}`,
				`1 ${UNWELL("Liveness")}`,
				`4 ${UNWELL("Liveness")}`,
				"4 Killing Container c failed liveness probe, will be restarted",
				`4.5 ${UNWELL("Readiness")}`,
			],
		},
		{
			name: "liveness: what it counted is forgotten once it had its container stopped",
			source: `${WORKER}: onHold, resultRun`,
			spec: c({ livenessProbe: http({ periodSeconds: 2, failureThreshold: 3 }) }),
			script: { fails: "liveness" },
			seen: [
				[4.9, "Running PIRCS; c running SR"],
				[5, "Running PIrcS; c exit 0 Completed"],
				[5.5, "Running PIRCS; c running SR x1 last exit 0 Completed"],
				[9.4, "Running PIRCS; c running SR x1 last exit 0 Completed"],
				[9.5, "Running PIrcS; c exit 0 Completed x1 last exit 0 Completed"],
			],
		},
	]);
});

describe("a container that a probe has stopped", () => {
	const liveness = { livenessProbe: http({ periodSeconds: 2, failureThreshold: 1 }) };
	const fails = { fails: "liveness" };
	rows([
		{
			name: "Always: is restarted",
			source: ACTIONS,
			spec: c(liveness),
			happens: [
				{ at: 2, script: fails },
				{ at: 3.2, script: { fails: "" } },
			],
			seen: [[3.5, "Running PIRCS; c running SR x1 last exit 0 Completed"]],
			events: [`3 ${UNWELL("Liveness")}`, "3 Killing Container c failed liveness probe, will be restarted"],
		},
		{
			name: "OnFailure: is restarted though it exits with 0",
			source: ACTIONS,
			spec: { restartPolicy: "OnFailure", ...c(liveness) },
			happens: [
				{ at: 2, script: fails },
				{ at: 3.2, script: { fails: "" } },
			],
			seen: [[3.5, "Running PIRCS; c running SR x1 last exit 0 Completed"]],
			events: [`3 ${UNWELL("Liveness")}`, "3 Killing Container c failed liveness probe, will be restarted"],
		},
		{
			name: "Never: ends, and nobody says that it will be restarted",
			source: ACTIONS,
			spec: { restartPolicy: "Never", ...c(liveness) },
			happens: [{ at: 2, script: fails }],
			seen: [
				[3, "Succeeded pIrcS; c exit 0 Completed"],
				[400, "Succeeded pIrcS; c exit 0 Completed"],
			],
			events: [`3 ${UNWELL("Liveness")}`, "3 Killing Container c failed liveness probe"],
		},
		{
			name: "Never, startup: likewise, and has failed where it had to be killed",
			source: ACTIONS,
			spec: {
				restartPolicy: "Never",
				terminationGracePeriodSeconds: 3,
				...c({ startupProbe: http({ failureThreshold: 1 }) }),
			},
			script: { fails: "startup", "drains-for": "ever" },
			seen: [
				[3.9, "Running PIrcS; c running"],
				[4, "Failed pIrcS; c exit 137 Error"],
			],
			events: [`1 ${UNWELL("Startup")}`, "1 Killing Container c failed startup probe"],
		},
		{
			name: "runs its hook, and has its pod's grace period",
			source: GRACE,
			spec: { terminationGracePeriodSeconds: 10, ...c({ ...liveness, ...preStop(4) }) },
			script: { "drains-for": "ever" },
			happens: [
				{ at: 2, script: fails },
				{ at: 4, script: { fails: "" } },
			],
			seen: [
				[12.9, "Running PIRCS; c running SR"],
				[13, "Running PIrcS; c exit 137 Error"],
			],
		},
		{
			name: "has its probe's grace period where that says one",
			source: GRACE,
			spec: {
				terminationGracePeriodSeconds: 60,
				...c({ livenessProbe: http({ periodSeconds: 2, failureThreshold: 1, terminationGracePeriodSeconds: 5 }) }),
			},
			script: { "drains-for": "ever" },
			happens: [
				{ at: 2, script: fails },
				{ at: 4, script: { fails: "" } },
			],
			seen: [
				[7.9, "Running PIRCS; c running SR"],
				[8, "Running PIrcS; c exit 137 Error"],
			],
		},
		{
			name: "has its pod's where a deletion comes meanwhile, but no more than was left of its own",
			source: `${GRACE}: DeletionGracePeriodSeconds first`,
			spec: {
				terminationGracePeriodSeconds: 60,
				...c({ livenessProbe: http({ periodSeconds: 2, failureThreshold: 1, terminationGracePeriodSeconds: 9 }) }),
			},
			script: { "drains-for": "ever" },
			happens: [
				{ at: 2, script: fails },
				{ at: 5, remove: true },
			],
			seen: [
				[11.9, "Running PIRCS; c running SR"],
				[12, null],
			],
		},
	]);
});

describe("the back-off of what a probe has stopped is that of the exit before", () => {
	/** Killed two seconds after each start: at 3, 5.5, 8, 20.5 s … */
	const liveness = http({ initialDelaySeconds: 2, periodSeconds: 60, failureThreshold: 1 });
	rows([
		{
			name: "the first two restarts come at once; the third waits ten seconds",
			source: WAIT,
			spec: c({ livenessProbe: liveness }),
			script: { fails: "liveness" },
			seen: [
				[3, "Running PIrcS; c exit 0 Completed"],
				[3.5, "Running PIRCS; c running SR x1 last exit 0 Completed"],
				[6, "Running PIRCS; c running SR x2 last exit 0 Completed"],
				// The exit at 5.5 s is not ten seconds ago; from now on the one at 8 s counts.
				[8, "Running PIrcS; c waiting(CrashLoopBackOff) x2 last exit 0 Completed"],
				[18.4, "Running PIrcS; c waiting(CrashLoopBackOff) x2 last exit 0 Completed"],
				[18.5, "Running PIRCS; c running SR x3 last exit 0 Completed"],
			],
		},
		{
			name: "where the exit before is as long ago as it has to wait, it comes at once",
			source: WAIT,
			spec: c({ livenessProbe: http({ initialDelaySeconds: 20, periodSeconds: 60, failureThreshold: 1 }) }),
			script: { fails: "liveness" },
			seen: [
				// Killed at 21, 41.5, 62, 82.5 and 103 s: 20.5 s apart, more than 10 s and 20 s are, not 40 s.
				[21.5, "Running PIRCS; c running SR x1 last exit 0 Completed"],
				[42, "Running PIRCS; c running SR x2 last exit 0 Completed"],
				[62.5, "Running PIRCS; c running SR x3 last exit 0 Completed"],
				[83, "Running PIRCS; c running SR x4 last exit 0 Completed"],
				[103, "Running PIrcS; c waiting(CrashLoopBackOff) x4 last exit 0 Completed"],
				[143.4, "Running PIrcS; c waiting(CrashLoopBackOff) x4 last exit 0 Completed"],
				[143.5, "Running PIRCS; c running SR x5 last exit 0 Completed"],
			],
		},
		{
			name: "OnFailure: one that exits with 0 and has to wait is not restarted at all",
			source: `${WAIT}, container/helpers.go ShouldContainerBeRestarted`,
			spec: { restartPolicy: "OnFailure", ...c({ livenessProbe: liveness }) },
			script: { fails: "liveness" },
			seen: [
				[6, "Running PIRCS; c running SR x2 last exit 0 Completed"],
				[8, "Succeeded pIrcS; c exit 0 Completed x2 last exit 0 Completed"],
			],
		},
	]);
});
