"""Masks of WebSocket frames."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.transport import websocket_masking
from txocpp.transport.websocket_masking import Masker, by_integers, masked, native

WAYS = [by_integers, *([found] if (found := native()) is not None else [])]


@given(st.sampled_from(WAYS), st.binary(max_size=3000), st.binary(min_size=4, max_size=4))
def test_a_mask_is_an_exclusive_or_and_its_own_inverse(
    way: Masker, payload: bytes, mask: bytes
) -> None:
    """RFC 6455 §5.3, whichever way it is computed; what was given stays as it was."""
    before = bytes(payload)
    result = way(payload, mask)
    assert result == bytes(b ^ mask[n % 4] for n, b in enumerate(payload))
    assert way(bytes(result), mask) == payload == before


def test_autobahn_s_c_is_used_where_it_is() -> None:
    """Nobody notices when it is not, except by the clock."""
    assert (masked is by_integers) == (native() is None)


@pytest.mark.parametrize(
    "extension",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(
            lib=SimpleNamespace(
                nvx_xormask_new=lambda mask: mask,
                nvx_xormask_process=lambda masker, memory, length: None,
                nvx_xormask_free=lambda masker: None,
            ),
            ffi=SimpleNamespace(from_buffer=memoryview),
        ),
    ],
    ids=["missing", "different", "wrong"],
)
def test_a_masker_that_is_not_what_it_was_is_not_used(
    extension: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The C part of Autobahn is its own business and may change."""
    monkeypatch.setattr(websocket_masking, "USES_NVX", True)
    monkeypatch.setitem(sys.modules, "_nvx_xormasker", extension)
    assert native() is None


def test_who_wants_no_c_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTOBAHN_USE_NVX=0 is respected."""
    monkeypatch.setattr(websocket_masking, "USES_NVX", False)
    assert native() is None
