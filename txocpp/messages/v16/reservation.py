"""Feature profile Reservation: a connector kept free for somebody."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from txocpp.messages.declaration import CENTRAL_SYSTEM, Request, Response, request, response_to
from txocpp.messages.fields import enumerated, id_token, instant, integer

PROFILE = "Reservation"


# CancelReservation: central system -> charge point


class CancelReservationStatus(StrEnum):
    """Whether there was such a reservation (OCPP 1.6 §7.5)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("CancelReservation", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class CancelReservationRequest(Request):
    """Let a reservation go (OCPP 1.6 §5.1, §6.5)."""

    reservation_id: int = integer("reservationId")
    """Which."""


@response_to(CancelReservationRequest)
class CancelReservationResponse(Response):
    """Whether it is gone (OCPP 1.6 §6.6)."""

    status: CancelReservationStatus = enumerated("status", CancelReservationStatus)
    """What came of it."""


# ReserveNow: central system -> charge point


class ReservationStatus(StrEnum):
    """What came of a reservation (OCPP 1.6 §7.40, V-02)."""

    ACCEPTED = "Accepted"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"


@request("ReserveNow", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ReserveNowRequest(Request):
    """Keep a connector free for somebody (OCPP 1.6 §5.13, §6.37)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is any of them (V-06)."""
    expiry_date: datetime = instant("expiryDate")
    """Until when."""
    id_tag: str = id_token("idTag")
    """For whom."""
    parent_id_tag: str | None = id_token("parentIdTag", default=None)
    """Everybody of this group may use it too (V-04)."""
    reservation_id: int = integer("reservationId")
    """Name of the reservation; one with the same name is replaced (V-01)."""


@response_to(ReserveNowRequest)
class ReserveNowResponse(Response):
    """Whether it is kept (OCPP 1.6 §6.38)."""

    status: ReservationStatus = enumerated("status", ReservationStatus)
    """What came of it."""
