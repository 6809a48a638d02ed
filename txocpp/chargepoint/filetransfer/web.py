"""Files by HTTP and HTTPS."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urljoin

import attrs
from OpenSSL.SSL import Error as SSLError
from service_identity import VerificationError
from treq.multipart import MultiPartProducer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH

from txocpp.chargepoint.filetransfer.partial import Partial, Source, plain, words
from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.settings import Files
from txocpp.errors import ConfigurationError, TransferFailed, TransferTrouble
from txocpp.transport.tls import tls_words

MOST_REDIRECTIONS: Final = 5
REDIRECTIONS: Final = (301, 302, 303, 307, 308)
KINDS: Final = {
    400: TransferTrouble.MALFORMED,
    401: TransferTrouble.DENIED,
    403: TransferTrouble.DENIED,
    405: TransferTrouble.UNSUPPORTED,
    501: TransferTrouble.UNSUPPORTED,
}


class WebTransfers:
    """Fetches by GET, delivers by PUT or POST. `reactor` is for sockets, time and threads."""

    def __init__(self, reactor: Any, settings: Files, trust: Trust) -> None:
        self._reactor = reactor
        self._settings = settings
        self._agent = Agent(
            reactor, contextFactory=trust, connectTimeout=settings.connect_timeout_s
        )

    async def download(self, place: Place, file: Path) -> None:
        """Fetch a file, or what is missing of it. Raises `TransferFailed`."""
        partial = Partial(file)
        try:
            offset, source = partial.begun(str(place))
            if source is None or not await self._fetch_rest(place, partial, offset, source):
                await self._fetch(place, partial)
            threads = self._reactor.getThreadPool()
            await deferToThreadPool(self._reactor, threads, partial.finish)
        except OSError as error:
            raise TransferFailed(words(error)) from error

    async def upload(self, file: Path, place: Place) -> None:
        """Deliver a file. Raises `TransferFailed`."""
        headers = {"Content-Type": "application/octet-stream"}
        try:
            body: Any = FileBodyProducer(file.open("rb"))
        except OSError as error:
            raise TransferFailed(words(error)) from error
        method = self._settings.upload_method
        if method == "FORM":
            field = (file.name, "application/octet-stream", body)
            body = MultiPartProducer({"file": field})
            headers["Content-Type"] = f"multipart/form-data; boundary={body.boundary.decode()}"
        response = await self._request(
            b"PUT" if method == "PUT" else b"POST",
            place,
            headers,
            body,
            # However slow the line is, at some time it is too slow.
            timeout_s=self._settings.idle_timeout_s + file.stat().st_size / 1024,
        )
        _let_go(response)
        if not 200 <= response.code < 300:
            raise _refusal(response)

    # Fetching.

    async def _fetch(self, place: Place, partial: Partial) -> None:
        """The whole file."""
        response = await self._get(place, {})
        if response.code != 200:
            _let_go(response)
            raise _refusal(response)
        source = _source(place, response)
        self._check_size(source.size, response)
        await self._receive(response, partial.begin(source), source.size)

    async def _fetch_rest(
        self, place: Place, partial: Partial, offset: int, source: Source
    ) -> bool:
        """What is missing; False if the server has no rest of that version (RFC 9110 §14)."""
        headers = {"Range": f"bytes={offset}-"}
        if source.version is not None:
            headers["If-Range"] = source.version
        response = await self._get(place, headers)
        begin, size = _content_range(response)
        now = Source(str(place), _source(place, response).version, size)
        if response.code != 206 or begin != offset or not source.agrees(now):
            _let_go(response)
            return False
        self._check_size(size, response)
        await self._receive(response, partial.go_on(), None if size is None else size - offset)
        return True

    def _check_size(self, size: int | None, response: Any) -> None:
        if size is not None and size > self._settings.largest_bytes:
            _let_go(response)
            raise TransferFailed(f"{size} bytes, at most {self._settings.largest_bytes} are taken")

    async def _receive(self, response: Any, file: BinaryIO, expected: int | None) -> None:
        body = _Body(self._reactor, file, self._settings)
        response.deliverBody(body)
        try:
            limited = body.done.addTimeout(self._settings.longest_s, self._reactor)
            received = await limited
        except TookTooLong:
            raise TransferFailed(f"not done within {self._settings.longest_s:g} s") from None
        finally:
            file.close()
        if expected is not None and received != expected:
            raise TransferFailed(f"the connection ended after {received} of {expected} bytes")

    # Asking.

    async def _get(self, place: Place, headers: dict[str, str]) -> Any:
        """The response to a GET, redirections followed, but never to less security."""
        here = place
        for _ in range(MOST_REDIRECTIONS + 1):
            response = await self._request(
                b"GET", here, headers, None, timeout_s=self._settings.idle_timeout_s
            )
            location = response.headers.getRawHeaders("location")
            if response.code not in REDIRECTIONS or not location:
                return response
            _let_go(response)
            there = Place.parse(urljoin(f"{here.origin}{here.resource}", location[0]))
            if there.protocol not in ("HTTPS", here.protocol):
                raise TransferFailed(f"{here} is redirected to {there}, which is less secure")
            if there.origin == here.origin:
                there = attrs.evolve(there, user=here.user, password=here.password)
            here = there
        raise TransferFailed(f"more than {MOST_REDIRECTIONS} redirections")

    async def _request(
        self, method: bytes, place: Place, headers: dict[str, str], body: Any, *, timeout_s: float
    ) -> Any:
        sent = Headers({"User-Agent": ["txocpp"], **{k: [v] for k, v in headers.items()}})
        if place.user is not None:
            pair = f"{place.user}:{place.password or ''}".encode()
            sent.setRawHeaders("Authorization", [b"Basic " + b64encode(pair)])
        url = f"{place.origin}{place.resource}".encode("ascii", "replace")
        try:
            asked = self._agent.request(method, url, sent, body).addErrback(_cancelled_or_not)
            return await asked.addTimeout(timeout_s, self._reactor)
        except CancelledError:
            raise
        except TookTooLong:
            raise TransferFailed(f"no answer within {timeout_s:.0f} s") from None
        except Exception as error:
            raise TransferFailed(_why(error)) from error


class _Body(Protocol):
    """Writes what comes to a file. `done` gives the number of bytes, or fails with
    `TransferFailed`; may be cancelled."""

    def __init__(self, reactor: Any, file: BinaryIO, settings: Files) -> None:
        self.done: Deferred[int] = Deferred(lambda _: self._stop())
        self._file = file
        self._room = settings.largest_bytes
        self._received = 0
        self._idle_s = settings.idle_timeout_s
        self._timer: IDelayedCall = reactor.callLater(self._idle_s, self._idle)

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        self._timer.reset(self._idle_s)
        self._received += len(data)
        if self._file.tell() + len(data) > self._room:
            self._give_up(TransferFailed(f"more than {self._room} bytes"))
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._give_up(TransferFailed(words(error)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop()
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(self._received)
        else:
            self.done.errback(TransferFailed(f"the connection broke: {_why(reason.value)}"))

    def _idle(self) -> None:
        self._give_up(TransferFailed(f"nothing has come for {self._idle_s:g} s"))

    def _give_up(self, failed: TransferFailed) -> None:
        self._stop()
        if not self.done.called:
            self.done.errback(failed)

    def _stop(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        if self.transport is not None:
            self.transport.loseConnection()


class _Nobody(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()


def _let_go(response: Any) -> None:
    """Nobody wants the body."""
    response.deliverBody(_Nobody())


def _refusal(response: Any) -> TransferFailed:
    words_ = plain(response.phrase.decode("latin-1"))
    kind = KINDS.get(response.code, TransferTrouble.FAILED)
    return TransferFailed(f"the server answered {response.code} {words_}".rstrip(), kind)


def _source(place: Place, response: Any) -> Source:
    etag = response.headers.getRawHeaders("etag", [""])[0]
    changed = response.headers.getRawHeaders("last-modified", [""])[0]
    # A weak tag does not promise the same bytes (RFC 9110 §8.8.3).
    version = etag if etag.startswith('"') else changed
    size = None if response.length is UNKNOWN_LENGTH else int(response.length)
    return Source(str(place), version or None, size)


def _content_range(response: Any) -> tuple[int | None, int | None]:
    """First byte, and size of the whole file."""
    header = response.headers.getRawHeaders("content-range", [""])[0]
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", header.strip())
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _cancelled_or_not(failure: Failure) -> Failure:
    """Twisted's client has words of its own for a request that was cancelled."""
    reasons = getattr(failure.value, "reasons", [failure])
    if any(reason.check(CancelledError, ConnectingCancelledError) for reason in reasons):
        raise CancelledError
    return failure


def _why(error: BaseException | None) -> str:
    """An error of a connection in words for people."""
    reasons = getattr(error, "reasons", None)
    if reasons:
        return _why(reasons[0].value)
    if isinstance(error, SSLError):
        return tls_words(error)
    if isinstance(error, VerificationError):
        return "the server's certificate is not for its name"
    if isinstance(error, ConfigurationError):
        return str(error)
    return plain(error) or type(error).__name__
