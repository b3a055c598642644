// The generation of the network (Linux numbers its own: dev_base_seq, rt_genid): netns, devices and addresses that come or go begin
// a new one. What stacks and bridges have learned says in which it was last known to hold, and is looked at again in another:
// so nothing has to be searched for what it knows of a device that is no more.

import { disturb } from "./lane";

let current: u32 = 0;

// @ts-ignore: decorator
@inline
export function genid(): u32 {
	return current;
}

/** Begins a new generation, and returns it. */
export function nextGenid(): u32 {
	disturb();
	return ++current;
}
