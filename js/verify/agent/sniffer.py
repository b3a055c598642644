# Every frame of every device of every namespace, in time order (packet(7)). One AF_PACKET socket a namespace, not bound to
# a device; kernel timestamps merge them. With everything on one CPU a packet's hops are in order to the nanosecond.
import socket
import struct

import packet

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
PACKET_OTHERHOST, PACKET_OUTGOING = 3, 4


class Hop:
    """One packet seen at one device. `direction`: in, out, or in-other (came in, not for this device's address)."""
    __slots__ = ("time", "netns", "device", "direction", "packet")

    def where(self):
        return "%s/%s %s" % (self.netns, self.device, self.direction)

    def text(self):
        return "%s %s ttl %d" % (self.where(), self.packet.text(), self.packet.ttl)


def ask_for_timestamps():
    """A socket that wants timestamps. The kernel turns them on for all a while after the first such socket is there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return sock


class Sniffer:
    def __init__(self, vxlan_port=None):
        self._sockets = []
        self._names = {}
        self._vxlan_port = vxlan_port
        self.seen = {}

    def add(self, netns, names):
        """Listens in `netns`. `names`: how a device with a short kernel name is told."""
        with netns:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._sockets.append((netns.name, sock))
        self._names[netns.name] = names
        self.seen[netns.name] = 0

    def drain(self):
        """All hops since the last call, in time order. ARP and multicast are not told, but counted in `seen`."""
        hops = []
        for name, sock in self._sockets:
            names = self._names[name]
            while True:
                try:
                    frame, ancillary, _, address = sock.recvmsg(2048, 64)
                except BlockingIOError:
                    break
                self.seen[name] += 1
                hop = self._hop(name, names, frame, ancillary, address)
                if hop is not None:
                    hops.append(hop)
        hops.sort(key=lambda hop: hop.time)
        return hops

    def total(self):
        return sum(self.seen.values())

    def _hop(self, netns, names, frame, ancillary, address):
        device, protocol, kind = address[0], address[1], address[2]
        if protocol != ETH_P_IP or (device == "lo" and kind == PACKET_OUTGOING):
            return None
        parsed = packet.parse(frame[14:], self._vxlan_port)
        if parsed is None or parsed.dst >= "224." and parsed.dst[:3].isdigit() and 224 <= int(parsed.dst[:3]) < 240:
            return None
        hop = Hop()
        hop.netns, hop.device, hop.packet = netns, names.get(device, device), parsed
        hop.direction = "out" if kind == PACKET_OUTGOING else "in-other" if kind == PACKET_OTHERHOST else "in"
        hop.time = 0
        for _, kind, value in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                hop.time = seconds * 1000000000 + nanoseconds
        return hop

    def close(self):
        for _, sock in self._sockets:
            sock.close()
        self._sockets = []
