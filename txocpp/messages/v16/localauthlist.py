"""Feature profile LocalAuthListManagement: the list of identifiers that a station keeps."""

from __future__ import annotations

from enum import StrEnum

from txocpp.messages.declaration import CENTRAL_SYSTEM, Request, Response, request, response_to
from txocpp.messages.fields import enumerated, integer, many
from txocpp.messages.v16.types import AuthorizationData

PROFILE = "LocalAuthListManagement"


# GetLocalListVersion: central system -> charge point


@request("GetLocalListVersion", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetLocalListVersionRequest(Request):
    """Which list do you have? (OCPP 1.6 §5.10, §6.27)"""


@response_to(GetLocalListVersionRequest)
class GetLocalListVersionResponse(Response):
    """The number of the list (OCPP 1.6 §6.28)."""

    list_version: int = integer("listVersion", minimum=-1)
    """Version; 0 for an empty list, -1 for a station without lists (L-02)."""


# SendLocalList: central system -> charge point


class UpdateType(StrEnum):
    """A list in place of the old one, or changes to it (OCPP 1.6 §7.48)."""

    DIFFERENTIAL = "Differential"
    FULL = "Full"


class UpdateStatus(StrEnum):
    """What came of an update of the list (OCPP 1.6 §7.47, L-09)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"
    VERSION_MISMATCH = "VersionMismatch"


@request("SendLocalList", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class SendLocalListRequest(Request):
    """Keep this list, or change yours like this (OCPP 1.6 §5.15, §6.41)."""

    list_version: int = integer("listVersion", minimum=1)
    """Version of the list afterwards; never 0 or -1, which mean something else (L-03)."""
    local_authorization_list: tuple[AuthorizationData, ...] | None = many(
        "localAuthorizationList", AuthorizationData, default=None
    )
    """The entries. None at all: an empty list when full, no change when differential (L-04)."""
    update_type: UpdateType = enumerated("updateType", UpdateType)
    """Whether the entries replace the list or change it."""


@response_to(SendLocalListRequest)
class SendLocalListResponse(Response):
    """Whether the list is now as it should be (OCPP 1.6 §6.42)."""

    status: UpdateStatus = enumerated("status", UpdateStatus)
    """What came of it."""
