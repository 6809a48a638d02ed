"""Files by HTTP and HTTPS, over real sockets."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import attrs
import pytest
from certificates_rig import Authority
from file_servers import Listening, Shelf, web
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import deferLater
from twisted.web.server import NOT_DONE_YET

from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.transfers import NetworkTransfers
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.settings import Files
from txocpp.errors import TransferFailed, TransferTrouble

IMAGE = bytes(range(256)) * 400
SMALL = Files(largest_bytes=len(IMAGE), idle_timeout_s=0.5, connect_timeout_s=5, longest_s=20)


@pytest.fixture
def shelf() -> Shelf:
    """A file server with one image."""
    shelf = Shelf()
    shelf.files["/fw/image.bin"] = IMAGE
    return shelf


def transfers(trust: Trust | None = None, **changes: Any) -> NetworkTransfers:
    """What the charge point has."""
    return NetworkTransfers(reactor, attrs.evolve(SMALL, **changes), trust or Trust())


def place(port: int, path: str = "/fw/image.bin", scheme: str = "http", user: str = "") -> Place:
    return Place.parse(f"{scheme}://{user}127.0.0.1:{port}{path}")


async def failure_of(doing: Deferred[None]) -> TransferFailed:
    """How it fails; it must."""
    with pytest.raises(TransferFailed) as caught:
        await doing
    return caught.value


@pytest.mark.rule("G-04")
async def test_a_file_is_fetched(shelf: Shelf, tmp_path: Path) -> None:
    """Byte for byte, into a folder that need not exist, and nothing else is left there."""
    target = tmp_path / "firmware" / "image"
    async with web(shelf) as port:
        await transfers().download(place(port), target)
    assert target.read_bytes() == IMAGE
    assert [path.name for path in target.parent.iterdir()] == ["image"]


async def test_credentials_of_the_url_go_into_the_header(shelf: Shelf, tmp_path: Path) -> None:
    """User and password are decoded, sent by HTTP Basic, and appear nowhere else."""
    async with web(shelf) as port:
        await transfers().download(place(port, user="me:p%40ss@"), tmp_path / "image")
    assert shelf.headers[0]["Authorization"] == "Basic " + b64encode(b"me:p@ss").decode()
    assert shelf.asked == ["GET /fw/image.bin"]


async def test_what_is_missing_of_a_file_is_enough(shelf: Shelf, tmp_path: Path) -> None:
    """After a broken connection the next attempt asks for the rest, of the same version."""
    shelf.break_after = [70_000]
    async with web(shelf) as port:
        failed = await failure_of(transfers().download(place(port), tmp_path / "image"))
        assert str(failed).startswith("the connection broke")
        await transfers().download(place(port), tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == IMAGE
    assert shelf.headers[1]["Range"] == "bytes=70000-"
    assert shelf.headers[1]["If-Range"] == '"v1"'


@pytest.mark.parametrize("why", ["no ranges", "another version", "nothing missing", "another URL"])
async def test_a_file_is_fetched_again_where_the_rest_is_not_to_be_had(
    shelf: Shelf, tmp_path: Path, why: str
) -> None:
    """The server knows no ranges, the file has changed, or nothing is missing but the end."""
    shelf.break_after = [70_000 if why != "nothing missing" else len(IMAGE)]
    shelf.ranges = why != "no ranges"
    new = bytes(reversed(IMAGE))
    async with web(shelf) as port:
        files = transfers(largest_bytes=2 * len(IMAGE))
        if why == "nothing missing":
            (tmp_path / "image.part").write_bytes(IMAGE)
            note = f'{{"url": "{place(port)}", "version": "\\"v1\\"", "size": {len(IMAGE)}}}'
            (tmp_path / "image.part.json").write_text(note)
            shelf.break_after = []
        else:
            await failure_of(files.download(place(port), tmp_path / "image"))
        if why == "another version":
            shelf.etag, shelf.files["/fw/image.bin"] = '"v2"', new
        path = "/fw/other.bin" if why == "another URL" else "/fw/image.bin"
        shelf.files.setdefault(path, new)
        await files.download(place(port, path), tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == shelf.files[path]


async def test_a_broken_note_is_no_hindrance(shelf: Shelf, tmp_path: Path) -> None:
    """Whatever a power cut has left there, the file comes whole."""
    (tmp_path / "image.part").write_bytes(b"old")
    (tmp_path / "image.part.json").write_text('{"url": 1')
    async with web(shelf) as port:
        await transfers().download(place(port), tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, TransferTrouble.MALFORMED),
        (401, TransferTrouble.DENIED),
        (403, TransferTrouble.DENIED),
        (404, TransferTrouble.FAILED),
        (405, TransferTrouble.UNSUPPORTED),
        (204, TransferTrouble.FAILED),
    ],
)
async def test_a_refusal_is_told_in_the_servers_words(
    shelf: Shelf, tmp_path: Path, status: int, kind: TransferTrouble
) -> None:
    """Status and phrase, and what kind of trouble that is."""

    def refuse(request: Any) -> bytes:
        request.setResponseCode(status)
        return b"" if status == 204 else b"no"

    shelf.answer = refuse
    async with web(shelf) as port:
        failed = await failure_of(transfers().download(place(port), tmp_path / "image"))
    assert (failed.kind, str(failed)[:24]) == (kind, f"the server answered {status} ")


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_that_is_too_large_is_not_taken(
    shelf: Shelf, tmp_path: Path, told: bool
) -> None:
    """Whether the server says so beforehand or just goes on sending."""

    def endless(request: Any) -> bytes:
        request.write(IMAGE)
        return NOT_DONE_YET

    if not told:
        shelf.answer = endless
    async with web(shelf) as port:
        limit = len(IMAGE) - 1
        files = transfers(largest_bytes=limit)
        failed = await failure_of(files.download(place(port), tmp_path / "image"))
    wanted = (
        f"{len(IMAGE)} bytes, at most {limit} are taken" if told else f"more than {limit} bytes"
    )
    assert str(failed) == wanted


async def test_a_mute_server_is_given_up(shelf: Shelf, tmp_path: Path) -> None:
    """Before the answer, in the midst of the file, and when it takes too long altogether."""

    def stall(request: Any) -> bytes:
        request.write(b"x")
        return NOT_DONE_YET

    class Mute(ServerFactory):
        protocol = Protocol

    async with Listening(Mute()) as port:
        failed = await failure_of(
            transfers(idle_timeout_s=0.1).download(place(port), tmp_path / "image")
        )
        assert str(failed) == "no answer within 0 s"
    shelf.answer = stall
    async with web(shelf) as port:
        for changes, words in (
            ({"idle_timeout_s": 0.2}, "nothing has come for 0.2 s"),
            ({"longest_s": 0.1}, "not done within 0.1 s"),
        ):
            failed = await failure_of(
                transfers(**changes).download(place(port), tmp_path / "image")
            )
            assert str(failed) == words


async def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    """A port that nobody listens to."""
    async with web(Shelf()) as port:
        pass
    failed = await failure_of(transfers().download(place(port), tmp_path / "image"))
    assert "refused" in str(failed)


async def test_a_download_can_be_cancelled(shelf: Shelf, tmp_path: Path) -> None:
    """In the midst of the file; the connection ends, and what has come is kept."""

    def stall(request: Any) -> bytes:
        request.notifyFinish().addErrback(lambda _: gone.callback(None))
        request.write(b"some")
        arrived.callback(None)
        return NOT_DONE_YET

    shelf.answer = stall
    arrived: Deferred[None] = Deferred()
    gone: Deferred[None] = Deferred()
    async with web(shelf) as port:
        doing = transfers().download(place(port), tmp_path / "image")
        await arrived
        await _there(tmp_path / "image.part")
        doing.cancel()
        with pytest.raises(CancelledError):
            await doing
        await gone
    assert (tmp_path / "image.part").read_bytes() in (b"", b"some")


async def _there(path: Path) -> None:
    """Wait for a file."""
    for _ in range(200):
        if path.exists():
            return
        await deferLater(reactor, 0.01)  # type: ignore[arg-type]
    raise AssertionError(f"there is no {path}")


async def test_redirections_are_followed(shelf: Shelf, tmp_path: Path) -> None:
    """Relative ones, with the same credentials, but not for ever."""

    def redirect(request: Any) -> bytes | None:
        if request.path == b"/fw/image.bin":
            return None
        request.setResponseCode(302)
        request.setHeader("location", "/fw/image.bin" if request.path == b"/old" else "/loop")
        return b"moved"

    shelf.answer = redirect
    async with web(shelf) as port:
        await transfers().download(place(port, "/old", user="me:pw@"), tmp_path / "image")
        assert [h.get("Authorization") for h in shelf.headers] == ["Basic bWU6cHc="] * 2
        failed = await failure_of(transfers().download(place(port, "/loop"), tmp_path / "image"))
    assert str(failed) == "more than 5 redirections"


async def test_credentials_do_not_go_elsewhere(shelf: Shelf, tmp_path: Path) -> None:
    """A redirection to another server goes without them."""
    other = Shelf()
    other.files["/image"] = IMAGE
    async with web(shelf) as port, web(other) as other_port:

        def redirect(request: Any) -> bytes:
            request.setResponseCode(307)
            request.setHeader("location", f"http://127.0.0.1:{other_port}/image")
            return b""

        shelf.answer = redirect
        await transfers().download(place(port, user="me:pw@"), tmp_path / "image")
    assert "Authorization" not in other.headers[0]


@pytest.mark.rule("G-04")
@pytest.mark.parametrize(("method", "verb"), [("PUT", "PUT"), ("POST", "POST"), ("FORM", "POST")])
async def test_a_file_is_delivered(shelf: Shelf, tmp_path: Path, method: str, verb: str) -> None:
    """As it is, or as the one file of a form."""
    log = tmp_path / "log.tar.gz"
    log.write_bytes(IMAGE)
    async with web(shelf) as port:
        there = place(port, "/logs/").within("log.tar.gz")
        await transfers(upload_method=method).upload(log, there)
    assert shelf.asked == [f"{verb} /logs/log.tar.gz"]
    taken = shelf.taken["/logs/log.tar.gz"]
    if method == "FORM":
        assert re.search(rb'name="file"; filename="log.tar.gz"', taken)
        assert IMAGE in taken
    else:
        assert taken == IMAGE


@pytest.mark.rule("X-65")
async def test_an_upload_that_is_refused_says_why(shelf: Shelf, tmp_path: Path) -> None:
    """Also a redirection is a refusal: nobody knows what becomes of the file then."""
    log = tmp_path / "log"
    log.write_bytes(IMAGE)
    for status, kind in ((403, TransferTrouble.DENIED), (302, TransferTrouble.FAILED)):

        def refuse(request: Any, status: int = status) -> bytes:
            request.setResponseCode(status)
            return b""

        shelf.answer = refuse
        async with web(shelf) as port:
            failed = await failure_of(transfers().upload(log, place(port, "/x")))
        assert failed.kind is kind
    failed = await failure_of(transfers().upload(tmp_path / "gone", place(port, "/x")))
    assert str(failed) == "No such file or directory"


class Shop:
    """A server with a certificate for 127.0.0.1, and who vouches for it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.pair = self.authority.issue("files.test", "127.0.0.1")


async def test_https_wants_a_certificate_it_can_trust(shelf: Shelf, tmp_path: Path) -> None:
    """By a root in a file or by an installed one; the roots of the system do not know this one."""
    shop = Shop(tmp_path)
    installed = Trust(installed=lambda: [shop.authority.root.read_text()])
    for trust in (Trust(roots=shop.authority.root), installed):
        async with web(shelf, *shop.pair) as port:
            await transfers(trust).download(place(port, scheme="https"), tmp_path / "image")
        assert (tmp_path / "image").read_bytes() == IMAGE
    async with web(shelf, *shop.pair) as port:
        failed = await failure_of(
            transfers().download(place(port, scheme="https"), tmp_path / "image")
        )
    assert str(failed) == "TLS: certificate verify failed"


async def test_https_is_not_given_up_by_a_redirection(shelf: Shelf, tmp_path: Path) -> None:
    """What begins in secret stays so."""
    shop = Shop(tmp_path)

    def redirect(request: Any) -> bytes:
        request.setResponseCode(301)
        request.setHeader("location", "http://127.0.0.1/image?token=1")
        return b""

    shelf.answer = redirect
    async with web(shelf, *shop.pair) as port:
        files = transfers(Trust(roots=shop.authority.root))
        here = place(port, scheme="https")
        failed = await failure_of(files.download(here, tmp_path / "image"))
    assert str(failed) == f"{here} is redirected to http://127.0.0.1/image, which is less secure"


async def test_a_certificate_for_another_name_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    """A good signer is not enough."""
    authority = Authority(tmp_path)
    async with web(shelf, *authority.issue("other", "other.test")) as port:
        files = transfers(Trust(roots=authority.root))
        failed = await failure_of(files.download(place(port, scheme="https"), tmp_path / "image"))
    assert str(failed) == "the server's certificate is not for its name"


async def test_a_full_disk_is_told(shelf: Shelf, tmp_path: Path) -> None:
    """Here a folder that is a file stands for everything a disk can refuse."""
    (tmp_path / "firmware").write_text("no folder")
    async with web(shelf) as port:
        failed = await failure_of(
            transfers().download(place(port), tmp_path / "firmware" / "image")
        )
    assert str(failed) in ("Not a directory", "File exists")
