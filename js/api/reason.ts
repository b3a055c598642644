// Why the API refused a write, for whoever cannot know the server's classes: meta/v1 Status.reason.

export type Reason = "Conflict" | "NotFound" | "AlreadyExists" | "Invalid" | "Forbidden" | (string & {});

/** The reason of a refusal; null of any other error. */
export function reasonOf(error: unknown): Reason | null {
	if (!(error instanceof Error) || !("status" in error)) return null;
	const { status } = error as { status: { kind?: unknown; reason?: unknown } | null };
	return status?.kind === "Status" && typeof status.reason === "string" ? status.reason : null;
}

/** Whether a refusal names a cause: `NamespaceTerminating` (meta/v1 Status.details.causes). */
export function hasCause(error: unknown, cause: string): boolean {
	if (reasonOf(error) === null) return false;
	const { details } = (error as { status: { details?: { causes?: { reason?: string }[] } } }).status;
	return details?.causes?.some(({ reason }) => reason === cause) ?? false;
}

/** What a controller must wait for although the API would let it: tried again as a refusal is. */
export class NotYet extends Error {
	override readonly name = "NotYet";
	readonly status = { kind: "Status", reason: "NotYet" };
}
