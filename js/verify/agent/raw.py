# Raw probes: one crafted packet, and where it came. It is known again behind NAT by its protocol and IP id.
import socket

import packet

FOLLOW_UP_SECONDS = 0.12
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
REPAIR_ON, REPAIR_OFF_NO_WINDOW_PROBE, RECV_QUEUE, SEND_QUEUE = 1, -1, 1, 2


def send(probe, netns, address, held):
    """Sends the crafted packet; the packet as parsed."""
    raw, src, dst = probe["raw"], probe.get("srcIp") or address, probe["dst"]
    sport, dport = probe.get("sport"), probe.get("port")
    if "ofProbe" in raw:
        raw, src, sport, dst, dport = _of_held(raw, held)
    body, proto = _body(probe["proto"], raw, src, dst, sport, dport)
    data = packet.ipv4(proto, src, dst, body, probe.get("ttl") or 64)
    with netns:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with sock:
        try:
            sock.sendto(data, (dst, 0))
        except OSError:
            pass
    return packet.parse(data)


def _of_held(raw, held):
    """A segment of a held connection: its own numbers (tcp repair mode tells them), shifted."""
    try:
        client, server_sock, result = held[raw["ofProbe"]]
    except KeyError:
        raise ValueError("raw.ofProbe %r: no probe of that number holds a connection" % raw["ofProbe"])
    side = server_sock if raw["side"] == "server" else client
    src, sport = side.getsockname()
    dst, dport = side.getpeername()
    seq, ack = _sequence(side)
    shifted = dict(raw, seq=seq + raw.get("seqOffset", 0), ack=ack + raw.get("ackOffset", 0))
    return shifted, src, sport, dst, dport


def _sequence(sock):
    """(next sequence number to send, next expected)."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
    numbers = []
    for queue in (SEND_QUEUE, RECV_QUEUE):
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        numbers.append(sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xFFFFFFFF)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_WINDOW_PROBE)
    return numbers


def _body(proto, raw, src, dst, sport, dport):
    payload = raw.get("payload", "").encode()
    if proto == "tcp":
        return packet.tcp(src, dst, sport, dport, raw.get("flags", ""), raw.get("seq", 0), raw.get("ack", 0), raw.get("win", 64240), payload), proto
    if proto == "udp":
        return packet.udp(src, dst, sport, dport, payload), proto
    if proto == "sctp":
        return packet.sctp_init(sport, dport), proto
    if "inner" in raw:
        return packet.icmp_error(raw["type"], raw.get("code", 0), _quoted(raw["inner"])), proto
    return packet.icmp_query(raw.get("type", 8), raw.get("code", 0), raw.get("id", sport or 0), raw.get("seq", 1), payload), proto


def _quoted(inner):
    proto, src, dst = inner["proto"], inner["src"], inner["dst"]
    if proto == "icmp":
        body = packet.icmp_query(8, 0, inner.get("icmpId", 0), 1)
    elif proto == "tcp":
        body = packet.tcp(src, dst, inner["sport"], inner["dport"], "S")
    elif proto == "udp":
        body = packet.udp(src, dst, inner["sport"], inner["dport"])
    else:
        body = packet.sctp_init(inner["sport"], inner["dport"])
    return packet.ipv4(proto, src, dst, body, 63)


def follow(sent, sender, hops):
    """The result: where the packet came, and what else passed an eth0."""
    own = [hop for hop in hops if hop.packet.proto == sent.proto and hop.packet.ip_id == sent.ip_id and hop.packet.type == sent.type]
    others = [hop for hop in hops if hop not in own and hop.device == "eth0"]
    text = sent.text()
    result = {"sent": text if sent.inner is not None else text.split(" len ")[0]}
    arrival = next((hop for hop in own if hop.direction == "in" and hop.device == "eth0" and hop.netns.startswith(("pod:", "host:"))), None)
    if arrival is not None and arrival.netns != sender:
        result.update(outcome="delivered", arrivedAt=arrival.netns, arrivedAs=arrival.packet.text())
    else:
        result["outcome"] = "timeout"
        if own:
            result["lastSeen"] = own[-1].where()
    if others:
        result["followUp"] = ["%s %s" % (hop.where(), hop.packet.text()) for hop in others]
    return result
