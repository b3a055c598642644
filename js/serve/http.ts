// The API over HTTP on this machine: requests become calls of `respond`, watches stay open and are drained after every change
// and once a beat. Only requests that name this host, and where there is a token carry it, get through. Node's own servers
// carry it, on Deno too: they are what limits how long a client may take.

import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, isIPv6 } from "node:net";
import { BODY_MAX } from "../apiserver/rest/body.ts";
import { type ApiRequest, type ApiResponse, failure, isStream, type WatchStream } from "../apiserver/rest/message.ts";
import { StatusError, tooLarge } from "../apiserver/status.ts";

export interface ListenOptions {
	/** An address of this machine's loopback; default 127.0.0.1. */
	address?: string;
	/** 0: any free one. */
	port: number;
	/** PEM; without it the server speaks plain HTTP. */
	tls?: { key: string; cert: string };
	/** Bearer token that every request must carry; without it none is asked for. */
	token?: string;
	/** Most time for a request to arrive, and half of it for its headers and for the TLS handshake, ms; default 30 s. */
	requestMs?: number;
}

export interface ApiListener {
	/** `https://127.0.0.1:6443`. */
	url: string;
	/** Tells watchers what has changed by now; called after each request that writes and once a beat. */
	drain(): void;
	/** Ends watches, lets requests that are under way finish, and closes. */
	close(): Promise<void>;
}

/** Names by which clients may call a server on the loopback. */
export const NAMES: readonly string[] = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
const BEAT_MS = 250;
const REQUEST_MS = 30_000;

interface Watcher {
	stream: WatchStream;
	response: ServerResponse;
}

export interface Answering {
	/** For `http.createServer`. */
	listener: (request: IncomingMessage, response: ServerResponse) => void;
	/** Tells watchers what has changed by now. */
	drain(): void;
	/** Ends watches. */
	end(): void;
}

/** Answers requests of a server of Node's, whatever its connections are. */
export function answering(
	respond: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>,
	options: Pick<ListenOptions, "address" | "token"> = {},
): Answering {
	const watchers = new Set<Watcher>();
	const drain = () => {
		for (const watcher of watchers) if (!pump(watcher)) watchers.delete(watcher);
	};
	const answer = async (request: IncomingMessage, response: ServerResponse) => {
		send(await received(respond, options, request), response, watchers);
		if (request.method !== "GET" && request.method !== "HEAD") drain();
	};
	const listener = (request: IncomingMessage, response: ServerResponse) => {
		answer(request, response).catch((error: unknown) => {
			if (!response.headersSent) send(failure(internal(error)), response, watchers);
			else response.destroy();
		});
	};
	const end = () => {
		for (const { response } of watchers) response.end();
		watchers.clear();
	};
	return { listener, drain, end };
}

/** Listens on the loopback. Rejects where the port is taken. */
export async function listen(
	respond: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>,
	options: ListenOptions,
): Promise<ApiListener> {
	const { address = "127.0.0.1", port, tls, requestMs = REQUEST_MS } = options;
	const { listener, drain, end } = answering(respond, { ...options, address });
	const limits = {
		...{ requestTimeout: requestMs, headersTimeout: requestMs / 2 },
		connectionsCheckingInterval: requestMs / 6,
	};
	const server: Server = tls
		? createTlsServer({ ...tls, ...limits, handshakeTimeout: requestMs / 2 }, listener)
		: createServer(limits, listener);
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(port, address, resolve);
	});
	const beat = setInterval(drain, BEAT_MS);
	const { port: taken } = server.address() as AddressInfo;
	const host = isIPv6(address) ? `[${address}]` : address;
	return {
		url: `${tls ? "https" : "http"}://${host}:${taken}`,
		drain,
		close: async () => {
			clearInterval(beat);
			end();
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeIdleConnections();
			const patience = setTimeout(() => server.closeAllConnections(), 1000);
			await closed;
			clearTimeout(patience);
		},
	};
}

async function received(
	respond: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>,
	options: Pick<ListenOptions, "address" | "token">,
	request: IncomingMessage,
): Promise<ApiResponse> {
	const refused = refusal(request, options);
	if (refused !== undefined) return failure(refused);
	const body = await read(request);
	if (body === undefined) return failure(tooLarge(BODY_MAX));
	const headers = Object.fromEntries(
		Object.entries(request.headers).map(([name, value]) => [
			name,
			Array.isArray(value) ? value.join(",") : (value ?? ""),
		]),
	);
	return respond({ method: request.method ?? "GET", url: request.url ?? "/", headers, body });
}

// A page in a browser may reach the loopback under a name of its own (DNS rebinding): that name is not ours.
function refusal(
	{ headers }: IncomingMessage,
	{ token, address = "" }: Pick<ListenOptions, "address" | "token">,
): StatusError | undefined {
	const host = (headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
	if (![...NAMES, "127.0.0.1", "::1", address].includes(host.toLowerCase()))
		return new StatusError(403, "Forbidden", `the host ${JSON.stringify(host)} is not served here`);
	if (token === undefined || isEqual(headers.authorization ?? "", `Bearer ${token}`)) return undefined;
	return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** In a time that does not tell how much of it is right. */
function isEqual(given: string, wanted: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
	return a.length === b.length && timingSafeEqual(a, b);
}

/** undefined: longer than a body may be. */
function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let length = Number(request.headers["content-length"] ?? 0) > BODY_MAX ? Number.POSITIVE_INFINITY : 0;
		if (length > BODY_MAX) resolve(undefined);
		request.on("data", (chunk: Buffer) => {
			// What comes after the answer is read and dropped: a client that is not cut off sees the answer.
			if (length > BODY_MAX) return;
			length += chunk.length;
			if (length > BODY_MAX) resolve(undefined);
			else chunks.push(chunk);
		});
		request.on("end", () => resolve(Buffer.concat(chunks)));
		request.on("error", reject);
	});
}

function send({ code, headers, body }: ApiResponse, response: ServerResponse, watchers: Set<Watcher>): void {
	if (!isStream(body)) {
		// Who was refused half-way through a body is not asked for another one on this connection.
		const ends = code === 413 ? { connection: "close" } : {};
		response.writeHead(code, { ...headers, ...ends, "content-length": body.length });
		response.end(response.req.method === "HEAD" ? undefined : body);
		return;
	}
	response.writeHead(code, { ...headers, "transfer-encoding": "chunked" });
	response.flushHeaders();
	const watcher = { stream: body, response };
	watchers.add(watcher);
	response.on("close", () => watchers.delete(watcher));
	if (!pump(watcher)) watchers.delete(watcher);
}

/** False: the stream has come to its end. */
function pump({ stream, response }: Watcher): boolean {
	// A client that does not read gets no more until it does: what it misses waits in the log.
	if (response.writableNeedDrain) return true;
	const lines = stream.take();
	if (lines !== "") response.write(lines);
	if (stream.ended) response.end();
	return !stream.ended;
}

function internal(error: unknown): StatusError {
	const message = error instanceof Error ? error.message : String(error);
	return new StatusError(500, "InternalError", `Internal error occurred: ${message}`);
}
