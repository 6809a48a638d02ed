"""Passwords of stations: set here, or made anew and handed to the station itself."""

from __future__ import annotations

import msgspec

from txocpp.csms.api.endpoint import Answer, Call, Endpoints, Problem, Role
from txocpp.csms.api.operations import ask
from txocpp.csms.api.queries import station_or_404
from txocpp.csms.api.views import OperationView
from txocpp.csms.office import Office
from txocpp.csms.operations import Asked
from txocpp.csms.passwords import key_as_hex, key_from_text, new_key
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

routes = Endpoints("passwords")


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password for a station; null or nothing: a random one is made."""

    password: str | None = None


class PasswordView(msgspec.Struct, frozen=True):
    """The password, shown this once."""

    identity: str
    password: str


class NoPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: the password is made here and shown to nobody."""


@routes.post(
    "/api/stations/<identity>/password", body=NewPassword, answer=PasswordView, role=Role.ADMIN
)
async def set_password(office: Office, call: Call) -> PasswordView:
    """Give a charge point a password here; the station must be given the same."""
    text = call.body.password
    key = new_key() if text is None else given_key(text)
    hashed = office.passwords.hash(key)

    def change(records: Records) -> StationRecord:
        record = station_or_404(records, call.identity)
        records.stations.set(record.id, password_hash=hashed, other_password_hash=None)
        return record

    record: StationRecord = await office.store.write(change)
    office.events.tell("station.changed", record.identity, admission=record.admission)
    return PasswordView(record.identity, text if text is not None else key_as_hex(key))


@routes.post(
    "/api/stations/<identity>/rotate-password",
    body=NoPassword,
    answer=OperationView,
    role=Role.ADMIN,
)
async def rotate_password(office: Office, call: Call) -> Answer:
    """Hand a charge point a new random password (ChangeConfiguration of AuthorizationKey).

    Until the station shows the new one, the old one is taken as well.
    """
    payload = {"key": "AuthorizationKey", "value": key_as_hex(new_key())}
    return await ask(office, call, Asked("ChangeConfiguration", payload, call.principal.name))


def given_key(text: str) -> bytes:
    """The key that somebody typed. Raises `Problem` for none."""
    if not text:
        raise Problem(422, "body: an empty password is none")
    return key_from_text(text)
