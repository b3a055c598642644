// At which revision a list or watch is asked for (ValidateListOptions in k8s.io/apimachinery/pkg/apis/meta/internalversion/
// validation; the semantics: kubernetes.io/docs/reference/using-api/api-concepts, "Resource versions").

import { badRequest, type FieldError, forbiddenField, invalid, notSupported, StatusError } from "../status.ts";
import { RevisionTooLarge } from "../storage/storage.ts";

export interface RevisionOptions {
	/** `` and undefined: the newest; `0`: any, which here is the newest too. */
	resourceVersion?: string;
	resourceVersionMatch?: string;
	continue?: string;
	sendInitialEvents?: boolean;
}

const MATCH = "resourceVersionMatch";

/** Throws StatusError 422 where the options contradict each other. */
export function checkRevisionOptions(options: RevisionOptions, watches: boolean): void {
	const { resourceVersion = "", resourceVersionMatch: match = "", continue: token = "", sendInitialEvents } = options;
	const errors: FieldError[] = [];
	const forbid = (field: string, detail: string) => errors.push(forbiddenField(field, detail));
	if (watches) {
		if (sendInitialEvents !== undefined && match !== "NotOlderThan")
			forbid(MATCH, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
		else if (sendInitialEvents === undefined && match !== "")
			forbid(MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
	} else {
		if (sendInitialEvents !== undefined) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
		if (match !== "") errors.push(...matchErrors(match, resourceVersion, token));
	}
	if (errors.length > 0) throw invalid("meta.k8s.io", "ListOptions", "", errors);
	if (token !== "" && resourceVersion !== "" && resourceVersion !== "0")
		throw badRequest("specifying resource version is not allowed when using continue");
}

function matchErrors(match: string, resourceVersion: string, token: string): FieldError[] {
	const errors: FieldError[] = [];
	if (token !== "") errors.push(forbiddenField(MATCH, "resourceVersionMatch is forbidden when continue is provided"));
	if (resourceVersion === "")
		errors.push(forbiddenField(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
	if (match === "Exact" && resourceVersion === "0")
		errors.push(forbiddenField(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
	if (match !== "Exact" && match !== "NotOlderThan")
		errors.push(notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
	return errors;
}

/** The revision that a list is to show; undefined: the newest. `current`: the storage's. Throws StatusError. */
export function revisionOf(
	{ resourceVersion = "", resourceVersionMatch: match }: RevisionOptions,
	limit: number,
	current: number,
): number | undefined {
	if (resourceVersion === "" || resourceVersion === "0") return undefined;
	const revision = parsedRevision(resourceVersion);
	if (revision > current) throw tooLarge(new RevisionTooLarge(revision, current));
	// Without a word on it, a list in pages is one of that very revision.
	const exact = match === "Exact" || (match === undefined && limit > 0);
	return exact ? revision : undefined;
}

export function parsedRevision(text: string): number {
	if (/^\d+$/.test(text)) return Number(text);
	const said = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
	throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ${said}`);
}

/** As clients know it: they wait a second and ask again. */
export function tooLarge(error: RevisionTooLarge): StatusError {
	return new StatusError(504, "Timeout", `Timeout: ${error.message}`, {
		causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
		retryAfterSeconds: 1,
	});
}
