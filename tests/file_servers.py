"""Small file servers on loopback, that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.protocols import ftp
from twisted.python.filepath import FilePath
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer


class Shelf(Resource):
    """Serves and takes files by HTTP, and writes down what it was asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.taken: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.ranges = True
        """Whether it serves parts of files."""
        self.etag = '"v1"'
        self.break_after: list[int] = []
        """Bytes after which the connection breaks, for one GET after the other."""
        self.answer: Callable[[Request], bytes | int | None] = lambda request: None

    def render(self, request: Request) -> Any:
        path = request.path.decode()
        self.asked.append(f"{request.method.decode()} {request.uri.decode()}")
        self.headers.append(
            {k.decode(): v[-1].decode() for k, v in request.requestHeaders.getAllRawHeaders()}
        )
        special = self.answer(request)
        if special is not None:
            return special
        if request.method in (b"PUT", b"POST"):
            self.taken[path] = request.content.read()
            request.setResponseCode(201)
            return b""
        if path not in self.files:
            request.setResponseCode(404)
            return b""
        return self._serve(request, self.files[path])

    def _serve(self, request: Request, content: bytes) -> Any:
        if self.etag:
            request.setHeader("ETag", self.etag)
        part = request.getHeader("range")
        begin = 0
        if self.ranges and part and request.getHeader("if-range") in (None, self.etag):
            begin = int(part.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(content):
                request.setResponseCode(416)
                return b""
            request.setResponseCode(206)
            request.setHeader("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        rest = content[begin:]
        request.setHeader("Content-Length", str(len(rest)))
        if self.break_after:
            request.write(rest[: self.break_after.pop(0)])
            # The connection ends when what was written is on its way.
            reactor.callLater(0.02, request.transport.abortConnection)
            return NOT_DONE_YET
        return rest


class Listening:
    """A server on a free port of loopback."""

    def __init__(self, factory: Any, description: str = "tcp:0:interface=127.0.0.1") -> None:
        self._factory = factory
        self._description = description
        self._port: Any = None

    async def __aenter__(self) -> int:
        endpoint = endpoints.serverFromString(reactor, self._description)
        self._port = await endpoint.listen(self._factory)
        number: int = self._port.getHost().port
        return number

    async def __aexit__(self, *_: object) -> None:
        await self._port.stopListening()


def web(shelf: Resource, certificate: Path | None = None, key: Path | None = None) -> Listening:
    """The shelf by HTTP, or HTTPS with a certificate."""
    site = Site(shelf, timeout=None)
    if certificate is None:
        return Listening(site)
    return Listening(site, f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}")


class FTPSession(ftp.FTP):
    """Twisted's FTP server, with explicit TLS for both connections (RFC 4217) and beginnings left
    out on demand (RFC 3659)."""

    context: Any = None
    offset = 0
    factory: FTPSite

    def ftp_AUTH(self, kind: str) -> None:
        self.sendLine("234 go ahead")
        self.transport.startTLS(self.context)

    def ftp_PBSZ(self, size: str) -> None:
        self.sendLine("200 PBSZ=0")

    def ftp_PROT(self, level: str) -> None:
        self.listenFactory = partial(reactor.listenSSL, contextFactory=self.context)
        self.sendLine("200 protected")

    def ftp_REST(self, offset: str) -> Any:
        if not self.factory.restarts:
            return ftp.CMD_NOT_IMPLMNTD, "REST"
        self.offset = int(offset)
        self.sendLine("350 go ahead")
        return None

    def ftp_RETR(self, path: str) -> Any:
        self.shell = PartShell(self.shell, self)
        return super().ftp_RETR(path)

    def processCommand(self, cmd: str, *params: str) -> Any:
        self.factory.asked.append(" ".join((cmd, *params)))
        if cmd.upper() in ("AUTH", "PBSZ", "PROT") and self.context is not None:
            return getattr(self, f"ftp_{cmd.upper()}")(*params)
        return super().processCommand(cmd, *params)


class PartShell:
    """Leaves out the beginning of the files it reads, and breaks off before the end if told to."""

    def __init__(self, shell: Any, session: FTPSession) -> None:
        self._shell = getattr(shell, "_shell", shell)
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shell, name)

    def openForReading(self, path: Any) -> Any:
        return self._shell.openForReading(path).addCallback(self._placed)

    def _placed(self, reader: Any) -> Any:
        session = self._session
        rest = reader.fObj.read()[session.offset :]
        session.offset = 0
        if session.factory.break_after:
            rest = rest[: session.factory.break_after.pop(0)]
            reactor.callLater(0.05, session.transport.abortConnection)
        reader.fObj = BytesIO(rest)
        return reader


@implementer(ICredentialsChecker)
class OneUser:
    """Knows cp with the password secret."""

    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> Deferred[str]:
        if (credentials.username, credentials.password) == ("cp", "secret"):
            return succeed("cp")
        return fail(UnauthorizedLogin())


class Home(ftp.BaseFTPRealm):
    """One folder for everybody."""

    def getHomeDirectory(self, avatar_id: object) -> FilePath[str]:
        return self.anonymousRoot


class FTPSite(ftp.FTPFactory):
    """An FTP server for one folder: user ``cp`` with password ``secret``."""

    protocol = FTPSession
    timeOut = None

    def __init__(
        self, folder: Path, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        super().__init__(Portal(Home(str(folder)), [OneUser()]))
        self.allowAnonymous = False
        self.asked: list[str] = []
        self.restarts = True
        """Whether it can leave out the beginning of a file."""
        self.break_after: list[int] = []
        """Bytes after which the connections break, for one file after the other."""
        self._context = None
        if certificate is not None:
            self._context = DefaultOpenSSLContextFactory(str(key), str(certificate))

    def buildProtocol(self, addr: Any) -> Any:
        session: Any = super().buildProtocol(addr)
        session.wrappedProtocol.context = self._context
        return session
