"""Everything that the HTTP API works on, in one place: who knows whom is decided in `service`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from txocpp.csms.accounts import AccountBook, Patience
from txocpp.csms.central import CentralSystem
from txocpp.csms.events import Events
from txocpp.csms.measures import Measures
from txocpp.csms.messagelog import MessageLog
from txocpp.csms.operations import Operations
from txocpp.csms.passwords import StationPasswords
from txocpp.csms.procedures import Procedures
from txocpp.csms.readiness import Readiness
from txocpp.interfaces import ICentralStore


@attrs.frozen
class Office:
    """The parts of a running central system."""

    store: ICentralStore
    central: CentralSystem
    operations: Operations
    procedures: Procedures
    events: Events
    passwords: StationPasswords
    accounts: AccountBook
    patience: Patience
    messages: MessageLog
    measures: Measures
    readiness: Readiness
    now: Callable[[], datetime]
