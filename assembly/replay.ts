// Bulk replay: offers a batch of recorded packets to the netns that own their sources. Recorded replies set times and sizes
// only: their addresses come from this run. What is known to repeat is counted (`pathcache`), everything else is carried
// (`forward`); what becomes of a flow is `outcome`'s.

import { row } from "./arena";
import { BURST, burstGeneration, burstHome, burstLane, burstLine, burstOpening, touchBurst } from "./burst";
import { accountFlow, addFlow, flow, flowOf, isLive, markFlow } from "./flow";
import { run } from "./forward";
import { learn } from "./learnopening";
import { bindAnswer, bindPassage, expectNothing, expectPassage } from "./learnpassage";
import { mayTeach, teaches } from "./learnsequel";
import { disturb, isPlain, Lane } from "./lane";
import { areMegaflowsOn } from "./megaflow";
import { conntrackExpire } from "./netfilter/expiry";
import { isIcmp } from "./netfilter/tuple";
import { defaultTtl } from "./netns";
import { isKnown, isMirrored, mayOpen, openingOf, opens } from "./opening";
import { answerFrom, isOpening, isRefused, mirror } from "./outcome";
import { Packet } from "./packet";
import { ANSWERED } from "./passage";
import { passes } from "./passing";
import { interrupt, repeats } from "./pathcache";
import { enqueue, isWaiting, nextDue, releasePacket, takePacket, TO_OUTPUT, wake } from "./queue";
import { follow, forsake, restart, watch } from "./repeatable";
import { continues, sequelOf } from "./sequel";
import { prepare } from "./stage";
import { Silent } from "./trace";
import * as L from "./layout";

let unanswerable: u32 = 0;
let overflow: u32 = 0;
let swept: i64 = 0;

/** Recorded replies whose flow nobody answered in this run. */
export function repliesUnanswerable(): u32 {
	return unanswerable;
}
/** Offered packets that found the flow table full: they were not carried. */
export function flowsOverflow(): u32 {
	return overflow;
}

export function replayReset(): void {
	unanswerable = 0;
	overflow = 0;
	swept = 0;
}

const SWEEP_NS: i64 = 1_000_000_000;

/** Offers the first `count` rows of TABLE_BATCH, in order. Returns how many were carried. */
export function offer(count: u32): u32 {
	let carried: u32 = 0;
	for (let first: u32 = 0; first < count; first += BURST) carried += offerBurst(first, min<u32>(BURST, count - first));
	return carried;
}

/** As offer, `some` rows from `first` on, at most BURST. */
export function offerBurst(first: u32, some: u32): u32 {
	let carried: u32 = 0;
	touchBurst(first, some);
	for (let i: u32 = 0; i < some; i++) {
		if (carry(row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE), i)) carried++;
	}
	return carried;
}

/** One offered packet, the `place`th of the burst that was touched last, repeated or carried. False: nobody sends it. */
export function carry(at: usize, place: u32): bool {
	const time = load<i64>(at, L.PACKET_TIME);
	if (time - swept >= SWEEP_NS || isWaiting()) tick(time);
	const line = burstLine(place);
	const reply = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY;
	if (repeats(line, at, <i32>reply, time)) return true;
	const word = passes(line, at, <i32>reply, time);
	if (word != 0) {
		if ((word & ANSWERED) != 0) answerPassed(at, line);
		return true;
	}
	const lane = burstLane(place);
	if (lane != 0) prepare(changetype<Lane>(lane), burstGeneration());
	const plain = line != 0 && areMegaflowsOn() && mayRepeat(at);
	if (plain) expectPassage(line, <i32>reply);
	if (!(reply ? offerReply(at, line) : offerRequest(at, line, time, place))) {
		expectNothing();
		return false;
	}
	run<Silent>();
	forsake();
	if (plain) bindPassage(line, at);
	return true;
}

// The receiver of a packet that went by a passage answers it.
function answerPassed(at: usize, line: usize): void {
	expectPassage(line, 0);
	answer(at, flowOf(line));
	run<Silent>();
	forsake();
	bindAnswer(line);
}

/** When (ns) expired entries will be removed again, by the first packet that is not before it. */
export function nextSweep(): i64 {
	return swept + SWEEP_NS;
}

/** Moves the clock: neighbours that did not answer, entries that ran out. */
export function tick(now: i64): void {
	while (nextDue() <= now) {
		wake(nextDue());
		run<Silent>();
	}
	if (now - swept >= SWEEP_NS) {
		conntrackExpire(now);
		disturb();
		swept = now;
	}
}

function offerRequest(at: usize, line: usize, time: i64, place: u32): bool {
	const ns = load<i32>(at, L.BATCH_NETNS);
	const src = load<u32>(at, L.PACKET_SRC);
	const dst = load<u32>(at, L.PACKET_DST);
	const sport = load<u16>(at, L.PACKET_SPORT);
	const dport = load<u16>(at, L.PACKET_DPORT);
	const proto = load<u8>(at, L.PACKET_PROTO);
	const valid = line != 0 && interrupt(line);
	let index = flowOf(line);
	const hints = load<u8>(at, L.BATCH_FLAGS);
	const lives =
		index >= 0 &&
		(isLive(index, time, (hints & L.BATCHF_OPENS) != 0) || isRefused(flow(index), proto, load<u8>(at, L.PACKET_TCP)));
	let sequel: usize = 0;
	if (!lives) {
		const from = line != 0 ? line : burstHome(place);
		index = addFlow(ns, src, dst, sport, dport, proto, time, load<u8>(at, L.PACKET_FAMILY), from);
	} else {
		sequel = sequelOf(at, flow(index), 0);
		if (sequel != 0 && continues(sequel, at, line, index, 0, valid, time)) return true;
		if (!mayRepeat(at)) restart(line);
		else if (!(hints & L.BATCHF_OPENS)) watch(line, 0, valid);
	}
	if (index < 0) {
		overflow++;
		return false;
	}
	const opening = !lives && mayOpen(at) ? openingOf(at, time, burstOpening(place)) : 0;
	const known = opening != 0 && isKnown();
	if (known && opens(opening, at, index, time)) {
		if (isMirrored(opening)) answer(at, index);
		return true;
	}
	const teaching = sequel != 0 && mayTeach(sequel, index, 0);
	if ((hints & L.BATCHF_RECORDED) != 0) markFlow(flow(index), L.FLOWF_RECORDED);
	const p = fromBatch(at, ns);
	if (p === null) return false;
	p.flow = index;
	if (teaching) teaches(p);
	if (opening != 0 && !known) learn(opening, at, p, index);
	const f = flow(index);
	if (isOpening(p.proto, p.tcp)) {
		markFlow(f, L.FLOWF_OPENED);
		store<u8>(f, load<u8>(f, L.FLOW_FLAGS) & ~(<u8>L.FLOWF_FOLLOWS), L.FLOW_FLAGS);
	} else {
		markFlow(f, L.FLOWF_FOLLOWS);
	}
	accountFlow(index, p);
	follow(p);
	enqueue(p, TO_OUTPUT, -1);
	return true;
}

// The receiver of a packet that opened flow `index` answers it.
function answer(at: usize, index: i32): void {
	const f = flow(index);
	const p = fromBatch(at, load<i32>(f, L.FLOW_SERVER));
	if (p === null) return;
	p.flow = index;
	mirror(p, f);
	releasePacket(p);
}

// Is it a packet that others can repeat? (`pathcache`)
// @ts-ignore: decorator
@inline
function mayRepeat(at: usize): bool {
	return isPlain(load<u8>(at, L.PACKET_PROTO), load<u8>(at, L.PACKET_TCP));
}

// The recorded tuple is the initiator's view, reversed: the flow says who answers, and to which addresses.
function offerReply(at: usize, line: usize): bool {
	const index = flowOf(line);
	// Echoes are answered by the stack of this run.
	if (isIcmp(load<u8>(at, L.PACKET_PROTO))) return false;
	const server = index < 0 ? -1 : load<i32>(flow(index), L.FLOW_SERVER);
	if (server < 0) {
		unanswerable++;
		return false;
	}
	const valid = interrupt(line);
	const f = flow(index);
	const sequel = sequelOf(at, f, 1);
	if (sequel != 0 && continues(sequel, at, line, index, 1, valid, load<i64>(at, L.PACKET_TIME))) return true;
	if (mayRepeat(at)) watch(line, 1, valid);
	const teaching = sequel != 0 && mayTeach(sequel, index, 1);
	const p = fromBatch(at, server);
	if (p === null) return false;
	if (teaching) teaches(p);
	answerFrom(p, f);
	p.flow = index;
	p.set(L.SKB_REPLY);
	// A connection that was refused in the recording is accepted here: the refusal's time becomes the acceptance's.
	const refused = (p.tcp & L.TCP_RST) != 0 && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_ANSWERED) == 0;
	if (p.proto == L.PROTO_TCP && refused) p.tcp = <u8>(L.TCP_SYN | L.TCP_ACK);
	markFlow(f, L.FLOWF_RECORDED);
	accountFlow(index, p);
	follow(p);
	enqueue(p, TO_OUTPUT, -1);
	return true;
}

function fromBatch(at: usize, ns: i32): Packet | null {
	const p = takePacket();
	if (p === null) return null;
	v128.store(changetype<usize>(p), v128.load(at));
	v128.store(changetype<usize>(p), v128.load(at, 16), 16);
	p.netns = ns;
	p.seq = load<u32>(at, L.BATCH_SEQ);
	p.ack = load<u32>(at, L.BATCH_ACK);
	p.window = load<u16>(at, L.BATCH_WINDOW);
	p.portId = load<u8>(at, L.BATCH_OPTIONS);
	if (p.proto == L.PROTO_TCP) p.sack = load<u32>(at, L.BATCH_SACK);
	p.tos = load<u8>(at, L.BATCH_TOS);
	p.ttl = defaultTtl(ns, p.family);
	return p;
}
