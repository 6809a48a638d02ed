"""What has come of a file so far, so that the rest is enough next time, even after a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import attrs


@attrs.frozen
class Source:
    """Which file it was, in which version."""

    url: str
    """Without secrets."""
    version: str | None
    """ETag, or time of the last change, in the server's words."""
    size: int | None
    """Bytes of the whole file."""

    @property
    def is_certain(self) -> bool:
        """Whether another version of the file would be noticed."""
        return self.version is not None or self.size is not None

    def agrees(self, other: Source) -> bool:
        """Whether nothing speaks against both being the same."""
        versions = {self.version, other.version} - {None}
        sizes = {self.size, other.size} - {None}
        return self.url == other.url and len(versions) <= 1 and len(sizes) <= 1


class Partial:
    """A file on its way to `target`: ``target.part``, and a note beside it where it comes from."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    def begun(self, url: str) -> tuple[int, Source | None]:
        """How many bytes of the file at this URL are there, and of which version; 0 and None if it
        has to be fetched from the beginning."""
        try:
            source = Source(**json.loads(self._note.read_text("utf-8")))
            size = self.path.stat().st_size
        except (OSError, ValueError, TypeError):
            return 0, None
        fits = source.url == url and source.is_certain and size > 0
        return (size, source) if fits else (0, None)

    def begin(self, source: Source) -> BinaryIO:
        """A fresh file to write to."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.discard()
        self._note.write_text(json.dumps(attrs.asdict(source)), "utf-8")
        return self.path.open("wb")

    def go_on(self) -> BinaryIO:
        """The file as it is, to add to."""
        return self.path.open("ab")

    def finish(self) -> None:
        """The file is complete: put it in place so that a power cut does not harm it. Blocks."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what has come."""
        for path in (self.path, self._note):
            path.unlink(missing_ok=True)


def words(error: OSError) -> str:
    """What the disk, or the network, has to say."""
    return error.strerror or str(error) or type(error).__name__


def plain(text: Any) -> str:
    """Foreign words for a log line."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:200]).strip()
