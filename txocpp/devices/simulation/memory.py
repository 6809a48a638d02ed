"""A small file that keeps what a simulated device must not forget: registers, plugs, batteries."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from txocpp.errors import StoreError

_log = Logger()


class MemoryFile:
    """One JSON document, replaced as a whole, so that a power cut leaves the old or the new one."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def load(self) -> dict[str, Any] | None:
        """What was kept; None if nothing was.

        A damaged file is set aside, logged, and counts as nothing. Raises
        `txocpp.errors.StoreError` if the file cannot be read at all.
        """
        try:
            document = json.loads(self.path.read_text("utf-8"))
            if isinstance(document, dict):
                return document
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from error
        except ValueError:
            pass
        aside = self.path.with_name(self.path.name + ".damaged")
        self.path.replace(aside)
        _log.warn("{path} was damaged and is now {aside}", path=self.path, aside=aside)
        return None

    def save(self, document: dict[str, Any]) -> None:
        """Keep this instead. Raises `txocpp.errors.StoreError` if that is impossible."""
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from error
