# Linux network namespaces held by open files alone: they have no name, so nothing is left when this process ends, however
# it ends (network_namespaces(7)). A process enters one with setns(2); sockets stay in the one they were made in.
import ctypes
import fcntl
import os
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, "%s: %s" % (what, os.strerror(errno)))


class Netns:
    """One namespace. `with netns:` runs what is inside in it."""

    def __init__(self, name, home):
        self.name = name
        self.taken = set()  # UDP source ports and ICMP ids that probes from here had
        self._home = home
        _check(_libc.unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)")
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        _check(_libc.setns(home, CLONE_NEWNET), "setns")

    @property
    def path(self):
        """A path by which `ip link … netns PATH` finds it from any process."""
        return "/proc/%d/fd/%d" % (os.getpid(), self.fd)

    def __enter__(self):
        _check(_libc.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_):
        _check(_libc.setns(self._home, CLONE_NEWNET), "setns")

    def sysctl(self, values):
        with self:
            for name, value in values.items():
                path = "/proc/sys/" + name.replace(".", "/")
                try:
                    with open(path, "w") as file:
                        file.write(str(value))
                except OSError as error:
                    raise OSError(error.errno, "sysctl %s = %s in %s: %s" % (name, value, self.name, error.strerror))

    def run(self, argv, stdin=""):
        """Standard output of a command run inside; raises with its standard error when it fails."""
        with self:
            done = subprocess.run(argv, input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError("%s in %s: %s" % (" ".join(argv), self.name, (done.stderr or done.stdout).strip()))
        return done.stdout

    def idle(self, devices):
        """Those of the devices that do not run yet: no carrier, or the kernel has not acted on it (netdevice(7))."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return [name for name in devices if not self._flags(sock, name) & IFF_RUNNING]

    @staticmethod
    def _flags(sock, device):
        request = struct.pack("16sH14x", device.encode(), 0)
        return struct.unpack("16sH14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]

    def read(self, path):
        with self:
            with open(path) as file:
                return file.read()
