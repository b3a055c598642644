# IPv4 packets as text and back: what a sniffed frame says, and frames crafted for raw probes.
# RFC 791, 792, 768, 9293, 7348 (VXLAN), 9260 (an SCTP INIT). Text forms are those of the recorded scenarios:
# `tcp A:P > B:Q [SA] len N`, `udp A:P > B:Q len N`, `icmp A > B port-unreachable {quoted packet}`.
import random
import socket
import struct

FLAG_LETTERS = "FSRPAU"
PROTOCOL = {"icmp": 1, "tcp": 6, "udp": 17, "sctp": 132}
UNREACHABLE = {
    0: "net-unreachable", 1: "host-unreachable", 2: "proto-unreachable", 3: "port-unreachable", 4: "frag-needed",
    5: "source-route-failed", 6: "net-unknown", 7: "host-unknown", 9: "net-prohibited", 10: "host-prohibited",
    11: "tos-net-unreachable", 12: "tos-host-unreachable", 13: "admin-prohibited",
}
ICMP_NAMES = {0: "echo-reply", 8: "echo-request", 13: "timestamp-request", 14: "timestamp-reply",
              17: "address-mask-request", 18: "address-mask-reply"}
ICMP_QUERIES = frozenset(ICMP_NAMES)


def icmp_name(type, code):
    if type == 3:
        return UNREACHABLE.get(code, "unreachable-%d" % code)
    if type == 5:
        return {0: "redirect-net", 1: "redirect-host"}.get(code, "redirect-%d" % code)
    if type == 11:
        return "ttl-exceeded" if code == 0 else "reassembly-timeout"
    return ICMP_NAMES.get(type, "type-%d/%d" % (type, code))


class Packet:
    """One IPv4 packet. `inner` is what an ICMP error quotes or a VXLAN datagram carries."""
    __slots__ = ("src", "dst", "ttl", "ip_id", "proto", "sport", "dport", "flags", "seq", "ack", "length",
                 "type", "code", "icmp_id", "inner")

    def text(self):
        if self.proto == "icmp":
            name = icmp_name(self.type, self.code)
            if self.type in ICMP_QUERIES:
                return "icmp %s > %s %s id N" % (self.src, self.dst, name)
            return "icmp %s > %s %s {%s}" % (self.src, self.dst, name, self.inner.text() if self.inner else "")
        if self.sport is None:
            return "%s %s > %s" % (self.proto, self.src, self.dst)
        text = "%s %s:%d > %s:%d" % (self.proto, self.src, self.sport, self.dst, self.dport)
        if self.proto == "tcp":
            text += " [%s]" % self.flags
            return text + " len %d" % self.length if self.length > 0 else text
        if self.proto == "udp":
            text += " len %d" % self.length
            return text + " vxlan{%s}" % self.inner.text() if self.inner else text
        return text

    def tuple(self):
        """What conntrack keys it by: protocol, addresses, ports or ICMP id."""
        if self.proto == "icmp":
            return ("icmp", self.src, self.dst, self.icmp_id, self.icmp_id)
        return (self.proto, self.src, self.dst, self.sport, self.dport)


def parse(data, vxlan_port=None):
    """The IPv4 packet at the start of `data`, or None where it is none."""
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    header = (data[0] & 15) * 4
    packet = Packet()
    packet.ip_id, packet.ttl, protocol = struct.unpack_from("!H", data, 4)[0], data[8], data[9]
    packet.src, packet.dst = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    total = min(struct.unpack_from("!H", data, 2)[0], 65535)
    packet.proto = {1: "icmp", 6: "tcp", 17: "udp", 132: "sctp"}.get(protocol, "proto-%d" % protocol)
    packet.sport = packet.dport = packet.inner = None
    packet.flags, packet.seq, packet.ack, packet.length = "", 0, 0, 0
    packet.type = packet.code = packet.icmp_id = None
    body = data[header:]
    if packet.proto in ("tcp", "udp", "sctp") and len(body) >= 4:
        packet.sport, packet.dport = struct.unpack_from("!HH", body)
    if packet.proto == "tcp" and len(body) >= 14:
        packet.seq, packet.ack = struct.unpack_from("!II", body, 4)
        packet.flags = "".join(letter for bit, letter in enumerate(FLAG_LETTERS) if body[13] & (1 << bit))
        packet.length = total - header - (body[12] >> 4) * 4
    elif packet.proto == "udp" and len(body) >= 8:
        packet.length = struct.unpack_from("!H", body, 4)[0] - 8
        if packet.dport == vxlan_port and len(body) > 30:
            packet.inner = parse(body[30:])
    elif packet.proto == "icmp" and len(body) >= 8:
        packet.type, packet.code = body[0], body[1]
        if packet.type in ICMP_QUERIES:
            packet.icmp_id = struct.unpack_from("!H", body, 4)[0]
        elif packet.type in (3, 4, 5, 11, 12):
            packet.inner = parse(body[8:])
    return packet


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(proto, src, dst, body, ttl=64, ip_id=None):
    """An IPv4 packet with a checksum. Never id 0: the kernel would then choose one (raw(7))."""
    ip_id = ip_id or random.randrange(1, 65536)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ip_id, 0x4000, ttl, PROTOCOL[proto], 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def _with_checksum(proto, src, dst, body, at):
    pseudo = struct.pack("!4s4sBBH", socket.inet_aton(src), socket.inet_aton(dst), 0, PROTOCOL[proto], len(body))
    return body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]


def tcp(src, dst, sport, dport, flags, seq=0, ack=0, win=64240, payload=b""):
    bits = sum(1 << FLAG_LETTERS.index(letter) for letter in flags)
    body = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, bits, win, 0, 0) + payload
    return _with_checksum("tcp", src, dst, body, 16)


def udp(src, dst, sport, dport, payload=b""):
    return _with_checksum("udp", src, dst, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 6)


def icmp_query(type, code, icmp_id, seq, payload=b""):
    body = struct.pack("!BBHHH", type, code, 0, icmp_id, seq) + payload
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def icmp_error(type, code, quoted):
    body = struct.pack("!BBHI", type, code, 0, 0) + quoted
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def sctp_init(sport, dport):
    """An INIT chunk with its CRC-32C; verification tag 0."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, random.getrandbits(32) | 1, 65536, 10, 10, random.getrandbits(32))
    packet = struct.pack("!HHII", sport, dport, 0, 0) + chunk
    return packet[:8] + struct.pack("<I", _crc32c(packet)) + packet[12:]


def _crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
