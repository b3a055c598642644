// What a cluster throws beside the errors of its readers (ManifestError, TextError, FlagError, CapacityError …).

import { timeText } from "../flows/time.ts";
import { nearestWord } from "../net/error.ts";

/** Everything that is wrong with an input; `errors` holds each with its place. Nothing of the input was taken. */
export class InputErrors extends Error {
	readonly errors: readonly Error[];

	constructor(errors: readonly Error[]) {
		super(errors.map(({ message }) => message).join("\n"));
		this.name = "InputErrors";
		this.errors = errors;
	}
}

/** A reference to something that the cluster does not have, or that cannot stand where it was given. */
export class UnknownReferenceError extends Error {
	readonly reference: string;

	constructor(reference: string, problem: string, candidates: Iterable<string> = []) {
		const nearest = nearestWord(reference, candidates);
		super(`${reference}: ${problem}${nearest === null ? "" : ` (nearest: ${nearest})`}`);
		this.name = "UnknownReferenceError";
		this.reference = reference;
	}
}

/** What would have to be modelled for a trustworthy answer, and is not. */
export class NotModelledError extends Error {
	readonly what: string;

	constructor(what: string, instead: string) {
		super(`${what} is not modelled: ${instead}`);
		this.name = "NotModelledError";
		this.what = what;
	}
}

/** A recording that begins before the time that a cluster lives in, which never goes back. */
export class ReplayTimeError extends Error {
	constructor(firstNs: bigint, now: bigint) {
		super(`the recording begins at ${timeText(firstNs)}, before the cluster's own time ${timeText(now)}`);
		this.name = "ReplayTimeError";
	}
}

/** A question to a cluster that has not been settled since its last `apply`. */
export class UnsettledError extends Error {
	constructor() {
		super("the cluster has unsettled changes: await settle() first");
		this.name = "UnsettledError";
	}
}
