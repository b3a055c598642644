// A cluster served: its API on a socket, and its components act on what clients write, as time passes.

import { randomBytes } from "node:crypto";
import type { ApiRequest } from "../apiserver/rest/message.ts";
import type { Cluster } from "../cluster.ts";
import { NAMES } from "./app.ts";
import type { ServerCertificate } from "./certificate.ts";
import { type ApiListener, listen } from "./http.ts";
import type { Access } from "./kubeconfig.ts";

export interface ServeOptions {
	/** An address of this machine's loopback. */
	address: string;
	/** 0: any free one. */
	port: number;
	/** null: plain HTTP, and whoever reaches the port may do everything. */
	identity: ServerCertificate | null;
	/** Of commands that name none. */
	namespace: string;
	/** Seconds of the cluster's time that pass in a second; null: only as much as components need after what clients write. */
	speed: number | null;
	/** What no network could be made of; the network goes on as it was. */
	onError: (error: unknown) => void;
	/** The network follows what clients wrote. */
	onSettled: () => void;
}

export interface Served {
	access: Access;
	close(): Promise<void>;
}

/** Clients often write several objects in a row: the network follows when that long nothing came. */
const QUIET_MS = 50;
/** How often time moves on by itself. */
const TICK_MS = 100;

/** Listens until `close`. Rejects where the port is taken. */
export async function serve(cluster: Cluster, options: ServeOptions): Promise<Served> {
	const { address, port, identity, namespace, speed } = options;
	const time = new PassingTime(cluster, speed ?? 0, options.onError);
	const answer = async (request: ApiRequest) => {
		await time.pass();
		return cluster.api.respond(request);
	};
	if (identity === null) {
		const listener = await listen(answer, { address, port });
		return { access: { url: listener.url, namespace }, close: following(cluster, listener, time, options) };
	}
	const { authority, cert, key } = identity;
	const token = randomBytes(32).toString("base64url");
	const listener = await listen(answer, { address, port, tls: { cert, key }, token });
	return {
		access: { url: listener.url, authority, token, namespace },
		close: following(cluster, listener, time, options),
	};
}

/** Of a server that listens on this address of the loopback. */
export async function identityOf(address: string): Promise<ServerCertificate> {
	// The X.509 library is large, and nobody else needs it.
	const { serverCertificate } = await import("./certificate.ts");
	return serverCertificate([...new Set(["127.0.0.1", "::1", address])], NAMES, Date.now());
}

/** The cluster's time beside the wall clock's. */
class PassingTime {
	readonly #cluster: Cluster;
	readonly #speed: number;
	readonly #onError: (error: unknown) => void;
	#last = performance.now();
	#passing: Promise<void> = Promise.resolve();

	constructor(cluster: Cluster, speed: number, onError: (error: unknown) => void) {
		this.#cluster = cluster;
		this.#speed = speed;
		this.#onError = onError;
	}

	/** Up to now, one step after the other. */
	pass(): Promise<void> {
		if (this.#speed === 0) return this.#passing;
		this.#passing = this.#passing.then(async () => {
			const now = performance.now();
			const ms = (now - this.#last) * this.#speed;
			this.#last = now;
			await this.#cluster.advance(ms).catch(this.#onError);
		});
		return this.#passing;
	}
}

/** Components and watchers follow the writes; the function that is returned ends that, and the listener. */
function following(
	cluster: Cluster,
	listener: ApiListener,
	time: PassingTime,
	{ speed, onError, onSettled }: ServeOptions,
): () => Promise<void> {
	let timer: ReturnType<typeof setTimeout> | null = null;
	const settle = () => {
		timer = null;
		const settled = speed === null ? cluster.settle() : time.pass().then(() => void cluster.objects);
		settled.then(onSettled).catch(onError);
	};
	const ends = cluster.api.onChange(() => {
		listener.drain();
		if (!cluster.api.changed) return;
		if (timer !== null) clearTimeout(timer);
		timer = setTimeout(settle, QUIET_MS);
	});
	const tick = speed === null ? null : setInterval(() => void time.pass(), TICK_MS);
	return async () => {
		ends();
		if (timer !== null) clearTimeout(timer);
		if (tick !== null) clearInterval(tick);
		await listener.close();
	};
}
