"""People and programs that may use the API, their sessions, and what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, delete, func, insert, select, update

from txocpp.storage.central import schema


@attrs.frozen
class AccountRecord:
    """Somebody who logs in with a password."""

    id: int
    name: str
    role: str
    """``viewer``, ``operator`` or ``admin``."""
    password_hash: str = attrs.field(repr=False)
    disabled: bool
    created_at: datetime
    version: int


@attrs.frozen
class TokenRecord:
    """A program that shows a token."""

    id: int
    name: str
    role: str
    digest: bytes = attrs.field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None


@attrs.frozen
class AuditRecord:
    """One thing that somebody did."""

    id: int
    at: datetime
    who: str
    address: str
    what: str
    target: str
    details: dict[str, Any]


class Accounts:
    """Accounts, tokens, sessions and the audit trail of one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def any(self) -> bool:
        """True if there is an account or a token at all."""
        for table in (schema.account, schema.token):
            if self._connection.execute(select(table.c.id).limit(1)).first() is not None:
                return True
        return False

    # --- accounts

    def find(self, name: str) -> AccountRecord | None:
        """The account with this name, compared without case."""
        return self._account(func.lower(schema.account.c.name) == name.lower())

    def get(self, account_id: int) -> AccountRecord | None:
        """The account with this key."""
        return self._account(schema.account.c.id == account_id)

    def all(self) -> list[AccountRecord]:
        """All accounts by name."""
        rows = self._connection.execute(select(schema.account).order_by(schema.account.c.name))
        return [AccountRecord(**row._mapping) for row in rows]

    def add(self, name: str, role: str, password_hash: str, now: datetime) -> AccountRecord | None:
        """Enter an account. None: the name is taken."""
        if self.find(name) is not None:
            return None
        row = self._connection.execute(
            insert(schema.account)
            .values(name=name, role=role, password_hash=password_hash, created_at=now)
            .returning(schema.account)
        ).one()
        return AccountRecord(**row._mapping)

    def edit(self, account_id: int, version: int | None, **facts: Any) -> AccountRecord | None:
        """Change an account; its sessions end. None: it is no longer at `version` (None: any)."""
        table = schema.account
        change = update(table).where(table.c.id == account_id)
        if version is not None:
            change = change.where(table.c.version == version)
        row = self._connection.execute(
            change.values(version=table.c.version + 1, **facts).returning(table)
        ).one_or_none()
        if row is None:
            return None
        self.end_sessions(account_id)
        return AccountRecord(**row._mapping)

    def remove(self, account_id: int) -> None:
        """Forget an account and its sessions."""
        self.end_sessions(account_id)
        self._connection.execute(delete(schema.account).where(schema.account.c.id == account_id))

    def count_admins(self) -> int:
        """How many accounts could set things right again."""
        table = schema.account
        return int(
            self._connection.execute(
                select(func.count())
                .select_from(table)
                .where(table.c.role == "admin", table.c.disabled.is_(False))
            ).scalar_one()
        )

    def _account(self, condition: Any) -> AccountRecord | None:
        row = self._connection.execute(select(schema.account).where(condition)).one_or_none()
        return None if row is None else AccountRecord(**row._mapping)

    # --- sessions

    def begin_session(
        self, digest: bytes, account_id: int, now: datetime, expires_at: datetime
    ) -> None:
        """Somebody has logged in; sessions that are over are forgotten by the way."""
        table = schema.session
        self._connection.execute(delete(table).where(table.c.expires_at <= now))
        self._connection.execute(
            insert(table).values(
                digest=digest, account_id=account_id, created_at=now, expires_at=expires_at
            )
        )

    def session_account(self, digest: bytes, now: datetime) -> AccountRecord | None:
        """Whose session this is, if it is not over and the account is in use."""
        table = schema.session
        row = self._connection.execute(
            select(table.c.account_id).where(table.c.digest == digest, table.c.expires_at > now)
        ).first()
        account = None if row is None else self.get(row.account_id)
        return None if account is None or account.disabled else account

    def end_session(self, digest: bytes) -> None:
        """Somebody has logged out."""
        self._connection.execute(delete(schema.session).where(schema.session.c.digest == digest))

    def end_sessions(self, account_id: int) -> None:
        """Somebody's password or role has changed."""
        table = schema.session
        self._connection.execute(delete(table).where(table.c.account_id == account_id))

    # --- tokens

    def token(self, digest: bytes, now: datetime) -> TokenRecord | None:
        """The token with this digest, if it has not expired."""
        row = self._connection.execute(
            select(schema.token).where(schema.token.c.digest == digest)
        ).one_or_none()
        if row is None:
            return None
        found = TokenRecord(**row._mapping)
        return None if found.expires_at is not None and found.expires_at <= now else found

    def tokens(self) -> list[TokenRecord]:
        """All tokens by name."""
        rows = self._connection.execute(select(schema.token).order_by(schema.token.c.name))
        return [TokenRecord(**row._mapping) for row in rows]

    def add_token(self, **facts: Any) -> TokenRecord:
        """Enter a token."""
        row = self._connection.execute(
            insert(schema.token).values(facts).returning(schema.token)
        ).one()
        return TokenRecord(**row._mapping)

    def token_used(self, token_id: int, now: datetime) -> None:
        """Note when a token was used last."""
        table = schema.token
        self._connection.execute(update(table).where(table.c.id == token_id).values(last_used=now))

    def remove_token(self, token_id: int) -> bool:
        """Forget a token. False: there is none."""
        table = schema.token
        return self._connection.execute(delete(table).where(table.c.id == token_id)).rowcount > 0

    # --- audit trail

    def note(self, **facts: Any) -> None:
        """Somebody did something."""
        self._connection.execute(insert(schema.audit).values(facts))

    def trail(
        self, *, before: int | None = None, limit: int = 100, who: str | None = None
    ) -> list[AuditRecord]:
        """What was done, newest first."""
        table = schema.audit
        question = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            question = question.where(table.c.id < before)
        if who is not None:
            question = question.where(table.c.who == who)
        return [AuditRecord(**row._mapping) for row in self._connection.execute(question)]
