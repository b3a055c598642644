// Requests and responses of the API without a socket: what `js/serve` makes of HTTP, and clients in this process use directly.

import type { StatusError } from "../status.ts";

export interface ApiRequest {
	method: string;
	/** `/api/v1/pods?limit=5`. */
	url: string;
	/** Names in lower case. */
	headers: Readonly<Record<string, string>>;
	body: Uint8Array;
}

export interface ApiResponse {
	code: number;
	headers: Readonly<Record<string, string>>;
	body: Uint8Array | WatchStream;
}

/** A response that goes on: lines, until it is closed or its time is over. */
export interface WatchStream {
	/** What there is to send by now; empty where nothing happened. */
	take(): string;
	/** Nothing comes any more: close the connection. */
	readonly ended: boolean;
}

export function isStream(body: ApiResponse["body"]): body is WatchStream {
	return !(body instanceof Uint8Array);
}

const encoder = new TextEncoder();

export function json(code: number, value: unknown, headers: Readonly<Record<string, string>> = {}): ApiResponse {
	// kubectl's own printers expect the newline that Go's encoder ends with.
	const body = encoder.encode(`${JSON.stringify(value)}\n`);
	return { code, headers: { "content-type": "application/json", ...headers }, body };
}

export function text(code: number, value: string): ApiResponse {
	return { code, headers: { "content-type": "text/plain; charset=utf-8" }, body: encoder.encode(value) };
}

/** Clients of Go wait as long as the header says, and ask again by themselves. */
export function failure({ status }: StatusError): ApiResponse {
	const { retryAfterSeconds = 0 } = status.details ?? {};
	return json(status.code, status, retryAfterSeconds > 0 ? { "retry-after": String(retryAfterSeconds) } : {});
}
