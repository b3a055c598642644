// A cluster served: its API on a socket, and its controllers run after what clients write.

import { randomBytes } from "node:crypto";
import type { Cluster } from "../cluster.ts";
import { type ApiListener, listen, NAMES } from "./http.ts";
import type { Access } from "./kubeconfig.ts";

export interface ServeOptions {
	/** An address of this machine's loopback. */
	address: string;
	/** 0: any free one. */
	port: number;
	/** Plain HTTP, and whoever reaches the port may do everything. */
	insecure: boolean;
	/** Of commands that name none. */
	namespace: string;
	/** What the controllers could not make of what clients wrote; the cluster goes on as it was. */
	onError: (error: unknown) => void;
	/** The controllers have run after what clients wrote. */
	onSettled: () => void;
}

export interface Served {
	access: Access;
	close(): Promise<void>;
}

/** Clients often write several objects in a row: the controllers run when that long nothing came. */
const QUIET_MS = 50;

/** Listens until `close`. Rejects where the port is taken. */
export async function serve(cluster: Cluster, options: ServeOptions): Promise<Served> {
	const { address, port, insecure, namespace } = options;
	const { api } = cluster;
	const answer = api.respond.bind(api);
	if (insecure) {
		const listener = await listen(answer, { address, port });
		return { access: { url: listener.url, namespace }, close: following(cluster, listener, options) };
	}
	// The X.509 library is large, and nobody else needs it.
	const { serverCertificate } = await import("./certificate.ts");
	const { authority, cert, key } = await serverCertificate(
		[...new Set(["127.0.0.1", "::1", address])],
		NAMES,
		Date.now(),
	);
	const token = randomBytes(32).toString("base64url");
	const listener = await listen(answer, { address, port, tls: { cert, key }, token });
	return {
		access: { url: listener.url, authority, token, namespace },
		close: following(cluster, listener, options),
	};
}

/** Controllers and watchers follow the writes; the function that is returned ends that, and the listener. */
function following(cluster: Cluster, listener: ApiListener, { onError, onSettled }: ServeOptions): () => Promise<void> {
	let timer: ReturnType<typeof setTimeout> | null = null;
	const settle = () => {
		timer = null;
		cluster.settle().then(onSettled).catch(onError);
	};
	const ends = cluster.api.onChange(() => {
		listener.drain();
		if (!cluster.api.changed) return;
		if (timer !== null) clearTimeout(timer);
		timer = setTimeout(settle, QUIET_MS);
	});
	return async () => {
		ends();
		if (timer !== null) clearTimeout(timer);
		await listener.close();
	};
}
