"""Who may use the API: passwords, sessions, tokens, and patience with guessers.

Passwords are hashed by Argon2id (argon2-cffi), which takes its time on purpose, so it is done in a
thread. Session keys and tokens are random and long; of them a plain digest is enough.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool

from txocpp.interfaces import ICentralStore
from txocpp.storage.central.accounts import AccountRecord, TokenRecord
from txocpp.storage.central.records import Records

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SESSION_LASTS: Final = timedelta(hours=12)
TOKEN_BEGINS: Final = "txo_"
"""So that people and secret scanners recognise one."""
SHORTEST_PASSWORD: Final = 8

PATIENCE: Final = 5
"""Failed attempts before somebody has to wait."""
WAIT_S: Final = 30.0
"""After that; doubled with each further failure, up to `LONGEST_WAIT_S`."""
LONGEST_WAIT_S: Final = 3600.0
MOST_GUESSERS: Final = 10_000

TOKEN_NOTED_EVERY: Final = timedelta(minutes=5)


def digest(secret: str) -> bytes:
    """What is kept of a session key or token."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(session_key: str) -> str:
    """What a page must show with a session's cookie, and a foreign page cannot know."""
    return hashlib.sha256(f"csrf:{session_key}".encode()).hexdigest()


class Passwords:
    """Hashes what people think up. `reactor`: gives the threads; None: done at once."""

    def __init__(self, reactor: Any = None, *, hasher: PasswordHasher | None = None) -> None:
        self._reactor = reactor
        if hasher is not None:
            self._hasher = hasher

    @cached_property
    def _hasher(self) -> PasswordHasher:
        # Made by the first who logs in: a central system without accounts never needs it.
        from argon2 import PasswordHasher

        return PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """Somebody who does not exist takes as long as somebody who does."""
        return self._hasher.hash(secrets.token_hex())

    def hash(self, password: str) -> Deferred[str]:
        """What may be stored."""
        return self._run(lambda: self._hasher.hash(password))

    def verify(self, stored: str | None, password: str) -> Deferred[bool]:
        """Whether it is the password; None: there is nobody, but take the same time."""
        checking = self._run(self._verify, stored, password)
        return checking.addCallback(lambda fits: fits and stored is not None)

    def _verify(self, stored: str | None, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        # Whoever comes first makes the hash of nobody, known or not, so that nothing is told.
        nobody = self._nobody
        try:
            return self._hasher.verify(stored or nobody, password)
        except (VerificationError, InvalidHashError):
            return False

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        if self._reactor is None:
            return maybeDeferred(work, *arguments)
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, work, *arguments)


@attrs.define
class _Failures:
    count: int = 0
    until: float = 0.0


class Patience:
    """Makes guessers wait, each longer than before.

    `allowed`: failures before somebody has to wait; `wait_s` after that, doubled with each further
    failure up to `longest_wait_s`.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        *,
        allowed: int = PATIENCE,
        wait_s: float = WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        self._seconds = seconds
        self._allowed = allowed
        self._wait_s = wait_s
        self._longest_wait_s = longest_wait_s
        self._failures: dict[str, _Failures] = {}

    def wait_s(self, who: str) -> float:
        """How long `who` has to wait before the next attempt; 0: not at all."""
        found = self._failures.get(who)
        return 0.0 if found is None else max(0.0, found.until - self._seconds())

    def failed(self, who: str) -> None:
        """An attempt has failed."""
        if len(self._failures) >= MOST_GUESSERS:
            self._forget_some()
        found = self._failures.setdefault(who, _Failures())
        found.count += 1
        over = found.count - self._allowed
        if over >= 0:
            wait_s = min(self._wait_s * 2.0 ** min(over, 20), self._longest_wait_s)
            found.until = self._seconds() + wait_s

    def succeeded(self, who: str) -> None:
        """Somebody was let in; all is forgiven."""
        self._failures.pop(who, None)

    def _forget_some(self) -> None:
        now = self._seconds()
        waiting = {who: found for who, found in self._failures.items() if found.until > now}
        self._failures = waiting if len(waiting) < MOST_GUESSERS else {}


class AccountBook:
    """Lets people and programs in."""

    def __init__(
        self, store: ICentralStore, passwords: Passwords, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now
        self.exists = False
        """True if there is an account or token: from then on nobody may do anything without."""

    async def look(self) -> None:
        """Find out whether there are accounts or tokens; after each change of them."""
        self.exists = await self._store.read(lambda records: records.accounts.any())

    async def add(self, name: str, role: str, password: str) -> AccountRecord | None:
        """Enter an account. None: the name is taken."""
        hashed = await self._passwords.hash(password)
        added: AccountRecord | None = await self._store.write(
            lambda records: records.accounts.add(name, role, hashed, self._now())
        )
        await self.look()
        return added

    async def hash(self, password: str) -> str:
        """A new password, as it may be stored."""
        return await self._passwords.hash(password)

    async def fits(self, account: AccountRecord, password: str) -> bool:
        """Whether this is the password of the account."""
        return await self._passwords.verify(account.password_hash, password)

    async def log_in(self, name: str, password: str) -> tuple[AccountRecord, str] | None:
        """Begin a session: the account and the session key. None: wrong name or password."""
        account = await self._store.read(lambda records: records.accounts.find(name))
        stored = None if account is None or account.disabled else account.password_hash
        if not await self._passwords.verify(stored, password) or account is None:
            return None
        key = secrets.token_urlsafe(32)
        await self._store.write(partial(_begin, digest(key), account.id, self._now()))
        return account, key

    async def log_out(self, key: str) -> None:
        """End a session."""
        await self._store.write(lambda records: records.accounts.end_session(digest(key)))

    async def session(self, key: str) -> AccountRecord | None:
        """Whose session it is."""
        found: AccountRecord | None = await self._store.read(
            lambda records: records.accounts.session_account(digest(key), self._now())
        )
        return found

    async def token(self, text: str) -> TokenRecord | None:
        """Whose token it is."""
        now = self._now()
        found: TokenRecord | None = await self._store.read(
            lambda records: records.accounts.token(digest(text), now)
        )
        if found is not None:
            used = found.last_used
            if used is None or now - used > TOKEN_NOTED_EVERY:
                await self._store.write(partial(_used, found.id, now))
        return found

    async def add_token(
        self, name: str, role: str, expires_at: datetime | None
    ) -> tuple[TokenRecord, str]:
        """Enter a token; its text is shown this once."""
        text = TOKEN_BEGINS + secrets.token_urlsafe(32)
        record: TokenRecord = await self._store.write(
            lambda records: records.accounts.add_token(
                name=name,
                role=role,
                digest=digest(text),
                created_at=self._now(),
                expires_at=expires_at,
            )
        )
        await self.look()
        return record, text


def _begin(key: bytes, account_id: int, now: datetime, records: Records) -> None:
    records.accounts.begin_session(key, account_id, now, now + SESSION_LASTS)


def _used(token_id: int, now: datetime, records: Records) -> None:
    records.accounts.token_used(token_id, now)
