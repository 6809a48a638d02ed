"""Files by FTP and FTPS, over real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from certificates_rig import Authority
from file_servers import FTPSite, Listening
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, ServerFactory

from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.transfers import NetworkTransfers
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.settings import Files
from txocpp.errors import ConfigurationError, TransferFailed, TransferTrouble

IMAGE = bytes(range(256)) * 1000
SMALL = Files(largest_bytes=len(IMAGE), idle_timeout_s=2, longest_s=20)


@pytest.fixture
def site(tmp_path: Path) -> FTPSite:
    """A server with one image."""
    folder = tmp_path / "served"
    (folder / "fw").mkdir(parents=True)
    (folder / "fw" / "image.bin").write_bytes(IMAGE)
    return FTPSite(folder)


def transfers(trust: Trust | None = None, **changes: Any) -> NetworkTransfers:
    """What the charge point has."""
    return NetworkTransfers(reactor, attrs.evolve(SMALL, **changes), trust or Trust())


def place(port: int, path: str = "/fw/image.bin", user: str = "cp:secret@") -> Place:
    return Place.parse(f"ftp://{user}127.0.0.1:{port}{path}")


async def failure_of(doing: Deferred[None]) -> TransferFailed:
    """How it fails; it must."""
    with pytest.raises(TransferFailed) as caught:
        await doing
    return caught.value


@pytest.mark.rule("G-04")
async def test_a_file_is_fetched(site: FTPSite, tmp_path: Path) -> None:
    """Byte for byte, and nothing is left of the way there."""
    async with Listening(site) as port:
        await transfers().download(place(port), tmp_path / "fw" / "image")
    assert (tmp_path / "fw" / "image").read_bytes() == IMAGE
    assert [path.name for path in (tmp_path / "fw").iterdir()] == ["image"]


async def test_what_is_missing_of_a_file_is_enough(site: FTPSite, tmp_path: Path) -> None:
    """After a broken connection the next attempt begins where the last one ended."""
    site.break_after = [100_000]
    async with Listening(site) as port:
        await failure_of(transfers().download(place(port), tmp_path / "image"))
        assert (tmp_path / "image.part").stat().st_size == 100_000
        await transfers().download(place(port), tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == IMAGE
    assert "REST 100000" in site.asked


@pytest.mark.parametrize("why", ["no restarts", "another file"])
async def test_a_file_is_fetched_again_where_the_rest_is_not_to_be_had(
    site: FTPSite, tmp_path: Path, why: str
) -> None:
    """The server cannot begin in the midst of a file, or the file is another one by now."""
    site.break_after = [100_000]
    site.restarts = why != "no restarts"
    served = tmp_path / "served" / "fw" / "image.bin"
    async with Listening(site) as port:
        await failure_of(transfers().download(place(port), tmp_path / "image"))
        if why == "another file":
            served.write_bytes(bytes(reversed(IMAGE))[:-1])
        await transfers().download(place(port), tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == served.read_bytes()


@pytest.mark.rule("G-04")
async def test_a_file_is_delivered(site: FTPSite, tmp_path: Path) -> None:
    """Into the directory that the URL names, under its own name."""
    log = tmp_path / "log.tar.gz"
    log.write_bytes(IMAGE)
    async with Listening(site) as port:
        await transfers().upload(log, place(port, "/fw").within("log.tar.gz"))
    assert (tmp_path / "served" / "fw" / "log.tar.gz").read_bytes() == IMAGE


@pytest.mark.rule("X-65")
async def test_a_refusal_is_told_in_the_servers_words(site: FTPSite, tmp_path: Path) -> None:
    """Wrong credentials and missing files are different kinds of trouble; no password is told."""
    async with Listening(site) as port:
        denied = await failure_of(
            transfers().download(place(port, user="cp:hunter2@"), tmp_path / "image")
        )
        missing = await failure_of(transfers().download(place(port, "/no"), tmp_path / "image"))
        nowhere = await failure_of(transfers().upload(tmp_path / "gone", place(port, "/x")))
    assert denied.kind is TransferTrouble.DENIED
    assert str(denied).startswith("the server answered 530 ")
    assert "hunter2" not in str(denied)
    assert missing.kind is TransferTrouble.FAILED
    assert str(missing).startswith("the server answered 550 ")
    assert str(nowhere) == "No such file or directory"


async def test_a_file_that_is_too_large_is_not_taken(site: FTPSite, tmp_path: Path) -> None:
    """Its size is asked for before the first byte."""
    async with Listening(site) as port:
        files = transfers(largest_bytes=len(IMAGE) - 1)
        failed = await failure_of(files.download(place(port), tmp_path / "image"))
    assert str(failed) == f"{len(IMAGE)} bytes, at most {len(IMAGE) - 1} are taken"


class Mute(ServerFactory):
    """A server without a word."""

    def __init__(self) -> None:
        self.visited: Deferred[None] = Deferred()
        self.left: Deferred[None] = Deferred()

    def buildProtocol(self, addr: Any) -> Protocol:
        factory = self

        class Session(Protocol):
            def connectionMade(self) -> None:
                factory.visited.callback(None)

            def connectionLost(self, reason: Any = None) -> None:
                factory.left.callback(None)

        return Session()


async def test_a_mute_server_is_given_up(tmp_path: Path) -> None:
    """After the time for one word, or for all of it."""
    for changes, words in (({"idle_timeout_s": 0.1}, "timed out"), ({"longest_s": 0.1}, "0.1 s")):
        mute = Mute()
        async with Listening(mute) as port:
            failed = await failure_of(
                transfers(**changes).download(place(port), tmp_path / "image")
            )
            assert words in str(failed)
            await mute.left


async def test_a_transfer_can_be_cancelled(site: FTPSite, tmp_path: Path) -> None:
    """At once, though a thread waits for the server; the next one waits until it has gone."""
    mute = Mute()
    files = transfers(idle_timeout_s=20)
    async with Listening(mute) as mute_port, Listening(site) as port:
        doing = files.download(place(mute_port), tmp_path / "image")
        await mute.visited
        doing.cancel()
        with pytest.raises(CancelledError):
            await doing
        await files.download(place(port), tmp_path / "image")
        await mute.left
    assert (tmp_path / "image").read_bytes() == IMAGE


async def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    """A port that nobody listens to, a name that does not exist."""
    async with Listening(Mute()) as port:
        pass
    failed = await failure_of(transfers().download(place(port), tmp_path / "image"))
    assert "refused" in str(failed)


@pytest.mark.rule("G-04")
async def test_ftps_protects_both_connections(tmp_path: Path) -> None:
    """Control and data, with a certificate that is trusted."""
    authority = Authority(tmp_path)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "image.bin").write_bytes(IMAGE)
    site = FTPSite(folder, *authority.issue("files", "127.0.0.1"))
    log = tmp_path / "log"
    log.write_bytes(b"log")
    for trust in (
        Trust(roots=authority.root),
        Trust(installed=lambda: [authority.root.read_text()]),
    ):
        async with Listening(site) as port:
            secure = attrs.evolve(place(port, "/image.bin"), protocol="FTPS")
            await transfers(trust).download(secure, tmp_path / "image")
            await transfers(trust).upload(log, attrs.evolve(secure, path="/log"))
        assert (tmp_path / "image").read_bytes() == IMAGE
        assert (folder / "log").read_bytes() == b"log"
    assert site.asked[:3] == ["AUTH TLS", "USER cp", "PASS secret"]
    assert site.asked.count("PROT P") == 4


async def test_ftps_wants_a_certificate_it_can_trust(tmp_path: Path) -> None:
    """Before any password is sent."""
    authority = Authority(tmp_path)
    site = FTPSite(tmp_path, *authority.issue("files", "127.0.0.1"))
    async with Listening(site) as port:
        secure = attrs.evolve(place(port), protocol="FTPS")
        failed = await failure_of(transfers().download(secure, tmp_path / "image"))
    assert str(failed).startswith("TLS: ")
    assert site.asked == ["AUTH TLS"]


def test_a_folder_of_roots_is_as_good_as_a_file(tmp_path: Path) -> None:
    """And one without a certificate is a mistake of the operator."""
    root = Authority(tmp_path).root.read_bytes()
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "root.pem").write_bytes(root)
    assert Trust(roots=tmp_path / "roots").context().cert_store_stats()["x509"] == 1
    with pytest.raises(ConfigurationError, match="holds no valid certificate"):
        Trust(roots=tmp_path / "missing").context()
