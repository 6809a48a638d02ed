"""URLs of files."""

from __future__ import annotations

import pytest

from txocpp.chargepoint.filetransfer.places import Place
from txocpp.errors import TransferFailed, TransferTrouble


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://files.test/fw/image.bin", "http://files.test/fw/image.bin"),
        ("HTTPS://me:secret@files.test:8443/x?token=1", "https://files.test:8443/x"),
        ("ftp://me:secret@[::1]/logs/", "ftp://[::1]/logs/"),
        ("ftps://files.test:990/a%20b", "ftps://files.test:990/a%20b"),
    ],
)
def test_a_place_is_shown_without_its_secrets(url: str, shown: str) -> None:
    """Neither password nor query, in no form of text."""
    place = Place.parse(url)
    assert str(place) == shown
    assert "secret" not in repr(place)
    assert "token" not in repr(place)


@pytest.mark.rule("G-04")
@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sftp://files.test/x", TransferTrouble.UNSUPPORTED),
        ("file:///etc/passwd", TransferTrouble.UNSUPPORTED),
        ("image.bin", TransferTrouble.UNSUPPORTED),
        ("http:///image.bin", TransferTrouble.MALFORMED),
        ("http://files.test:port/", TransferTrouble.MALFORMED),
        ("http://[::1/", TransferTrouble.MALFORMED),
        ("ftp://files.test/a%0d%0aDELE%20b", TransferTrouble.MALFORMED),
    ],
)
def test_what_is_no_place_for_files_is_refused(url: str, kind: TransferTrouble) -> None:
    """Other protocols, broken URLs, and commands smuggled into a path."""
    with pytest.raises(TransferFailed) as caught:
        Place.parse(url)
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("http://files.test/logs", "/logs/a%20b.gz"),
        ("http://files.test/logs/", "/logs/a%20b.gz"),
        ("http://files.test", "/a%20b.gz"),
        ("http://files.test/made/for/one?signature=1", "/made/for/one?signature=1"),
    ],
)
def test_an_upload_goes_into_a_directory(url: str, there: str) -> None:
    """Except where the URL was made for one request only."""
    assert Place.parse(url).within("a b.gz").resource == there


def test_an_ftp_path_begins_where_the_user_arrives() -> None:
    """One slash is the separator, a second one the root of the server."""
    assert Place.parse("ftp://files.test/fw/a%20b").file_path == "fw/a b"
    assert Place.parse("ftp://files.test//fw/a").file_path == "/fw/a"
