// Chance, reproducibly: every choice is a keyed hash of (seed, what is decided, how often it was asked),
// so one seed gives one run, whatever the host.

import { mix } from "./hash";

let seed: u64 = 0x706f6477697265;
let draws: u64 = 0;

/** Starts a reproducible sequence. */
export function reseed(value: u64): void {
	seed = mix(value + 0x9e3779b97f4a7c15);
	draws = 0;
}

/** The next 64 random bits. */
export function next64(): u64 {
	draws++;
	return mix(seed ^ mix(draws));
}

/** The next 32 random bits. */
// @ts-ignore: decorator
@inline
export function next32(): u32 {
	return <u32>(next64() >> 32);
}

/** What next32 will give after `others` other draws. */
// @ts-ignore: decorator
@inline
export function peek32(others: u32): u32 {
	return <u32>(mix(seed ^ mix(draws + 1 + <u64>others)) >> 32);
}

/** As many draws have been made by looking ahead. */
// @ts-ignore: decorator
@inline
export function drew(count: u32): void {
	draws += <u64>count;
}

/** A choice that depends only on the seed and `key`: ECMP, load balancer hashing. */
export function keyed(key: u64): u32 {
	return <u32>(mix(seed ^ mix(key)) >> 32);
}
