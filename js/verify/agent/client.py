# One attempt of a probe: a real socket in the client's namespace, and what it noticed. An attempt is started, runs on the
# loop, and is `done`; `finish` then tells the result in the shape of the recorded scenarios.
import errno
import random
import select
import socket
import struct

import packet
import server

IP_RECVERR, MSG_ERRQUEUE, SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP = 11, 0x2000, 1, 2
IP_TTL, IP_RECVTTL = 2, 12
EPHEMERAL = 32768, 61000  # net.ipv4.ip_local_port_range
UNREACHABLE = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET, errno.EPROTO, errno.EMSGSIZE))


class Attempt:
    proto = None

    def __init__(self, netns, loop, probe):
        self.probe = probe
        self.result = {}
        self.done = False
        self.retransmits = False
        self._loop = loop
        self._netns = netns
        self._icmp = []
        self._errors = []
        with netns:
            self._icmp_sock = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
            self.sock = self._open()
        self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        if probe.get("ttl"):
            self.sock.setsockopt(socket.IPPROTO_IP, IP_TTL, probe["ttl"])
        self._start()

    def tuple(self):
        """Of the packet that left, as conntrack keys it."""
        return (self.proto, self.local[0], self.probe["dst"], self.local[1], self.probe.get("port") if self.proto != "icmp" else self.local[1])

    def _source(self):
        """The address the kernel would send from (no packet is sent)."""
        if self.probe.get("srcIp"):
            return self.probe["srcIp"]
        with self._netns:
            chooser = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            chooser.connect((self.probe["dst"], self.probe.get("port") or 9))
            return chooser.getsockname()[0]
        except OSError:
            return "0.0.0.0"
        finally:
            chooser.close()

    def _number(self, first, last):
        """An id or port out of the range that no probe from here had: one taken twice within conntrack's timeout would
        make its packet a second one of the earlier flow."""
        taken = self._netns.taken
        if len(taken) > (last - first) // 2:
            taken.clear()
        while True:
            number = random.randrange(first, last)
            if number not in taken:
                taken.add(number)
                return number

    def _fail(self, error, phase):
        """The attempt ends with an errno."""
        self._error = error
        self._phase = phase
        self.done = True

    _error = None
    _phase = None

    def _read_errors(self):
        """The socket's error queue, entry by entry."""
        while True:
            try:
                _, ancillary, _, _ = self.sock.recvmsg(512, 512, MSG_ERRQUEUE)
            except OSError:
                return
            for level, kind, value in ancillary:
                if level == socket.IPPROTO_IP and kind == IP_RECVERR:
                    number, origin, type, code = struct.unpack_from("=IBBB", value)
                    offender = socket.inet_ntoa(value[20:24]) if len(value) >= 24 else "0.0.0.0"
                    self._errors.append({
                        "errno": errno.errorcode.get(number, str(number)),
                        "origin": {SO_EE_ORIGIN_LOCAL: "local", SO_EE_ORIGIN_ICMP: "icmp"}.get(origin, str(origin)),
                        "type": type, "code": code, "offender": offender})

    def _read_icmp(self):
        """ICMP errors that came in to this namespace and quote the packet that was sent."""
        while True:
            try:
                data = self._icmp_sock.recv(2048)
            except OSError:
                return
            parsed = packet.parse(data)
            if parsed is None or parsed.type not in (3, 11, 12) or parsed.inner is None:
                continue
            inner = parsed.inner
            if inner.tuple() != self.tuple():
                continue
            told = {"proto": inner.proto, "src": inner.src, "dst": inner.dst}
            told.update({"icmpId": inner.icmp_id} if inner.proto == "icmp" else {"sport": inner.sport, "dport": inner.dport})
            self._icmp.append({"from": parsed.src, "type": parsed.type, "code": parsed.code,
                               "name": packet.icmp_name(parsed.type, parsed.code), "inner": told, "matchesProbe": True})

    def finish(self):
        """The result. Closes the socket unless the connection is to be held."""
        self._read_errors()
        self._read_icmp()
        result = self.result
        result["local"] = {"ip": self.local[0], "port": self.local[1]}
        if self._icmp:
            result["icmp"] = self._icmp
            result["icmpType"] = [self._icmp[0]["type"], self._icmp[0]["code"]]
            result["icmpFrom"] = self._icmp[0]["from"]
        if self._errors:
            result["errqueue"] = self._errors
        if "outcome" not in result:
            self._judge(result)
        self._loop.forget(self.sock)
        self._icmp_sock.close()
        self._close()
        return result

    def _judge(self, result):
        error = self._error
        if error is None and self._errors:
            error = getattr(errno, self._errors[0]["errno"], errno.EHOSTUNREACH)
        if error is None:
            result["outcome"] = "timeout"
            return
        result.setdefault("errno", errno.errorcode.get(error, str(error)))
        if error == errno.EPERM:
            queued = getattr(errno, self._errors[0]["errno"], None) if self._errors else None
            result["outcome"] = "blocked-locally" if queued is None else outcome_of(queued)
        else:
            result["outcome"] = outcome_of(error)
        answered_no = result["outcome"] in ("refused", "reset")
        result["by"] = "icmp" if self._icmp or self._errors else "rst" if self.proto == "tcp" and answered_no else "local"

    def _close(self):
        self.sock.close()


def outcome_of(error):
    if error == errno.ECONNREFUSED:
        return "refused"
    if error in UNREACHABLE:
        return "unreachable"
    if error == errno.EPERM:
        return "blocked-locally"
    if error == errno.ETIMEDOUT:
        return "timeout"
    return "reset"


class TcpAttempt(Attempt):
    proto = "tcp"

    def _open(self):
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def _start(self):
        sock, probe = self.sock, self.probe
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if probe.get("sport") or probe.get("srcIp"):
            sock.bind((probe.get("srcIp") or "", probe.get("sport") or 0))
        self._data = b""
        error = sock.connect_ex((probe["dst"], probe["port"]))
        self.local = sock.getsockname()
        if self.local[0] == "0.0.0.0":
            self.local = (self._source(), self.local[1])
        if error not in (0, errno.EINPROGRESS):
            self._fail(error, "connect")
        else:
            self._loop.watch(sock, select.EPOLLOUT, self._connected)

    def _connected(self, _):
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return self._fail(error, "connect")
        self.retransmits = True
        self._loop.watch(self.sock, select.EPOLLIN, self._readable)
        try:
            self.sock.send(b"hold\n" if self.probe.get("hold") else b"hello\n")
        except OSError as failed:
            self._fail(failed.errno, "send")

    def _readable(self, _):
        try:
            data = self.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError as failed:
            return self._fail(failed.errno, "recv")
        self._data += data
        complete = len(self._data) >= server.ANSWER_BYTES
        if complete and (not data or self.probe.get("hold")):
            self.result["outcome"] = "delivered"
            self.result.update(server.parse_answer(self._data))
            peer = self.sock.getpeername()
            self.result.update(replyFrom=peer[0], replyFromPort=peer[1])
            self.done = True
        elif not data:
            self._fail(errno.ECONNRESET, "recv")

    def _judge(self, result):
        result["phase"] = self._phase or ("recv" if self.retransmits else "connect")
        Attempt._judge(self, result)

    def _close(self):
        if self.probe.get("hold") and self.result["outcome"] == "delivered":
            return
        if self.result["outcome"] == "timeout":
            server.silence(self.sock)
        self.sock.close()


class UdpAttempt(Attempt):
    proto = "udp"

    def _open(self):
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def _start(self):
        sock, probe = self.sock, self.probe
        self._bind(probe.get("srcIp") or "", probe.get("sport"))
        self.local = (self._source(), sock.getsockname()[1])
        self._loop.watch(sock, select.EPOLLIN, self._readable)
        try:
            sock.sendto(b"hello\n", (probe["dst"], probe["port"]))
        except OSError as failed:
            self._error = failed.errno
            self.result["localError"] = self.result["errno"] = errno.errorcode.get(failed.errno, str(failed.errno))

    def _bind(self, address, port):
        if port:
            return self.sock.bind((address, port))
        while True:
            try:
                return self.sock.bind((address, self._number(*EPHEMERAL)))
            except OSError as failed:
                if failed.errno != errno.EADDRINUSE:
                    raise

    def _readable(self, _):
        try:
            data, peer = self.sock.recvfrom(2048)
        except BlockingIOError:
            return
        except OSError as failed:
            if self._error is None:
                self._error = failed.errno
            self.done = True
            return
        self.result["outcome"] = "delivered"
        self.result.update(server.parse_answer(data))
        self.result.update(replyFrom=peer[0], replyFromPort=peer[1])
        if peer != (self.probe["dst"], self.probe["port"]):
            self.result["replyAddrMismatch"] = True
        self.done = True


class IcmpAttempt(Attempt):
    proto = "icmp"

    def _open(self):
        return socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)

    def _start(self):
        sock, probe = self.sock, self.probe
        if probe.get("srcIp"):
            sock.bind((probe["srcIp"], 0))
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.local = (self._source(), probe.get("sport") or self._number(1024, 65536))
        self._loop.watch(sock, select.EPOLLIN, self._readable)
        try:
            sock.sendto(packet.icmp_query(8, 0, self.local[1], 1, b"podwire!" * 7), (probe["dst"], 0))
        except OSError as failed:
            self._error = failed.errno
            self.result["localError"] = self.result["errno"] = errno.errorcode.get(failed.errno, str(failed.errno))

    def _readable(self, _):
        while True:
            try:
                data, _, _, peer = self.sock.recvmsg(2048, 64)
            except BlockingIOError:
                break
            except OSError as failed:
                if self._error is None:
                    self._error = failed.errno
                break
            parsed = packet.parse(data)
            if parsed is not None and parsed.type == 0 and parsed.icmp_id == self.local[1]:
                self.result.update(outcome="delivered", replyFrom=peer[0], replyTtl=parsed.ttl)
                self.done = True
                return
        self._read_errors()
        if self._errors:
            self.done = True


ATTEMPTS = {"tcp": TcpAttempt, "udp": UdpAttempt, "icmp": IcmpAttempt}
