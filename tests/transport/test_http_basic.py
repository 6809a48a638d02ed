"""HTTP Basic with passwords of any bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.transport.http_basic import authorization, read_authorization


@pytest.mark.rule("C-15", "X-10")
def test_the_password_is_the_bytes_of_the_key() -> None:
    """The example of the specification, to the letter."""
    key = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
    header = "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    assert authorization("AL1000", key) == header
    assert read_authorization(header) == ("AL1000", key)


@pytest.mark.rule("C-15")
@given(st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])), st.binary())
def test_any_bytes_come_back(user: str, password: bytes) -> None:
    """Colons, zeros and bytes that are no text included: the first colon divides."""
    assert read_authorization(authorization(user, password)) == (user, password)


@pytest.mark.rule("C-15")
@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic ", "Bearer abc", "Basic !!!!", "Basic QQ", "Basic Q Q=",
     "Basic QUw6QQ==, Basic QUw6QQ==", "Basic " + base64.b64encode(b"nocolon").decode(),
     "Basic " + base64.b64encode(b"\xff:x").decode(), "Basic ä"],
)  # fmt: skip
def test_what_is_no_basic_header_is_refused_without_quoting_it(header: str) -> None:
    """Error texts end in logs; passwords must not."""
    with pytest.raises(ValueError) as refusal:
        read_authorization(header)
    assert str(refusal.value) in ("not HTTP Basic", "malformed HTTP Basic credentials")


def test_the_scheme_is_case_insensitive() -> None:
    """RFC 7235 says so, and some stations write it in lower case."""
    assert read_authorization("basic QTpi") == ("A", b"b")
