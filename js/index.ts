// The public surface of the package: clusters and their answers, readers of recorded traffic, typed errors.

export type { KubernetesObject } from "./api/meta.ts";
export {
	type ApiVersion,
	type ApiWatch,
	type ClusterApi,
	type DeleteRequest,
	type Fault,
	type KindOf,
	type ListRequest,
	type ObjectsOf,
	type PatchType,
	type Scope,
	type Selection,
	StatusError,
	type WatchEvent,
	type WriteRequest,
} from "./cluster/api.ts";
export { openFlows } from "./cluster/recording.ts";
export {
	Cluster,
	type ClusterOptions,
	InputErrors,
	type LabSpec,
	type NodeStates,
	type NodeStateTexts,
	NotModelledError,
	type ObjectReader,
	type ReplayRequest,
	ReplayTimeError,
	type RestoreOptions,
	type Setting,
	SnapshotError,
	type StateText,
	settingsOf,
	type TraceQuery,
	UnknownReferenceError,
	UnsettledError,
	type WasmSource,
} from "./cluster.ts";
export { CaptureError, LineError } from "./flows/errors.ts";
export { type FlowEvent, parseEvents } from "./flows/events.ts";
export { type FlowInput, type FlowOptions, type FlowSource, openFlows as readFlows } from "./flows/open.ts";
export { FlagError } from "./manifests/configuration.ts";
export { ManifestError } from "./manifests/error.ts";
export type { Reference } from "./net/reference.ts";
export type { HostSpec, Listener, NodeSpec, PodSpec, RouterSpec, Topology } from "./net/topology.ts";
export { EventError, type EventTexts, type TimedAction, timedActions } from "./replay/events.ts";
export type { FlowReport } from "./replay/flow.ts";
export type { ReplaySource } from "./replay/reading.ts";
export type {
	EndpointLoad,
	NodeLoad,
	PodLoad,
	RecordingCounts,
	ReplayReport,
	RuleHits,
	SnatPorts,
} from "./replay/report.ts";
export { SequenceError, SourceError } from "./replay/survey.ts";
export { reportText } from "./replay/text.ts";
export { tracePcapng } from "./trace/capture.ts";
export { traceJson } from "./trace/json.ts";
export { mermaidText } from "./trace/mermaid.ts";
export type {
	Delivered,
	Direction,
	Hop,
	HopEvent,
	PacketFields,
	Protocol,
	Seen,
	TracePath,
	Verdict,
} from "./trace/path.ts";
export { type TextOptions, traceText } from "./trace/text.ts";
