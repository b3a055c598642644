// Which of a cluster's assumptions an answer rests on. Their texts begin with what they are about (`listens: …`).

import type { Delivered } from "../trace/path.ts";

/** What an answer concerns: pods by `NS/NAME`, the Service that was asked, who got the packet. */
export interface Concern {
	pods: ReadonlySet<string>;
	service: string | null;
	delivered: Delivered | null;
}

/** Assumptions about a pod, a Service or a node's sockets count where it is involved; all others always. */
export function relevant(assumed: readonly string[], { pods, service, delivered }: Concern): string[] {
	return assumed.filter((text) => {
		const [, kind, name = ""] = /\b(pod|Service) ([a-z0-9.-]+\/[a-z0-9.-]+)/.exec(text) ?? [];
		const [, listener] = /^listens: ([a-z0-9.-]+) on /.exec(text) ?? [];
		const listens = text.startsWith("listens: ");
		if (kind === "pod") return listens ? name === `${delivered?.namespace}/${delivered?.name}` : pods.has(name);
		if (listener !== undefined) return delivered?.kind === "Node" && delivered.name === listener;
		return kind === undefined || name === service;
	});
}
