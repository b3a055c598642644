// Every row of truth.csv against the flow that podwire made of it. What chance decides (which endpoint, which node a load
// balancer picks) must be possible; everything that follows from it must be exactly what it was.

import { nanoseconds } from "./recording.mjs";

/**
 * @typedef {import("podwire").FlowReport} Flow
 * @typedef {import("./recording.mjs").Row} Row
 * @typedef {{ row: Row, flow: Flow }} Match
 * @typedef {{ before: Map<string, Set<string>>, after: Map<string, Set<string>> }} Endpoints
 * @typedef {{ reload: { from: bigint, to: bigint }, endpoints: Endpoints, nodes: Map<string, Record<string, string>> }} Knowledge
 */

const VERDICTS = { delivered: ["delivered"], refused: ["rejected"], timeout: ["dropped", "unreachable"] };
/** The load balancer's address: the router picks the node by a hash. */
const BALANCED = "203.0.113.80";
/** NodePort with externalTrafficPolicy Local. */
const LOCAL_PORT = "30081";

/** Flows by 5-tuple, in time order; ports are used again, so a row belongs to the latest flow that is no later. */
export class Flows {
	/** @type {Map<string, { time: bigint, flow: Flow }[]>} */
	#flows = new Map();

	/** @param {Flow} flow */
	add(flow) {
		const key = `${flow.proto} ${flow.src} ${flow.sport} ${flow.dst} ${flow.dport}`;
		const list = this.#flows.get(key) ?? [];
		list.push({ time: nanoseconds(flow.time), flow });
		this.#flows.set(key, list);
	}

	/** @param {Row} row @returns {Flow | null} */
	of(row) {
		const list = this.#flows.get(`${row.proto} ${row.client_ip} ${row.sport} ${row.dst_ip} ${row.dport}`) ?? [];
		const at = nanoseconds(/** @type {string} */ (row.time));
		return list.findLast(({ time }) => time <= at)?.flow ?? null;
	}
}

/**
 * Rows with their flows, and what disagrees: one text a row.
 * @param {Row[]} rows @param {Flows} flows @param {Knowledge} known
 * @returns {{ matches: Match[], disagreements: string[] }}
 */
export function compare(rows, flows, known) {
	/** @type {Match[]} */
	const matches = [];
	/** @type {string[]} */
	const disagreements = [];
	const names = new Map(rows.filter(({ server_ip }) => server_ip).map((row) => [row.server_ip, row]));
	const classes = sourceClasses(rows);
	for (const row of rows) {
		const flow = flows.of(row);
		if (flow === null) {
			disagreements.push(
				`truth.csv:${row.line}: no flow of ${row.client_ip}:${row.sport} to ${row.dst_ip}:${row.dport}`,
			);
			continue;
		}
		matches.push({ row, flow });
		const wrong = [
			outcome(row, flow, known),
			reason(row, flow),
			server(row, flow, known, names),
			source(row, flow, known, classes),
			entry(row, flow),
		].filter((text) => text !== null);
		if (wrong.length > 0)
			disagreements.push(`truth.csv:${row.line}: ${row.client} to ${row.target}: ${wrong.join("; ")}`);
	}
	return { matches, disagreements };
}

/** A pod's call to another node's Local NodePort: any endpoint may be chosen, and only one on that node can answer. */
const isGamble = (/** @type {Row} */ row) => row.dport === LOCAL_PORT && row.client_node !== "outside";

/** @param {Row} row @param {Flow} flow @param {Knowledge} known */
function outcome(row, flow, { nodes }) {
	if (isGamble(row)) {
		const node = [...nodes].find(([, addresses]) => addresses["node"] === row.dst_ip)?.[0];
		const expected = flow.delivered?.node === node || row.client_node === node ? "delivered" : "dropped";
		return flow.verdict === expected
			? null
			: `${flow.verdict}, but the endpoint on ${flow.delivered?.node} means ${expected}`;
	}
	const expected = VERDICTS[/** @type {keyof typeof VERDICTS} */ (row.outcome)];
	return expected.includes(flow.verdict) ? null : `${flow.verdict}, was ${row.outcome}`;
}

/** Who said no is in the recording; of silence only a server that was reached. @param {Row} row @param {Flow} flow */
function reason(row, flow) {
	if (isGamble(row) || row.outcome === "delivered") return null;
	const said = row.by === "rst" ? "port-closed" : row.by?.startsWith("icmp 3/3") ? "no-endpoints" : null;
	const expected = said ?? (row.server ? "reply-lost" : row.dport === LOCAL_PORT ? "no-local-endpoints" : "blackhole");
	return flow.reason === expected ? null : `reason ${flow.reason}, was ${expected}`;
}

/** @param {Row} row @param {Flow} flow @param {Knowledge} known @param {Map<string | undefined, Row>} names */
function server(row, flow, { reload, endpoints }, names) {
	const got = flow.delivered;
	// Who refuses a connection has not been given it.
	if (row.outcome === "refused") return got === null ? null : `${got.name} got it`;
	if ((got === null) !== (row.server === "")) return `${got?.name ?? "nobody"} got it, was ${row.server || "nobody"}`;
	if (got === null) return null;
	if (got.port !== null && String(got.port) !== row.server_port) return `port ${got.port}, was ${row.server_port}`;
	if (flow.service === null && got.address !== row.server_ip) return `${got.address} got it, was ${row.server_ip}`;
	const known = names.get(got.address);
	const name = got.namespace === null ? got.name : `${got.namespace}/${got.name}`;
	// A server with its node's own address is that node's.
	const itself = known?.server === name || (got.kind === "Node" && known?.server_node === name) || got.kind === "Host";
	if (known !== undefined && !itself) return `${name} at ${got.address}, was ${known.server}`;
	if (known !== undefined && (got.node ?? "outside") !== known.server_node)
		return `on ${got.node}, was ${known.server_node}`;
	if (flow.service === null) return null;
	const at = nanoseconds(flow.time);
	const end = `${got.address}:${got.port}`;
	const possible =
		(at <= reload.to && endpoints.before.get(flow.service)?.has(end)) ||
		(at >= reload.from && endpoints.after.get(flow.service)?.has(end));
	return possible ? null : `${end} is no endpoint of ${flow.service} then`;
}

/** What decides the source that a server sees: where it was sent, whether it ended on the node that took it in, hairpin. */
function situation(
	/** @type {Row} */ row,
	/** @type {string | null} */ near,
	/** @type {string} */ address,
	/** @type {string | null} */ node,
) {
	return `${row.dst_ip}:${row.dport} ${row.client_node} ${row.client_ip === address} ${near === node}`;
}

/** Source classes by situation, of all that was recorded. @param {Row[]} rows */
function sourceClasses(rows) {
	/** @type {Map<string, string>} */
	const classes = new Map();
	for (const row of rows) {
		if (!row.server || row.outcome === "refused") continue;
		const near = (row.entry_node || row.client_node) ?? "";
		const key = situation(row, near, row.server_ip ?? "", row.server_node ?? "");
		const before = classes.get(key);
		const now = row.src_class ?? "";
		classes.set(key, before === undefined || before === now ? now : `${before}|${now}`);
	}
	return classes;
}

/** @param {Row} row @param {Flow} flow @param {Knowledge} known @param {Map<string, string>} classes */
function source(row, flow, { nodes }, classes) {
	if (flow.seen === null || flow.delivered === null) return null;
	const near = flow.entryNode ?? row.client_node ?? "";
	const key = situation(row, near, flow.delivered.address, flow.delivered.node ?? "outside");
	const expected = classes.get(key);
	const translator = nodes.get(near);
	const kept = flow.seen.source === row.client_ip;
	const got = kept ? "kept" : Object.entries(translator ?? {}).find(([, ip]) => ip === flow.seen?.source)?.[0];
	if (got === undefined) return `source ${flow.seen.source}, which is none of ${near}'s`;
	if (expected !== undefined && !expected.split("|").includes(got))
		return `source ${flow.seen.source} (${got}), was ${expected}`;
	if (kept && flow.seen.sourcePort !== null && String(flow.seen.sourcePort) !== row.sport)
		return `source port ${flow.seen.sourcePort}, was ${row.sport}`;
	return null;
}

/** @param {Row} row @param {Flow} flow */
function entry(row, flow) {
	if (row.dst_ip === BALANCED && row.entry_node !== "") return flow.entryNode === null ? "no node took it in" : null;
	// Of pings from inside the recording does not say it.
	if (row.proto === "icmp" && row.client_node !== "outside") return null;
	return (flow.entryNode ?? "") === row.entry_node
		? null
		: `entry node ${flow.entryNode}, was ${row.entry_node || "none"}`;
}
