// Images that are not to be had: what a container waits for, what is said, and when it is tried again.

import { describe } from "vitest";
import { container, rows } from "./row.ts";

const PULL = "pkg/kubelet/images/image_manager.go EnsureImageExists";
const AT = "docker.io/library/c:1";
const NOT_FOUND = `rpc error: code = NotFound desc = failed to pull and unpack image "${AT}": failed to resolve reference "${AT}": ${AT}: not found`;
const tried = (at: number) => [
	`${at} Pulling Pulling image "c:1"`,
	`${at} Failed Failed to pull image "c:1": ${NOT_FOUND}`,
	`${at} Failed Error: ErrImagePull`,
];
const backedOff = (at: number) => [
	`${at} BackOff Back-off pulling image "c:1"`,
	`${at} Failed Error: ImagePullBackOff`,
];

describe("an image that is missing", () => {
	rows([
		{
			name: "is tried again after 10 s, and twice as long each time",
			source: PULL,
			script: { "image-missing-for": "60s" },
			seen: [
				[0.5, "Pending PIrcS; c waiting(ErrImagePull)"],
				[10.5, "Pending PIrcS; c waiting(ErrImagePull)"],
				[20.4, "Pending PIrcS; c waiting(ErrImagePull)"],
				[20.5, "Pending PIrcS; c waiting(ImagePullBackOff)"],
				[30.5, "Pending PIrcS; c waiting(ErrImagePull)"],
				[40.5, "Pending PIrcS; c waiting(ImagePullBackOff)"],
				[70.9, "Pending PIrcS; c waiting(ImagePullBackOff)"],
				[71, "Running PIRCS; c running SR"],
			],
			events: [...[...tried(0.5), ...tried(10.5), ...backedOff(20.5), ...tried(30.5)], ...backedOff(40.5)],
		},
		{
			name: "of an init container holds up what follows, and is no failure",
			source: PULL,
			spec: { restartPolicy: "Never", initContainers: [container("i")] },
			script: { "image-missing-for.i": "5s" },
			seen: [
				[5, "Pending PircS; i waiting(ErrImagePull); c waiting(PodInitializing)"],
				[11, "Pending PircS; i running S; c waiting(PodInitializing)"],
				[12.5, "Running PIRCS; i exit 0 Completed R; c running SR"],
			],
		},
		{
			name: "of one container does not keep another one from running; the pod is pending",
			source: "pkg/kubelet/kubelet_pods.go getPhase",
			spec: { containers: [container("a"), container("b")] },
			script: { "image-missing-for.b": "ever" },
			seen: [[5, "Pending PIrcS; a running SR; b waiting(ErrImagePull)"]],
		},
		{
			name: "that is never to be pulled is waited for",
			source: PULL,
			spec: { containers: [container("c", { imagePullPolicy: "Never" })] },
			script: { "image-missing-for": "15s" },
			seen: [
				[10.5, "Pending PIrcS; c waiting(ErrImageNeverPull)"],
				[21, "Running PIRCS; c running SR"],
			],
			events: [0.5, 10.5].flatMap((at) => [
				`${at} ErrImageNeverPull Container image "c:1" is not present with pull policy of Never`,
				`${at} Failed Error: ErrImageNeverPull`,
			]),
		},
		{
			name: "is no matter to a pod that is deleted",
			source: PULL,
			script: { "image-missing-for": "ever" },
			happens: [{ at: 5, remove: true }],
			seen: [
				[4.9, "Pending PIrcS; c waiting(ErrImagePull)"],
				[5, null],
			],
			events: tried(0.5),
		},
	]);
});
