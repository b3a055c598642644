// Which packets of a recording are offered again, said slowly: maps by text, one object a packet. What `assembly/capture/offer`
// decides has to be the same, row for row.

import {
	DIRECTION_IN,
	DIRECTION_OUT,
	KIND_DUPLICATE,
	KIND_IGNORED,
	KIND_OFFER,
	KIND_REPLY,
	NO_FLOW,
	SHAPE_CUT,
	SHAPE_LATER_FRAGMENT,
} from "../../assembly/layout.ts";
import type { Ownership } from "../../js/flows/offer.ts";
import type { Row } from "../flows/rows.ts";

const COPY_NS = 100_000_000n;
const IDLE_NS = 30_000_000_000n;
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16] as const;

interface Flow {
	/** What packets from this end, and to it, are. */
	end: string;
	sent: number;
	received: number;
	flow: number;
	netns: number;
	opener: string;
	openedByAnswer: boolean;
	syn: number;
	offered: boolean;
	last: bigint;
}

export interface Classified {
	kind: number;
	flow: number;
	netns: number;
}

const isIcmp = (row: Row) => row.proto === 1 || row.proto === 58;
const isTcp = (row: Row) => row.proto === 6;

/** Type and code of the request that a message answers; its own where it answers none. */
function requestOf(row: Row): number {
	const type = row.dport >> 8;
	if (row.proto === 58) return type === 129 ? 0x8000 : row.dport;
	if (type === 0) return 0x800;
	return [14, 16, 18].includes(type) ? (type - 1) << 8 : row.dport;
}

function isAnswer(row: Row): boolean {
	return isIcmp(row)
		? requestOf(row) !== row.dport
		: isTcp(row) && (row.tcpFlags & SYN) !== 0 && (row.tcpFlags & ACK) !== 0;
}

function isError(row: Row): boolean {
	const type = row.dport >> 8;
	return row.proto === 58 ? type >= 1 && type <= 4 : row.proto === 1 && [3, 4, 5, 11, 12].includes(type);
}

/** The end that sent it, and both ends, the same for both directions. */
function endsOf(row: Row): { end: string; ends: string } {
	if (isIcmp(row)) {
		const [asker, asked] = isAnswer(row) ? [row.dst, row.src] : [row.src, row.dst];
		return { end: isAnswer(row) ? "answers" : "asks", ends: `${asker} ${asked} ${row.sport} ${requestOf(row)}` };
	}
	const [a, b] = [`${row.src} ${row.sport}`, `${row.dst} ${row.dport}`];
	return { end: a, ends: a < b ? `${a} ${b}` : `${b} ${a}` };
}

/** What NAT and forwarding leave alone. */
function marks(row: Row): string {
	const type = isIcmp(row) ? row.dport : 0;
	return [row.ipId, row.ipBytes, row.seq, row.ack, row.payloadHash, row.tcpFlags, row.window, row.proto, type].join(
		" ",
	);
}

/** `packets`: the interface's rows are packets as seen on a wire. `ownership` takes addresses as texts' numbers by `numberOf`. */
export function classified(
	rows: readonly Row[],
	ownership: Ownership,
	numberOf: (address: string) => number,
	packets: (interfaceIndex: number) => boolean,
): Classified[] {
	const flows = new Map<string, Flow>();
	const copies = new Map<string, { time: bigint; flow: number; known: boolean }>();
	const captured = new Set<number>();
	for (const { interfaceIndex } of rows) captured.add(ownership.netnsOfInterface(interfaceIndex));
	const ownerOf = (row: Row, address: string) => ownership.ownerOf(row.family, numberOf(address));
	const seen = (row: Row) => {
		const copy = copies.get(marks(row));
		return copy !== undefined && row.timeNs - copy.time <= COPY_NS ? copy : null;
	};
	let count = 0;

	const opened = (row: Row, at: number, end: string): Flow => {
		const answer = isAnswer(row);
		const owner = ownerOf(row, answer ? row.dst : row.src);
		const begins =
			!packets(row.interfaceIndex) ||
			(at >= 0 && !ownership.forwards(at) && row.direction === DIRECTION_OUT && ownerOf(row, row.src) === at);
		const copy = begins ? null : seen(row);
		const back = at >= 0 && row.direction === (answer ? DIRECTION_OUT : DIRECTION_IN);
		const elsewhere = owner === at ? back : owner >= 0 && captured.has(owner) && !ownership.forwards(owner);
		const duplicate = copy !== null || elsewhere;
		const alias = copy !== null && at < 0 && !copy.known;
		const [offer, reply] = answer ? [KIND_REPLY, KIND_OFFER] : [KIND_OFFER, KIND_REPLY];
		return {
			end,
			sent: duplicate ? KIND_DUPLICATE : offer,
			received: alias ? KIND_REPLY : duplicate ? KIND_DUPLICATE : reply,
			flow: copy?.flow ?? NO_FLOW,
			netns: owner,
			opener: answer ? "" : end,
			openedByAnswer: answer,
			syn: row.seq,
			offered: alias,
			last: row.timeNs,
		};
	};

	const one = (row: Row): Classified => {
		if ((row.shape & (SHAPE_LATER_FRAGMENT | SHAPE_CUT)) !== 0 || isError(row))
			return { kind: KIND_IGNORED, flow: NO_FLOW, netns: -1 };
		const at = ownership.netnsOfInterface(row.interfaceIndex);
		const { end, ends } = endsOf(row);
		const key = `${at < 0 ? "anywhere" : at} ${row.family} ${row.proto} ${ends}`;
		let flow = flows.get(key);
		const bare = isTcp(row) && (row.tcpFlags & (SYN | ACK | RST | FIN)) === SYN;
		// Opened by an answer: by the other end.
		const sameWay = flow !== undefined && (flow.openedByAnswer ? flow.end !== end : flow.end === end);
		const again = bare && (packets(row.interfaceIndex) ? !sameWay || flow?.syn !== row.seq : sameWay);
		const fresh = flow === undefined || again;
		if (flow === undefined || fresh) {
			flow = opened(row, at, end);
			flows.set(key, flow);
		}
		let kind = flow.end === end ? flow.sent : flow.received;
		if (!fresh && at < 0 && kind !== KIND_DUPLICATE && packets(row.interfaceIndex) && seen(row)) kind = KIND_DUPLICATE;
		const reset = kind === KIND_OFFER && flow.openedByAnswer && isTcp(row) && (row.tcpFlags & RST) !== 0;
		if (!flow.offered && (kind === KIND_REPLY || reset)) kind = KIND_IGNORED;
		const anew = !fresh && !isTcp(row) && row.timeNs - flow.last > IDLE_NS;
		if (kind === KIND_OFFER && (!flow.offered || anew)) {
			flow.flow = count++;
			flow.offered = true;
		}
		flow.last = row.timeNs;
		const notable = packets(row.interfaceIndex) && (at < 0 || !isTcp(row) || (row.tcpFlags & SYN) !== 0);
		if (notable && (kind === KIND_OFFER || kind === KIND_REPLY))
			copies.set(marks(row), { time: row.timeNs, flow: flow.flow, known: at >= 0 });
		return { kind, flow: flow.flow, netns: flow.netns };
	};
	return rows.map(one);
}
