// What the TCP behind a program answers with when the program sends back nothing of its own.

import { Packet } from "./packet";
import * as L from "./layout";

/** Flags, numbers and window of the answer to segment `p`, into `r`. */
// @ts-ignore: decorator
@inline
export function mirrorSegment(p: Packet, r: Packet): void {
	const syn = (p.tcp & L.TCP_SYN) != 0;
	r.tcp = <u8>(L.TCP_ACK | (p.tcp & (L.TCP_SYN | L.TCP_FIN)));
	r.seq = p.ack;
	r.ack = p.seq + p.payload + (syn ? 1 : 0) + ((p.tcp & L.TCP_FIN) != 0 ? 1 : 0);
	r.window = p.window;
	r.portId = p.portId;
}
