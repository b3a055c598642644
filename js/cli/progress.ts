// How far a long job is, on stderr and only where that is a terminal: at most ten times a second, erased at the end.

import type { Terminal } from "./terminal.ts";

const INTERVAL_MS = 100;

export interface Progress {
	/** `done` and `total` in `unit`s; `total` null where nobody knows it. */
	update(done: number, total: number | null): void;
	/** Erases the line. */
	end(): void;
}

const COUNT = ["", "k", "M", "G", "T"];

/** 1234567 → `1.2M`. */
export function short(count: number): string {
	let value = count;
	let step = 0;
	while (value >= 1000 && step < COUNT.length - 1) {
		value /= 1000;
		step++;
	}
	return `${step > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${COUNT[step]}`;
}

/** 75 → `1m15s`. */
export function duration(seconds: number): string {
	const whole = Math.max(0, Math.round(seconds));
	if (whole < 60) return `${whole}s`;
	if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60}s`;
	return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`;
}

/** What one update shows. */
export function progressLine(label: string, unit: string, done: number, total: number | null, seconds: number): string {
	const rate = seconds > 0 ? done / seconds : 0;
	const parts = [`${short(done)} ${unit}`];
	if (rate > 0) parts.push(`${short(rate)}/s`);
	if (total !== null && total > 0) {
		parts.unshift(`${Math.min(100, Math.floor((done / total) * 100))}%`);
		if (rate > 0 && done < total) parts.push(`${duration((total - done) / rate)} left`);
	}
	return `${label}: ${parts.join(", ")}`;
}

/** Draws on the terminal; where there is none it does nothing. `now` gives milliseconds. */
export function progressOn(terminal: Terminal, label: string, unit: string, now = () => performance.now()): Progress {
	if (!terminal.interactive) return { update: () => {}, end: () => {} };
	const started = now();
	let drawn = Number.NEGATIVE_INFINITY;
	return {
		update(done, total) {
			const at = now();
			if (at - drawn < INTERVAL_MS) return;
			drawn = at;
			terminal.draw(progressLine(label, unit, done, total, (at - started) / 1000));
		},
		end: () => terminal.draw(""),
	};
}
