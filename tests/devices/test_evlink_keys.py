"""The file of a shared key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from txocpp.devices.esp8266.keys import make_key, read_key
from txocpp.errors import ConfigurationError


def test_a_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """32 bytes, mode 0600, never written over."""
    path = tmp_path / "box.key"
    key = make_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == key
    with pytest.raises(ConfigurationError, match="never written over"):
        make_key(path)
    assert read_key(str(path)) == key
    assert make_key(tmp_path / "other.key") != key


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With the way to mend it."""
    path = tmp_path / "box.key"
    make_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"mode 0640.*chmod 600"):
        read_key(path)


@pytest.mark.parametrize("content", ["", "00" * 31, "00" * 33, "zz" * 32, "00" * 500, "ü" * 64])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, content: str) -> None:
    """The error names the file and the form, and nothing of its content."""
    path = tmp_path / "box.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        read_key(path)
    assert "must hold 64 hex digits" in str(caught.value)
    assert not content or content not in str(caught.value)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    """Is named by its path."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.key: No such file"):
        read_key(tmp_path / "nowhere.key")
