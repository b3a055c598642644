# Listeners of pods, nodes and hosts. A request of 6 bytes is answered with 200 bytes that tell who answered and what it saw,
# and the connection is closed; a request of 5 bytes is answered and the connection held.
import errno
import select
import socket
import struct

ANSWER_BYTES = 200
IP_PKTINFO, TCP_REPAIR = 8, 19


class Listeners:
    def __init__(self, loop):
        self._loop = loop
        self._connections = {}
        self.held = {}

    def add(self, netns, owner, proto, port, bind="0.0.0.0", pktinfo=False):
        kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}.get(proto)
        if kind is None:
            raise ValueError("a listener of %s: the kernel has no such sockets here; tcp or udp was expected" % proto)
        with netns:
            sock = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((bind, port))
        if proto == "tcp":
            sock.listen(4096)
            self._loop.watch(sock, select.EPOLLIN, lambda _: self._accept(sock, owner))
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            self._loop.watch(sock, select.EPOLLIN, lambda _: self._answer_datagrams(sock, owner, pktinfo))

    def _accept(self, listener, owner):
        while True:
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return
            except OSError:
                continue
            sock.setblocking(False)
            self._connections[sock.fileno()] = sock
            self._loop.watch(sock, select.EPOLLIN, lambda _, sock=sock, peer=peer: self._serve(sock, peer, owner))

    def _serve(self, sock, peer, owner):
        try:
            request = sock.recv(64)
            if len(request) == 5:
                local = sock.getsockname()
                sock.send(answer(owner, peer, local))
                self.held[(local, peer)] = sock
                self._connections.pop(sock.fileno(), None)
                self._loop.watch(sock, select.EPOLLIN, lambda _: self._end_held(sock, (local, peer)))
                return
            if request:
                sock.send(answer(owner, peer, sock.getsockname()))
        except BlockingIOError:
            return
        except OSError:
            pass
        self._close(sock)

    def _end_held(self, sock, key):
        try:
            if sock.recv(64):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.held.pop(key, None)
        self._loop.forget(sock)
        sock.close()

    def _close(self, sock):
        self._connections.pop(sock.fileno(), None)
        self._loop.forget(sock)
        sock.close()

    def abandon(self):
        """Ends what a failed probe left half open, without sending anything (tcp repair mode)."""
        for sock in list(self._connections.values()):
            silence(sock)
            self._close(sock)

    def _answer_datagrams(self, sock, owner, pktinfo):
        port = sock.getsockname()[1]
        while True:
            try:
                request, ancillary, _, peer = sock.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            address = next((value[8:12] for _, kind, value in ancillary if kind == IP_PKTINFO), b"\0\0\0\0")
            control = [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, address, b"\0" * 4))] if pktinfo else []
            try:
                sock.sendmsg([answer(owner, peer, (socket.inet_ntoa(address), port))], control, 0, peer)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENETUNREACH, errno.EHOSTUNREACH):
                    raise


def answer(owner, peer, local):
    return ("%s|%s|%d|%s:%d|" % (owner, peer[0], peer[1], local[0], local[1])).encode().ljust(ANSWER_BYTES, b".")


def parse_answer(data):
    """What the server told: its name, the source address and port it saw, the address and port it was reached at."""
    owner, address, port, local = data.decode().split("|")[:4]
    return {"server": owner, "serverSawSrc": address, "serverSawSport": int(port), "serverLocal": local}


def silence(sock):
    try:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        pass
