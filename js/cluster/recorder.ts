// Events as client-go's EventRecorder writes them (tools/record/event.go, events_cache.go): what a source says too often of an
// object is dropped, many alike become one, and the same again counts up.

import type { Event } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { reasonOf } from "../api/reason.ts";
import { timeOf } from "../api/time.ts";
import type { Clock, Recorder, Store } from "../ports.ts";

/** Of one source about one object: as many at once, and then one in so many seconds. */
const BURST = 25;
const REFILL_S = 300;
/** Alike but for their messages: from so many on within that time they are one. */
const ALIKE_MAX = 10;
const ALIKE_S = 600;
const S = 1_000_000_000n;
/** Whose name is not that of a controller. */
const OWN_NAMES: ReadonlySet<string> = new Set([
	"kubelet",
	"default-scheduler",
	"cidrAllocator",
	"horizontal-pod-autoscaler",
]);

interface Spoken {
	readonly tokens: number;
	/** ns. */
	readonly at: bigint;
}

interface Alike {
	readonly messages: ReadonlySet<string>;
	readonly at: bigint;
}

export interface EventSinkState {
	spoken: Map<string, Spoken>;
	alike: Map<string, Alike>;
	names: Map<string, string>;
}

type Happening = [about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string, host?: string];

export class EventSink {
	readonly #store: Store;
	readonly #clock: Clock;
	readonly #heard: (...happening: Happening) => void;
	readonly #spoken: Map<string, Spoken>;
	readonly #alike: Map<string, Alike>;
	/** Names of Events that are there, by what they say. */
	readonly #names: Map<string, string>;

	/** `heard` is told of all, whether an Event is written of it or not. `state`: of another one, over a copy of its store. */
	constructor(
		store: Store,
		clock: Clock,
		heard: (...happening: Happening) => void = () => {},
		state: EventSinkState = { spoken: new Map(), alike: new Map(), names: new Map() },
	) {
		this.#store = store;
		this.#clock = clock;
		this.#heard = heard;
		this.#spoken = state.spoken;
		this.#alike = state.alike;
		this.#names = state.names;
	}

	/** What a component speaks to: one sink for all, as the API is. */
	recorder(component: string): Recorder {
		return { event: (...happening) => this.#take(component, happening) };
	}

	/** What is remembered of what was said. */
	get state(): EventSinkState {
		return { spoken: new Map(this.#spoken), alike: new Map(this.#alike), names: new Map(this.#names) };
	}

	#take(component: string, happening: Happening): void {
		this.#heard(...happening);
		const [about, type, reason, message, host] = happening;
		const source = {
			component: OWN_NAMES.has(component) ? component : `${component}-controller`,
			...(host ? { host } : {}),
		};
		const { namespace, name, uid, resourceVersion } = about.metadata;
		const subject = [source.component, host ?? "", about.kind, namespace ?? "", name ?? "", uid ?? ""].join(" ");
		if (!this.#maySpeak(subject)) return;
		const alike = `${subject} ${type} ${reason}`;
		const combined = this.#isOneOfMany(alike, message);
		const said = combined ? `(combined from similar events): ${message}` : message;
		const key = combined ? `${alike} combined` : `${alike} ${message}`;
		if (this.#countUp(key, namespace ?? "default", said)) return;
		const involvedObject = {
			...{ kind: about.kind, apiVersion: about.apiVersion },
			...(namespace ? { namespace } : {}),
			...{ name: name ?? "", uid: uid ?? "", resourceVersion: resourceVersion ?? "" },
		};
		const now = timeOf(this.#clock.now());
		const event: Event = {
			...{ apiVersion: "v1", kind: "Event", metadata: { namespace: namespace ?? "default" } },
			...{ involvedObject, reason, message: said, type, source, count: 1, firstTimestamp: now, lastTimestamp: now },
			...{ reportingComponent: source.component, reportingInstance: host ?? "" },
		};
		this.#names.set(key, this.#create(event, name ?? ""));
	}

	/** EventSourceObjectSpamFilter. */
	#maySpeak(subject: string): boolean {
		const now = this.#clock.now();
		const before = this.#spoken.get(subject) ?? { tokens: BURST, at: now };
		const tokens = Math.min(BURST, before.tokens + Number(now - before.at) / Number(S) / REFILL_S);
		this.#spoken.set(subject, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
		return tokens >= 1;
	}

	/** EventAggregator. */
	#isOneOfMany(alike: string, message: string): boolean {
		const now = this.#clock.now();
		const before = this.#alike.get(alike);
		const lasts = before !== undefined && now - before.at <= BigInt(ALIKE_S) * S;
		const messages = new Set(lasts ? before.messages : []);
		messages.add(message);
		const many = messages.size >= ALIKE_MAX;
		// The oldest one makes room.
		if (many) messages.delete([...messages][0] ?? "");
		this.#alike.set(alike, { messages, at: now });
		return many;
	}

	/** Whether there is an Event of it. */
	#countUp(key: string, namespace: string, message: string): boolean {
		const known = this.#store.get<Event>("events", namespace, this.#names.get(key) ?? "");
		if (known === undefined) return false;
		const lastTimestamp = timeOf(this.#clock.now());
		this.#store.update<Event>("events", { ...known, message, lastTimestamp, count: (known.count ?? 1) + 1 });
		return true;
	}

	/** Named after its object and the time; the name that it got. */
	#create(event: Event, about: string): string {
		for (let at = this.#clock.now(); ; at++) {
			const name = `${about}.${at.toString(16)}`;
			if (this.#store.get("events", event.metadata.namespace ?? "", name) !== undefined) continue;
			try {
				this.#store.create("events", { ...event, metadata: { ...event.metadata, name } });
			} catch (error) {
				// A namespace that goes takes no news.
				if (reasonOf(error) === null) throw error;
			}
			return name;
		}
	}
}
