// The ABI of `core.threads.wasm`: that of `core.wasm`, over a shared memory that the host brings, and what workers need.

export * from "./index";
export { shardServe, shardStop, shardWorkers } from "./shards";
