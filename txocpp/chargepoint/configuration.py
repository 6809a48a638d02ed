"""Configuration keys: what they are now, who may change them, what stays after a restart
(OCPP 1.6 §5.3, §5.8, §9; rules K-01 to K-11).

A value changed over OCPP is written to the journal and from then on wins over the one in the
configuration file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs
from twisted.logger import Logger

from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.keys import Access, Key, Kind
from txocpp.errors import ConfigurationError, StoreError
from txocpp.interfaces import Put

TABLE = "configuration"
LONGEST_VALUE = 500

log = Logger()


class ChangeResult(StrEnum):
    """What became of a request to change a key."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    NOT_SUPPORTED = "NotSupported"


@attrs.frozen
class KeyReport:
    """One key as the central system gets to see it."""

    name: str
    readonly: bool
    value: str | None


@attrs.define
class _Entry:
    key: Key
    access: Access
    value: str | None
    """In canonical form."""
    fixed: Callable[[], str | None] = lambda: None
    """What the hardware makes of it now, whatever anybody wants; None: it leaves the choice."""

    @property
    def present_value(self) -> str | None:
        fixed = self.fixed()
        return self.value if fixed is None else fixed

    @property
    def readonly(self) -> bool:
        return self.access is Access.READ or self.fixed() is not None


class Configuration:
    """The configuration keys of one charge point.

    `initial` are values of the configuration file by key name (any case), as text, numbers,
    booleans or lists; a name that is no key raises `ConfigurationError`. `left_out` names optional
    keys that this charge point does not have.
    """

    def __init__(
        self,
        keys: Iterable[Key],
        journal: Journal,
        *,
        initial: Mapping[str, object] | None = None,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
        left_out: Iterable[str] = (),
    ) -> None:
        self._journal = journal
        self._entries = {key.name.lower(): _Entry(key, key.access, key.initial) for key in keys}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._checks: dict[str, Callable[[str], bool]] = {}
        for name in left_out:
            self._leave_out(name)
        for name, value in (initial or {}).items():
            self._set_initial(name, value)
        for name, document in (saved or {}).items():
            self._restore(name, document)

    # What a room of the charge point asks.

    def has(self, name: str) -> bool:
        """Whether the key exists here: optional keys are absent where the feature is."""
        entry = self._entries.get(name.lower())
        return entry is not None and self._present(entry.key)

    def text(self, name: str) -> str:
        """The value as it stands; empty if the key is absent or not set."""
        entry = self._entries.get(name.lower())
        if entry is None or not self._present(entry.key):
            return ""
        return entry.present_value or ""

    def integer(self, name: str) -> int:
        """The value as a number; 0 if the key is absent or not set."""
        return int(self.text(name) or 0)

    def boolean(self, name: str) -> bool:
        """The value as a truth; False if the key is absent."""
        return self.text(name) == "true"

    def items(self, name: str) -> tuple[str, ...]:
        """The items of a list; empty if the key is absent."""
        text = self.text(name)
        return tuple(text.split(",")) if text else ()

    def supports(self, profile: str) -> bool:
        """Whether a feature profile is offered (SupportedFeatureProfiles)."""
        return profile in ("Core", "Security") or profile in self.items("SupportedFeatureProfiles")

    def reconnects(self, name: str) -> bool:
        """Whether a change of the key takes effect with the next connection only."""
        entry = self._entries.get(name.lower())
        return entry is not None and entry.key.reconnects

    def on_change(self, name: str, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of a key."""
        self._listeners.setdefault(name.lower(), []).append(listener)

    def check(self, name: str, allowed: Callable[[str], bool]) -> None:
        """From now on accept only values (in canonical form) that `allowed` says yes to."""
        self._checks[name.lower()] = allowed

    def fix(self, name: str, fixed: Callable[[], str | None]) -> None:
        """Let the hardware decide: while `fixed` gives a value, the key has it and is read-only,
        for example with a fixed cable (TX-18)."""
        self._entries[name.lower()].fixed = fixed

    def set_here(self, name: str, value: str) -> None:
        """Change a value without writing it down: the central system will say it again (K-11)."""
        self._take(self._entries[name.lower()], value)

    def set_and_save(self, name: str, value: str) -> None:
        """Change a value for a reason of our own, for good."""
        entry = self._entries[name.lower()]
        self._journal.keep(Put(TABLE, entry.key.name, {"value": value}))
        self._take(entry, value)

    # What the central system asks.

    def report(self, names: Sequence[str] = ()) -> tuple[list[KeyReport], list[str]]:
        """The named keys, or all of them, and the names that are not known (K-01, K-10)."""
        if not names:
            shown = (e for e in self._entries.values() if self._readable(e))
            return [_report(entry) for entry in shown], []
        known: dict[str, KeyReport] = {}
        unknown: list[str] = []
        for name in names:
            entry = self._entries.get(name.lower())
            if entry is not None and self._readable(entry):
                known[entry.key.name] = _report(entry)
            else:
                unknown.append(name)
        return list(known.values()), unknown

    async def change(self, name: str, value: str) -> ChangeResult:
        """Change a key on behalf of the central system; saved before it is true (K-04, K-08)."""
        entry = self._entries.get(name.lower())
        if entry is None or not self._present(entry.key):
            return ChangeResult.NOT_SUPPORTED
        canonical = self._canonical(entry.key, value)
        if entry.readonly or canonical is None:
            return ChangeResult.REJECTED
        try:
            await self._journal.promise(Put(TABLE, entry.key.name, {"value": canonical}))
        except StoreError:
            return ChangeResult.REJECTED
        self._take(entry, canonical)
        return ChangeResult.ACCEPTED

    # Inside.

    def _present(self, key: Key) -> bool:
        return key.profile in ("Core", "Security") or self.supports(key.profile)

    def _readable(self, entry: _Entry) -> bool:
        return self._present(entry.key) and entry.access is not Access.WRITE_ONLY

    def _take(self, entry: _Entry, value: str) -> None:
        changed = entry.value != value
        entry.value = value
        if changed:
            for listener in list(self._listeners.get(entry.key.name.lower(), ())):
                listener()

    def _canonical(self, key: Key, value: str) -> str | None:
        """The value in canonical form; None if it is not allowed (K-05, K-06, M-12)."""
        canonical = canonical_value(key, value)
        if canonical is None:
            return None
        if key.max_length_key is not None and self.has(key.max_length_key):
            limit = self.integer(key.max_length_key)
            if len(canonical.split(",")) > limit and canonical:
                return None
        allowed = self._checks.get(key.name.lower())
        return canonical if allowed is None or allowed(canonical) else None

    def _leave_out(self, name: str) -> None:
        entry = self._entries.get(name.lower())
        if entry is None or not entry.key.optional:
            raise ConfigurationError(f"{name!r} is no optional configuration key")
        del self._entries[name.lower()]

    def _set_initial(self, name: str, value: object) -> None:
        entry = self._entries.get(name.lower())
        if entry is None:
            raise ConfigurationError(f"{name!r} is no configuration key of this charge point")
        canonical = canonical_value(entry.key, _as_text(value))
        if canonical is None:
            raise ConfigurationError(
                f"{entry.key.name} cannot be {value!r}: {_expected(entry.key)}"
            )
        entry.value = canonical

    def _restore(self, name: str, document: Mapping[str, Any]) -> None:
        entry = self._entries.get(name.lower())
        value = None if entry is None else canonical_value(entry.key, str(document.get("value")))
        if entry is None or value is None or entry.access is Access.READ:
            log.warn("the saved value of {key} does not fit any more and is ignored", key=name)
            return
        if entry.value != value and entry.access is not Access.WRITE_ONLY:
            log.info(
                "{key} is {value}, as changed over OCPP, not {initial} as configured",
                key=entry.key.name,
                value=value,
                initial=entry.value,
            )
        entry.value = value


def canonical_value(key: Key, value: str) -> str | None:
    """A value of a key in canonical spelling, or None if the key cannot hold it (K-05, K-06)."""
    if len(value) > LONGEST_VALUE:
        return None
    if key.kind is Kind.BOOLEAN:
        lowered = value.strip().lower()
        return lowered if lowered in ("true", "false") else None
    if key.kind is Kind.INTEGER:
        return _canonical_integer(key, value.strip())
    if key.kind is Kind.LIST:
        return _canonical_list(key, value)
    return value


def _canonical_integer(key: Key, value: str) -> str | None:
    if not re.fullmatch(r"-?[0-9]{1,12}", value):
        return None
    number = int(value)
    return str(number) if key.minimum <= number <= key.maximum else None


def _canonical_list(key: Key, value: str) -> str | None:
    items = [item.strip() for item in value.split(",")] if value.strip() else []
    if key.values:
        spelling = {allowed.lower(): allowed for allowed in key.values}
        if any(item.lower() not in spelling for item in items):
            return None
        items = [spelling[item.lower()] for item in items]
    return ",".join(items) if all(item and key.is_item(item) for item in items) else None


def _report(entry: _Entry) -> KeyReport:
    return KeyReport(entry.key.name, entry.readonly, entry.present_value)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def _expected(key: Key) -> str:
    if key.kind is Kind.INTEGER:
        return f"a whole number from {key.minimum} to {key.maximum} is expected"
    if key.values:
        return f"a list of {', '.join(key.values)} is expected"
    if key.example:
        return f"a list such as {key.example} is expected"
    return f"a {key.kind.value} is expected"
