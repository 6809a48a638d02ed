"""Vendor messages that OCPP has no words for (OCPP 1.6 §4.3, §5.6; rules D-01 to D-04)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Any

import attrs
from twisted.internet.defer import maybeDeferred


class TransferStatus(StrEnum):
    """How a vendor message was taken (D-02)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"


@attrs.frozen
class TransferAnswer:
    """The answer to a vendor message."""

    status: TransferStatus = TransferStatus.ACCEPTED
    data: str | None = None


VendorResponder = Callable[[str | None, str | None], Any]
"""Takes message id and data; gives a `TransferAnswer`, text as data of an accepted answer, or None;
or a Deferred or coroutine of these."""


@attrs.frozen
class _Vendor:
    respond: VendorResponder
    message_ids: frozenset[str] | None


class DataTransfers:
    """Who answers which vendor's messages."""

    def __init__(self) -> None:
        self._vendors: dict[str, _Vendor] = {}

    def register(
        self,
        vendor_id: str,
        respond: VendorResponder,
        *,
        message_ids: Collection[str] | None = None,
    ) -> None:
        """From now on `respond` answers this vendor's messages, of these ids or of all."""
        known = None if message_ids is None else frozenset(m.casefold() for m in message_ids)
        self._vendors[vendor_id.casefold()] = _Vendor(respond, known)

    async def receive(
        self, vendor_id: str, message_id: str | None, data: str | None
    ) -> TransferAnswer:
        """The answer to a vendor message."""
        vendor = self._vendors.get(vendor_id.casefold())
        if vendor is None:
            return TransferAnswer(TransferStatus.UNKNOWN_VENDOR_ID)
        if vendor.message_ids is not None and (message_id or "").casefold() not in (
            vendor.message_ids
        ):
            return TransferAnswer(TransferStatus.UNKNOWN_MESSAGE_ID)
        answer = await maybeDeferred(vendor.respond, message_id, data)
        if isinstance(answer, TransferAnswer):
            return answer
        return TransferAnswer(data=answer)
