// The API over HTTP on this machine: requests become calls of `respond`, watches stay open and are drained after every change
// and once a beat. Only requests that name this host, and where there is a token carry it, get through.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Registry } from "../apiserver/registry/request.ts";
import { BODY_MAX } from "../apiserver/rest/body.ts";
import { type ApiResponse, failure, isStream, type WatchStream } from "../apiserver/rest/message.ts";
import { respond } from "../apiserver/rest/respond.ts";
import { StatusError, tooLarge } from "../apiserver/status.ts";

export interface ServeOptions {
	/** 0: any free one. */
	port: number;
	/** PEM; without it the server speaks plain HTTP. */
	tls?: { key: string; cert: string };
	/** Bearer token that every request must carry; without it none is asked for. */
	token?: string;
	/** Something was written. */
	onWrite?: () => void;
}

export interface ApiListener {
	/** `https://127.0.0.1:6443`. */
	url: string;
	/** Tells watchers what has changed by now; called after each write and once a beat. */
	drain(): void;
	close(): Promise<void>;
}

const HOST = "127.0.0.1";
const BEAT_MS = 250;
/** A client that sends its headers, or its body, more slowly than this has gone. */
const REQUEST_MS = 30_000;

interface Watcher {
	stream: WatchStream;
	response: ServerResponse;
}

/** Listens on the loopback. Rejects where the port is taken. */
export async function listen(registry: Registry, options: ServeOptions): Promise<ApiListener> {
	const watchers = new Set<Watcher>();
	const drain = () => {
		for (const watcher of watchers) if (!pump(watcher)) watchers.delete(watcher);
	};
	const answer = async (request: IncomingMessage, response: ServerResponse) => {
		const reply = await received(registry, options, request);
		send(reply, response, watchers);
		if (request.method !== "GET" && request.method !== "HEAD") {
			options.onWrite?.();
			drain();
		}
	};
	const listener = (request: IncomingMessage, response: ServerResponse) => {
		answer(request, response).catch((error: unknown) => {
			send(failure(internal(error)), response, watchers);
		});
	};
	const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
	server.requestTimeout = REQUEST_MS;
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(options.port, HOST, resolve);
	});
	const beat = setInterval(drain, BEAT_MS);
	const { port } = server.address() as AddressInfo;
	return {
		url: `${options.tls ? "https" : "http"}://${HOST}:${port}`,
		drain,
		close: async () => {
			clearInterval(beat);
			for (const { response } of watchers) response.end();
			watchers.clear();
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

async function received(registry: Registry, options: ServeOptions, request: IncomingMessage): Promise<ApiResponse> {
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
	return respond(registry, { method: request.method ?? "GET", url: request.url ?? "/", headers, body });
}

// A page in a browser may reach the loopback under a name of its own (DNS rebinding): that name is not ours.
function refusal({ headers }: IncomingMessage, { token }: ServeOptions): StatusError | undefined {
	const host = (headers.host ?? "").replace(/:\d+$/, "");
	if (![HOST, "localhost", "[::1]", "kubernetes"].includes(host))
		return new StatusError(403, "Forbidden", `the host ${JSON.stringify(host)} is not served here`);
	if (token === undefined || headers.authorization === `Bearer ${token}`) return undefined;
	return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** undefined: longer than a body may be. */
async function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of request as AsyncIterable<Buffer>) {
		length += chunk.length;
		if (length > BODY_MAX) return undefined;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

function send({ code, headers, body }: ApiResponse, response: ServerResponse, watchers: Set<Watcher>): void {
	if (!isStream(body)) {
		response.writeHead(code, { ...headers, "content-length": body.length });
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
