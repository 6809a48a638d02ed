"""Lines that come over the network: at most one with a session, and one more that wants to be it.

A newcomer has five seconds to open a session, and only with that takes the place of the other, so
that not everybody in the house can push the host out.
"""

from evlink import Link
from micropython import const

PORT = const(4116)

_HANDSHAKE_MS = const(5000)
_UNSENT_BYTES = const(1024)


class Connection:
    """One socket and the link that is spoken on it."""

    def __init__(self, charger, sock) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.link = Link(charger, self.write, False)
        self._served = False
        self._unsent = b""

    def write(self, data: bytes) -> None:
        self._unsent += data

    def poll(self, dt: int) -> bool:
        """Move bytes both ways. False: the line is at its end."""
        link = self.link
        link.tick(dt)
        try:
            data = self.sock.recv(256)
            if not data:
                return False
            link.feed(data)
        except OSError as error:
            if not _would_block(error):
                return False
        self._served = self._served or link.open
        if self._served != link.open or (not link.open and link.age_ms > _HANDSHAKE_MS):
            return False
        return self._flush()

    def _flush(self) -> bool:
        try:
            if self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) or 0 :]
        except OSError as error:
            if not _would_block(error):
                return False
        return len(self._unsent) <= _UNSENT_BYTES

    def close(self) -> None:
        self._flush()
        self.link.close()
        self.sock.close()


class Listener:
    """The port where hosts connect."""

    def __init__(self, charger, server) -> None:
        server.setblocking(False)
        self._charger = charger
        self._server = server
        self._connections: list[Connection] = []

    def poll(self, dt: int) -> None:
        """Let newcomers in, serve everybody, part from those who are done."""
        try:
            sock = self._server.accept()[0]
        except OSError:
            sock = None
        if sock:
            if len(self._connections) < 2:
                self._connections.append(Connection(self._charger, sock))
            else:
                sock.close()
        for connection in list(self._connections):
            if not connection.poll(dt):
                connection.close()
                self._connections.remove(connection)


def _would_block(error: OSError) -> bool:
    return bool(error.args) and error.args[0] in (11, 35, 115)  # EAGAIN here and there, EINPROGRESS
