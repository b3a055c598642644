// An agent for clients that speak HTTP through Node: its connections end at the API in this process, and no socket is opened.

import { Agent, createServer } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import type { ClusterApi } from "../cluster/api.ts";
import { appOver } from "./app.ts";
import { listenerOver } from "./http.ts";

/** For requests to `http://kubernetes.default.svc`. */
export function agentTo(api: ClusterApi): Agent {
	const app = appOver(api.respond.bind(api));
	api.onChange(app.drain);
	const server = createServer(listenerOver(app));
	const agent = new Agent({ keepAlive: false });
	return Object.assign(agent, {
		createConnection() {
			const [near, far] = duplexPair() as [Duplex, Duplex];
			server.emit("connection", asSocket(far));
			return asSocket(near);
		},
	});
}

/** What HTTP and its clients ask of a socket beside its bytes. */
function asSocket(stream: Duplex): Duplex {
	const itself = () => stream;
	return Object.assign(stream, {
		...{ setKeepAlive: itself, setNoDelay: itself, setTimeout: itself, ref: itself, unref: itself },
		remoteAddress: "127.0.0.1",
	});
}
