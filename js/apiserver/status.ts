// What the API says when it refuses: meta/v1 Status with upstream's codes, reasons and messages
// (k8s.io/apimachinery/pkg/api/errors/errors.go, pkg/util/validation/field/errors.go).

export interface StatusCause {
	reason: string;
	message: string;
	field?: string;
}

export interface StatusDetails {
	name?: string;
	group?: string;
	/** The resource; of an invalid object its kind. */
	kind?: string;
	uid?: string;
	causes?: StatusCause[];
	retryAfterSeconds?: number;
}

export interface Status {
	kind: "Status";
	apiVersion: "v1";
	metadata: { continue?: string };
	status: "Success" | "Failure";
	message?: string;
	reason?: string;
	details?: StatusDetails;
	code: number;
}

/** A request that is refused; nothing was written. */
export class StatusError extends Error {
	override readonly name = "StatusError";
	readonly status: Status;

	constructor(
		code: number,
		reason: string,
		message: string,
		details?: StatusDetails,
		metadata: Status["metadata"] = {},
	) {
		super(message);
		const said = reason === "" ? { message } : { message, reason };
		const failure: Status = { kind: "Status", apiVersion: "v1", metadata, status: "Failure", ...said, code };
		this.status = details === undefined ? failure : { ...failure, details };
	}
}

/** A resource as messages name it. */
export interface ResourceName {
	group: string;
	/** The plural. */
	resource: string;
}

/** `pods`, `deployments.apps`. */
export function qualified({ group, resource }: ResourceName): string {
	return group === "" ? resource : `${resource}.${group}`;
}

function detailsOf({ group, resource }: ResourceName, name: string): StatusDetails {
	return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
}

export function notFound(resource: ResourceName, name: string): StatusError {
	return new StatusError(404, "NotFound", `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** A path that leads to nothing. */
export function noSuchResource(): StatusError {
	return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
	const message = `${qualified(resource)} "${name}" already exists`;
	return new StatusError(409, "AlreadyExists", message, detailsOf(resource, name));
}

export const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

export function conflict(resource: ResourceName, name: string, why = MODIFIED): StatusError {
	const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
	return new StatusError(409, "Conflict", message, detailsOf(resource, name));
}

export function forbidden(resource: ResourceName, name: string, why: string): StatusError {
	const message =
		name === ""
			? `${qualified(resource)} is forbidden: ${why}`
			: `${qualified(resource)} "${name}" is forbidden: ${why}`;
	return new StatusError(403, "Forbidden", message, detailsOf(resource, name));
}

export function badRequest(message: string): StatusError {
	return new StatusError(400, "BadRequest", message);
}

export function internalError(message: string): StatusError {
	return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, {
		causes: [{ reason: "", message, field: "" }],
	});
}

export function methodNotAllowed(): StatusError {
	const message = "the server does not allow this method on the requested resource";
	return new StatusError(405, "MethodNotAllowed", message, {});
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
	const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
	return new StatusError(415, "UnsupportedMediaType", message);
}

/** `continueWith`: a token that goes on with the list as it is now. */
export function expired(message: string, continueWith?: string): StatusError {
	return new StatusError(
		410,
		"Expired",
		message,
		undefined,
		continueWith === undefined ? {} : { continue: continueWith },
	);
}

export function tooLarge(why: string): StatusError {
	return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: ${why}`);
}

/** One thing that is wrong with one field, as validation says it. */
export interface FieldError {
	/** `spec.ports[0].port`. */
	field: string;
	reason:
		| "FieldValueRequired"
		| "FieldValueInvalid"
		| "FieldValueTypeInvalid"
		| "FieldValueNotSupported"
		| "FieldValueForbidden"
		| "FieldValueDuplicate"
		| "FieldValueTooLong"
		| "FieldValueNotFound"
		| "FieldValueTooMany";
	/** Without the field: `Required value: must be specified`. */
	message: string;
}

/** As Go prints it: maps in order of their keys. */
function value(bad: unknown): string {
	return typeof bad === "string" || typeof bad === "object" ? JSON.stringify(bad, inOrder) : String(bad);
}

function inOrder(_: string, member: unknown): unknown {
	if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
	const entries = Object.entries(member);
	const isMap = entries.every(([, item]) => typeof item === "string");
	return isMap ? Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) : member;
}

const because = (detail: string) => (detail === "" ? "" : `: ${detail}`);

export const required = (field: string, detail = ""): FieldError => ({
	field,
	reason: "FieldValueRequired",
	message: `Required value${because(detail)}`,
});

export const invalidValue = (field: string, bad: unknown, detail: string): FieldError => ({
	field,
	reason: "FieldValueInvalid",
	message: `Invalid value: ${value(bad)}${because(detail)}`,
});

/** Of a value that the message does not show (field.OmitValueType). */
export const invalidWhole = (field: string, detail: string): FieldError => ({
	field,
	reason: "FieldValueInvalid",
	message: `Invalid value: ${detail}`,
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
	field,
	reason: "FieldValueForbidden",
	message: `Forbidden${because(detail)}`,
});

export const duplicate = (field: string, bad: unknown): FieldError => ({
	field,
	reason: "FieldValueDuplicate",
	message: `Duplicate value: ${value(bad)}`,
});

export const notSupported = (field: string, bad: unknown, words: readonly string[]): FieldError => ({
	field,
	reason: "FieldValueNotSupported",
	message: `Unsupported value: ${value(bad)}${because(
		words.length === 0 ? "" : `supported values: ${words.map((word) => JSON.stringify(word)).join(", ")}`,
	)}`,
});

export const notFoundValue = (field: string, bad: unknown): FieldError => ({
	field,
	reason: "FieldValueNotFound",
	message: `Not found: ${value(bad)}`,
});

export const tooMany = (field: string, has: number, most: number): FieldError => ({
	field,
	reason: "FieldValueTooMany",
	message: `Too many: ${has}: must have at most ${most} ${most === 1 ? "item" : "items"}`,
});

export const tooLong = (field: string, most: number): FieldError => ({
	field,
	reason: "FieldValueTooLong",
	message: `Too long: may not be more than ${most} bytes`,
});

export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): StatusError {
	const said = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
	const all = said.length === 1 ? said[0] : `[${said.join(", ")}]`;
	const message = `${qualified({ group, resource: kind })} "${name}" is invalid: ${all}`;
	const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }));
	return new StatusError(422, "Invalid", message, { ...detailsOf({ group, resource: kind }, name), causes });
}
