// The API as a web application: requests become calls of `respond`, watches go on as streams that are told of changes. Only
// requests that name this host, and where there is a token carry it, get through. hono carries it, over Web standards alone:
// whoever has a `Request` can ask it.

import { timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { stream } from "hono/streaming";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { BODY_MAX } from "../apiserver/rest/body.ts";
import { type ApiRequest, type ApiResponse, failure, isStream, type WatchStream } from "../apiserver/rest/message.ts";
import { StatusError, tooLarge } from "../apiserver/status.ts";

/** Answers one request. */
export type Respond = (request: ApiRequest) => ApiResponse | Promise<ApiResponse>;

export interface AppOptions {
	/** An address of this machine's loopback, beside 127.0.0.1 and ::1. */
	address?: string;
	/** Bearer token that every request must carry; without it none is asked for. */
	token?: string;
}

export interface App {
	/** Never rejects. */
	fetch(request: Request): Promise<Response>;
	/** Tells watchers what has changed by now. */
	drain(): void;
	/** Ends watches. */
	end(): void;
}

/** Names by which clients may call a server on the loopback. */
export const NAMES: readonly string[] = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];

export function appOver(respond: Respond, options: AppOptions = {}): App {
	const watchers = new Watchers();
	const app = new Hono();
	app.all("*", async (context) => {
		const { method, url, raw } = context.req;
		// Read to its end whatever the answer: a client that is not cut off sees it, and may ask again on this connection.
		const body = await read(raw);
		const refused = refusal(raw, options);
		if (refused !== undefined) return written(failure(refused));
		if (body === undefined) return written(failure(tooLarge(`limit is ${BODY_MAX}`)));
		const response = await respond({ method, url, headers: Object.fromEntries(raw.headers), body });
		if (method !== "GET" && method !== "HEAD") watchers.drain();
		return isStream(response.body) ? watchers.stream(context, response, response.body) : written(response);
	});
	app.onError((error) => written(failure(internal(error))));
	return {
		fetch: async (request) => app.fetch(request),
		drain: () => watchers.drain(),
		end: () => watchers.end(),
	};
}

/** A response whose body is there. */
export function written({ code, headers, body }: ApiResponse): Response {
	const bytes = body as Uint8Array<ArrayBuffer>;
	return new Response(bytes, { status: code, headers: { ...headers, "content-length": String(bytes.length) } });
}

/** Streams that stay open, each until its client goes, its time is over, or all end. */
class Watchers {
	readonly #waiting = new Set<() => void>();
	#ended = false;

	drain(): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const wake of waiting) wake();
	}

	end(): void {
		this.#ended = true;
		this.drain();
	}

	stream(context: Context, { code, headers }: ApiResponse, watch: WatchStream): Response {
		for (const [name, value] of Object.entries(headers)) context.header(name, value);
		// Headers go at once, events when there are any.
		context.header("transfer-encoding", "chunked");
		context.status(code as ContentfulStatusCode);
		return stream(context, async (out) => {
			let wake = () => {};
			out.onAbort(() => wake());
			while (!out.aborted && !this.#ended) {
				const lines = watch.take();
				// A client that does not read gets no more until it does: what it misses waits in the log.
				if (lines !== "") await out.write(lines);
				else if (watch.ended) break;
				else
					await new Promise<void>((resolve) => {
						wake = resolve;
						this.#waiting.add(resolve);
					});
			}
		});
	}
}

// A page in a browser may reach the loopback under a name of its own (DNS rebinding): that name is not ours.
function refusal({ url, headers }: Request, { token, address = "" }: AppOptions): StatusError | undefined {
	const host = new URL(url).hostname.replace(/^\[(.*)\]$/, "$1");
	if (![...NAMES, "127.0.0.1", "::1", address].includes(host))
		return new StatusError(403, "Forbidden", `the host ${JSON.stringify(host)} is not served here`);
	if (token === undefined || isEqual(headers.get("authorization") ?? "", `Bearer ${token}`)) return undefined;
	return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** In a time that does not tell how much of it is right. */
function isEqual(given: string, wanted: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
	return a.length === b.length && timingSafeEqual(a, b);
}

/** undefined: longer than a body may be. */
async function read({ body }: Request): Promise<Uint8Array | undefined> {
	if (body === null) return new Uint8Array();
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of body) {
		length += chunk.length;
		if (length <= BODY_MAX) chunks.push(chunk);
		else chunks.length = 0;
	}
	return length <= BODY_MAX ? Buffer.concat(chunks) : undefined;
}

function internal({ message }: Error): StatusError {
	return new StatusError(500, "InternalError", `Internal error occurred: ${message}`);
}
