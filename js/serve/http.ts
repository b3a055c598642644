// The API over HTTP on this machine. Node's own servers carry connections, on Deno too: they are what limits how long a client may
// take. Watches are told of changes after each request that writes, and once a beat.

import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, isIPv6 } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { failure } from "../apiserver/rest/message.ts";
import { badRequest } from "../apiserver/status.ts";
import { type App, type AppOptions, appOver, type Respond, written } from "./app.ts";

export interface ListenOptions extends AppOptions {
	/** Default 127.0.0.1. */
	address?: string;
	/** 0: any free one. */
	port: number;
	/** PEM; without it the server speaks plain HTTP. */
	tls?: { key: string; cert: string };
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

const BEAT_MS = 250;
const REQUEST_MS = 30_000;
const SWEEP_MS = 10;
const PATIENCE_MS = 1000;

/** For `http.createServer`. */
export function listenerOver({ fetch }: App): RequestListener {
	return getRequestListener(fetch, {
		// The host's Request and Response are other people's too.
		overrideGlobalObjects: false,
		// What names no host, or one that no URL can hold.
		errorHandler: (error) => written(failure(badRequest((error as Error).message))),
	});
}

/** Listens on the loopback. Rejects where the port is taken. */
export async function listen(respond: Respond, options: ListenOptions): Promise<ApiListener> {
	const { address = "127.0.0.1", port, tls, requestMs = REQUEST_MS } = options;
	const app = appOver(respond, { ...options, address });
	const listener = listenerOver(app);
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
	const beat = setInterval(app.drain, BEAT_MS);
	const { port: taken } = server.address() as AddressInfo;
	const host = isIPv6(address) ? `[${address}]` : address;
	return {
		url: `${tls ? "https" : "http"}://${host}:${taken}`,
		drain: app.drain,
		close: async () => {
			clearInterval(beat);
			app.end();
			const closed = new Promise((resolve) => server.close(resolve));
			// Connections whose last response ends now are idle a moment later.
			const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
			const patience = setTimeout(() => server.closeAllConnections(), PATIENCE_MS);
			await closed;
			clearInterval(sweep);
			clearTimeout(patience);
		},
	};
}
