"""Files by FTP and FTPS.

The standard library's client does it, in a thread of the reactor: unlike Twisted's own it speaks
TLS (RFC 4217) and IPv6.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from txocpp.chargepoint.filetransfer.partial import Partial, Source, plain, words
from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.settings import Files
from txocpp.errors import TransferFailed, TransferTrouble

BLOCK: Final = 64 * 1024
KINDS: Final = {
    "500": TransferTrouble.UNSUPPORTED,
    "501": TransferTrouble.MALFORMED,
    "502": TransferTrouble.UNSUPPORTED,
    "504": TransferTrouble.UNSUPPORTED,
    "530": TransferTrouble.DENIED,
    "532": TransferTrouble.DENIED,
    "553": TransferTrouble.DENIED,
}


class FTPTransfers:
    """Fetches by RETR, delivers by STOR; in passive mode, with TLS for both connections if the URL
    says ftps. `reactor` is for time and threads."""

    def __init__(self, reactor: Any, settings: Files, trust: Trust) -> None:
        self._reactor = reactor
        self._settings = settings
        self._trust = trust
        self._downloading = DeferredLock()
        """Held by a thread to its end, which comes after that of a cancelled download."""

    async def download(self, place: Place, file: Path) -> None:
        """Fetch a file, or what is missing of it. Raises `TransferFailed`."""
        await self._downloading.acquire()
        visit = _Visit(place, self._settings, self._trust)
        visit.left = self._downloading.release
        await self._in_thread(visit, lambda: visit.download(Partial(file)))

    async def upload(self, file: Path, place: Place) -> None:
        """Deliver a file. Raises `TransferFailed`."""
        visit = _Visit(place, self._settings, self._trust)
        await self._in_thread(visit, lambda: visit.upload(file))

    def _in_thread(self, visit: _Visit, work: Callable[[], None]) -> Deferred[None]:
        done: Deferred[None] = Deferred(lambda _: visit.abort())
        threads = self._reactor.getThreadPool()
        working = deferToThreadPool(self._reactor, threads, visit.run, work)

        def ended(result: Any) -> None:
            visit.left()
            # A cancelled transfer has been answered for already; its thread has just found out.
            if not done.called:
                done.callback(result)

        working.addBoth(ended)
        longest_s = self._settings.longest_s
        done.addTimeout(longest_s, self._reactor)
        return done.addErrback(_too_late, longest_s)


class _Visit:
    """One connection to a server. Everything but `abort` runs in a thread."""

    def __init__(self, place: Place, settings: Files, trust: Trust) -> None:
        self._place = place
        self._settings = settings
        self._trust = trust
        self._aborted = False
        self._client: _Plain | None = None
        self.left: Callable[[], object] = lambda: None
        """Called by the reactor's thread when the connection has gone."""

    def abort(self) -> None:
        """End whatever goes on. The only thing that other threads may call."""
        self._aborted = True
        client = self._client
        for line in () if client is None else (client.data, client.sock):
            if line is not None:
                _shut_down(line)

    def run(self, work: Callable[[], None]) -> None:
        """Log in, work, leave. Raises nothing but `TransferFailed`."""
        try:
            self._log_in()
            work()
        except TransferFailed:
            raise
        except ftplib.Error as error:
            answer = plain(error)
            kind = KINDS.get(answer[:3], TransferTrouble.FAILED)
            raise TransferFailed(f"the server answered {answer}", kind) from error
        except ssl.SSLCertVerificationError as error:
            raise TransferFailed(f"TLS: {plain(error.verify_message)}") from error
        except OSError as error:
            raise TransferFailed(plain(words(error))) from error
        except (EOFError, ValueError) as error:
            raise TransferFailed(plain(error) or "the connection broke") from error
        finally:
            if self._client is not None:
                self._client.close()

    def download(self, partial: Partial) -> None:
        """Fetch."""
        client, path = self._required(), self._place.file_path
        client.voidcmd("TYPE I")
        source = Source(str(self._place), _asked(client, f"MDTM {path}"), _size(client, path))
        limit = self._settings.largest_bytes
        if source.size is not None and source.size > limit:
            raise TransferFailed(f"{source.size} bytes, at most {limit} are taken")
        offset, before = partial.begun(source.url)
        if before is None or not before.agrees(source) or not self._can_begin_at(offset):
            offset = 0
        with partial.go_on() if offset else partial.begin(source) as file:

            def take(block: bytes) -> None:
                self._go_on()
                if file.tell() + len(block) > limit:
                    raise TransferFailed(f"more than {limit} bytes")
                file.write(block)

            client.retrbinary(f"RETR {path}", take, BLOCK, rest=offset or None)
            received = file.tell()
        if source.size is not None and received != source.size:
            raise TransferFailed(f"the connection ended after {received} of {source.size} bytes")
        self._go_on()
        partial.finish()

    def upload(self, file: Path) -> None:
        """Deliver."""
        with file.open("rb") as opened:
            self._required().storbinary(
                f"STOR {self._place.file_path}", opened, BLOCK, lambda _: self._go_on()
            )

    def _log_in(self) -> None:
        place, timeout_s = self._place, self._settings.idle_timeout_s
        if place.protocol == "FTPS":
            secure = _Secure(timeout=timeout_s, context=self._trust.context(), encoding="utf-8")
            self._client = secure
        else:
            self._client = _Plain(timeout=timeout_s, encoding="utf-8")
        self._client.connect(place.host, place.port)
        self._go_on()
        self._client.login(place.user or "anonymous", place.password or "")
        if isinstance(self._client, _Secure):
            self._client.prot_p()

    def _can_begin_at(self, offset: int) -> bool:
        """Whether the server can leave out the beginning of a file (RFC 3659 §5)."""
        client = self._required()
        try:
            client.sendcmd(f"REST {offset}")
            client.sendcmd("REST 0")
        except ftplib.error_perm:
            return False
        return True

    def _go_on(self) -> None:
        if self._aborted:
            raise TransferFailed("interrupted")

    def _required(self) -> _Plain:
        assert self._client is not None
        return self._client


class _Plain(ftplib.FTP):
    """Knows its data connection, so that it can be cut."""

    data: socket.socket | None = None
    """The latest data connection."""

    def ntransfercmd(
        self, cmd: str, rest: int | str | None = None
    ) -> tuple[socket.socket, int | None]:
        self.data, size = super().ntransfercmd(cmd, rest)
        return self.data, size


class _Secure(_Plain, ftplib.FTP_TLS):
    """The same, protected."""


def _size(client: ftplib.FTP, path: str) -> int | None:
    answer = _asked(client, f"SIZE {path}")
    return int(answer) if answer is not None and answer.isdecimal() else None


def _asked(client: ftplib.FTP, question: str) -> str | None:
    """The answer to a command of RFC 3659; None from servers that do not know it."""
    try:
        answer = client.sendcmd(question)
    except ftplib.error_perm:
        return None
    return answer[4:].strip() if answer.startswith("213") else None


def _shut_down(line: socket.socket) -> None:
    """Wake up whoever waits for it."""
    with contextlib.suppress(OSError):
        # The bare socket below TLS: its own shutdown is not made for other threads.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _too_late(failure: Failure, longest_s: float) -> None:
    if failure.check(TookTooLong):
        raise TransferFailed(f"not done within {longest_s:g} s")
    failure.raiseException()
