// Pods that wait for a node (pkg/scheduler/backend/queue): those whose turn comes next, by priority and then by age, and
// those that no node took, which rest for a while before they are tried again.

import type { Pod } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import { priorityOf } from "./preempt.ts";

interface Waiting {
	priority: number;
	/** The order in which they came to be tried. */
	seq: number;
	attempts: number;
	/** ns; when it was tried last. */
	triedAt: bigint;
	/** ns; not before then. */
	notBefore: bigint;
	isActive: boolean;
}

const MS = 1_000_000n;
/** podInitialBackoffDuration, podMaxBackoffDuration */
const BACK_OFF_MS = 1000;
const BACK_OFF_MOST_MS = 10_000;
/** podMaxInUnschedulablePodsDuration: so long one is left alone where nothing changes. */
export const FLUSH_MS = 300_000;

export interface SchedulingQueueState {
	/** By `NS/NAME`. */
	pods: Map<string, Waiting>;
	seq: number;
}

export class SchedulingQueue {
	readonly #pods: SchedulingQueueState["pods"];
	#seq: number;

	constructor({ pods, seq }: SchedulingQueueState = { pods: new Map(), seq: 0 }) {
		this.#pods = pods;
		this.#seq = seq;
	}

	/** A pod to be tried: new, or another than it was, which need not rest. */
	add(pod: Pod): void {
		const key = keyOf(pod);
		const { attempts = 0, triedAt = 0n } = this.#pods.get(key) ?? {};
		this.#pods.set(key, {
			...{ priority: priorityOf(pod), seq: this.#seq++, attempts, triedAt, notBefore: 0n, isActive: true },
		});
	}

	/** It has its node, or is gone. */
	drop(key: string): void {
		this.#pods.delete(key);
	}

	/** Whether it has been tried in vain and nothing has changed since. */
	rests(key: string): boolean {
		return this.#pods.get(key)?.isActive === false;
	}

	/** The key of the pod whose turn it is. */
	next(now: bigint): string | undefined {
		let best: string | undefined;
		let first: Waiting | undefined;
		for (const [key, one] of this.#pods) {
			if (!one.isActive || one.notBefore > now) continue;
			if (first !== undefined && !isBefore(one, first)) continue;
			[best, first] = [key, one];
		}
		return best;
	}

	/** No node took it. */
	refused(key: string, now: bigint): void {
		const known = this.#pods.get(key);
		if (known === undefined) return;
		const rest = Math.min(BACK_OFF_MS * 2 ** known.attempts, BACK_OFF_MOST_MS);
		known.attempts++;
		known.triedAt = now;
		known.notBefore = now + BigInt(rest) * MS;
		known.isActive = false;
	}

	/** Something may be different now: all that rest are to be tried again. Their keys. */
	wake(): string[] {
		return this.#activate(() => true);
	}

	/** Those that were left alone for too long are tried again. Their keys. */
	flush(now: bigint): string[] {
		return this.#activate(({ triedAt }) => now - triedAt >= BigInt(FLUSH_MS) * MS);
	}

	#activate(which: (one: Waiting) => boolean): string[] {
		const woken: string[] = [];
		for (const [key, one] of this.#pods) {
			if (one.isActive || !which(one)) continue;
			one.isActive = true;
			one.seq = this.#seq++;
			woken.push(key);
		}
		return woken;
	}

	/** ms that it has to rest yet. */
	restOf(key: string, now: bigint): number {
		const known = this.#pods.get(key);
		return known === undefined || !known.isActive ? 0 : Math.max(0, Number(known.notBefore - now) / 1e6);
	}

	/** Copied. */
	get state(): SchedulingQueueState {
		return { pods: new Map(Array.from(this.#pods, ([key, one]) => [key, { ...one }])), seq: this.#seq };
	}
}

const isBefore = (a: Waiting, b: Waiting) => (a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority);
