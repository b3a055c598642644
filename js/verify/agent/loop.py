# The one event loop: listeners and clients of all namespaces wait on one epoll.
import select
import time


class Loop:
    def __init__(self):
        self._epoll = select.epoll()
        self._callbacks = {}

    def watch(self, sock, events, callback):
        """Calls `callback(events)` whenever `sock` has some; replaces an earlier watch."""
        fd = sock.fileno()
        if fd in self._callbacks:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._callbacks[fd] = callback

    def forget(self, sock):
        fd = sock.fileno()
        if fd >= 0 and self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def step(self, timeout):
        """Waits at most `timeout` seconds; whether anything happened."""
        ready = self._epoll.poll(max(0, timeout))
        for fd, events in ready:
            callback = self._callbacks.get(fd)
            if callback is not None:
                callback(events)
        return bool(ready)

    def until(self, done, deadline, idle=None):
        """Runs until `done()`, `time.monotonic()` passes `deadline`, or `idle()` (asked whenever nothing happened for 20 ms) says so."""
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if not self.step(min(left, 0.02)) and idle is not None and idle():
                return
