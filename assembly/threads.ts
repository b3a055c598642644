// The ABI of `core.threads.wasm`: that of `core.wasm`, over a shared memory that the host brings, and what several threads need.

export * from "./index";
/** How many threads there are; a worker's turns; what is needed of TABLE_SCRATCH; why a worker died. */
export { shardBytes, shardFault, shardServe, shardThreads, shardWindow } from "./shards";
/** In place of `offer`: what workers can do begins, and ends. */
export { offerBegin, offerEnd } from "./sequencer";
/** Hits that had been counted before their turn and were undone. */
export { shardsUndone } from "./ahead";
