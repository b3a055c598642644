// Images that are not to be had (pkg/kubelet/images/image_manager.go EnsureImageExists): what is said of it, and when it is tried
// again. There is no registry: `podwire.dev/image-missing-for` says for how long nobody has one.

import type { Container, Pod } from "../api/core.ts";
import { appOf } from "./app.ts";
import { after, type ContainerRun, type Surroundings } from "./run.ts";

const BACK_OFF_MS = 10_000;
const BACK_OFF_MOST_MS = 300_000;
/** A pod whose sync failed is looked at again after that (backOffPeriod; upstream: by chance up to half as long again). */
const SYNC_MS = 10_000;

/** A try that failed; plain values. */
export interface Pull {
	/** How many have, up to now. */
	failed: number;
	/** ns; when the last one did. */
	at: bigint;
	/** What its container waits for. */
	reason: string;
	message: string;
}

/** ms that a pull waits after so many that failed. */
const waitOf = (failed: number) => Math.min(BACK_OFF_MS * 2 ** (failed - 1), BACK_OFF_MOST_MS);

/** Whether its image is not to be had now; then that was said. `since`: ns, the pod's start. */
export function isMissing(
	run: ContainerRun,
	container: Container,
	pod: Pod,
	since: bigint,
	now: bigint,
	say: Surroundings["say"],
): boolean {
	const { image } = container;
	const { imageMissingMs } = appOf(pod, container, run.kind);
	if (!image || (Number.isFinite(imageMissingMs) && now >= after(since, imageMissingMs))) {
		run.pull = null;
		return false;
	}
	if (container["imagePullPolicy"] === "Never") {
		const message = `Container image "${image}" is not present with pull policy of Never`;
		wait(run, now, SYNC_MS, { failed: 0, at: now, reason: "ErrImageNeverPull", message });
		say("Warning", "ErrImageNeverPull", message);
	} else {
		const failed = (run.pull?.failed ?? 0) + 1;
		const message = notFound(image);
		say("Normal", "Pulling", `Pulling image "${image}"`);
		say("Warning", "Failed", `Failed to pull image "${image}": ${message}`);
		wait(run, now, Math.min(SYNC_MS, waitOf(failed)), { failed, at: now, reason: "ErrImagePull", message });
	}
	say("Warning", "Failed", `Error: ${run.pull?.reason}`);
	return true;
}

/** It is looked at again: whether it is too soon for another try, which is said. */
export function isTooSoon(run: ContainerRun, { image }: Container, now: bigint, say: Surroundings["say"]): boolean {
	const { pull } = run;
	if (pull === null || pull.failed === 0) return false;
	const until = after(pull.at, waitOf(pull.failed));
	if (until <= now) return false;
	const message = `Back-off pulling image "${image}"`;
	say("Normal", "BackOff", message);
	const reason = "ImagePullBackOff";
	say("Warning", "Failed", `Error: ${reason}`);
	run.pull = { ...pull, reason, message: `${message}: ErrImagePull: ${notFound(image ?? "")}` };
	run.until = until;
	return true;
}

function wait(run: ContainerRun, now: bigint, ms: number, pull: Pull): void {
	run.pull = pull;
	run.stage = "unpulled";
	run.until = after(now, ms);
}

/** containerd's words of a registry that has it not. */
function notFound(image: string): string {
	const at = referenceOf(image);
	const failed = `failed to pull and unpack image "${at}": failed to resolve reference "${at}": ${at}: not found`;
	return `rpc error: code = NotFound desc = ${failed}`;
}

/** An image's name in full, as docker's registry is the one of names without a host. */
function referenceOf(image: string): string {
	const [host = "", ...rest] = image.split("/");
	const hasHost = rest.length > 0 && (/[.:]/.test(host) || host === "localhost");
	const full = hasHost ? image : `docker.io/${rest.length === 0 ? "library/" : ""}${image}`;
	return /[:@]/.test(full.slice(full.lastIndexOf("/"))) ? full : `${full}:latest`;
}
