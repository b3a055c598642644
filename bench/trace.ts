// Traces a second: a packet's way through two nodes written to the event ring, not decoded; and decoded to the hops that
// `podwire trace -o json` prints, as JSON. Forgetting connections is in the time.

import * as L from "../assembly/layout.ts";
import { takeEvents } from "../bindings/events.ts";
import { hopsOf } from "../js/trace/hop.ts";
import { hopsJson } from "../js/trace/json.ts";
import type { Case, Subject } from "./figure.ts";
import { CALL, tracing } from "./scenes/tracing.ts";

async function prepare(services: number): Promise<Case> {
	const { machine, loops, send, forget } = await tracing(services);
	const { view } = machine.core.rows;
	let [events, delivered] = [0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				for (let i = 0; i < CALL; i++) {
					send(i);
					const count = loops.eventCount();
					const last = loops.table(L.TABLE_EVENT) + (count - 1) * L.EVENT_STRIDE;
					if (view.getUint8(last + L.EVENT_KIND) === L.EVENT_DELIVER) delivered++;
					events += count;
					loops.eventsReset();
				}
				if (delivered % CALL !== 0) throw new Error(`${delivered} traces were delivered, expected whole thousands`);
				forget();
			},
			checksum: () => events + delivered,
		},
		twin: null,
	};
}

async function prepareJson(services: number): Promise<Case> {
	const { machine, send, forget } = await tracing(services);
	let [length, delivered] = [0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				for (let i = 0; i < CALL; i++) {
					send(i);
					const hops = hopsOf(machine, takeEvents(machine.core));
					if (hops.at(-1)?.event === "deliver") delivered++;
					length += hopsJson(hops).length;
				}
				if (delivered % CALL !== 0) throw new Error(`${delivered} traces were delivered, expected whole thousands`);
				forget();
			},
			checksum: () => length + delivered,
		},
		twin: null,
	};
}

/** `size`: Services. */
export const traces: Subject[] = [
	{ name: "trace", unit: "k/s", size: 100, prepare },
	{ name: "trace-json", unit: "k/s", size: 100, prepare: prepareJson },
];
