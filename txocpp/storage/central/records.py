"""What is known at one moment of one database transaction: the way into all tables.

A `Records` is handed to every change and question. Each attribute is one room with the SQL of
its subject; they share the connection, so a change that touches several is applied whole or not
at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Connection

from txocpp.storage.central.accounts import Accounts
from txocpp.storage.central.configuration import Configuration
from txocpp.storage.central.local_lists import LocalLists
from txocpp.storage.central.notices import Notices
from txocpp.storage.central.operations import Operations
from txocpp.storage.central.profiles import Profiles
from txocpp.storage.central.reservations import Reservations
from txocpp.storage.central.samples import Samples
from txocpp.storage.central.stations import Stations
from txocpp.storage.central.tags import Tags
from txocpp.storage.central.thinning import Thinning
from txocpp.storage.central.totals import Totals
from txocpp.storage.central.transactions import Transactions
from txocpp.storage.central.versions import touch


def nothing() -> None:
    """Nothing waits."""


class Records:
    """One database transaction, by subject.

    `flush` enters rows that were appended before and may still wait for others of their kind: it
    is called before anything is looked at that could show them.
    """

    def __init__(self, connection: Connection, flush: Callable[[], object] = nothing) -> None:
        self._connection = connection
        self._flush = flush

    @property
    def connection(self) -> Connection:
        """For statements of one's own."""
        self._flush()
        return self._connection

    def touch(self) -> None:
        """Write something that is there already: fails where nothing can be written."""
        touch(self.connection)

    @cached_property
    def stations(self) -> Stations:
        """Charge points and the state of their connectors."""
        return Stations(self.connection)

    @cached_property
    def tags(self) -> Tags:
        """Who may charge."""
        return Tags(self._connection)

    @cached_property
    def transactions(self) -> Transactions:
        """Charging transactions."""
        return Transactions(self._connection)

    @cached_property
    def samples(self) -> Samples:
        """Meter values."""
        return Samples(self.connection)

    @cached_property
    def thinning(self) -> Thinning:
        """How meter values grow old."""
        return Thinning(self.connection)

    @cached_property
    def totals(self) -> Totals:
        """The whole site in a few figures."""
        return Totals(self.connection)

    @cached_property
    def operations(self) -> Operations:
        """What operators asked of stations, and what became of it."""
        return Operations(self._connection)

    @cached_property
    def profiles(self) -> Profiles:
        """Charging profiles that stations have acknowledged."""
        return Profiles(self._connection)

    @cached_property
    def reservations(self) -> Reservations:
        """Connectors held for a tag."""
        return Reservations(self._connection)

    @cached_property
    def configuration(self) -> Configuration:
        """Configuration keys of stations, as last read or changed."""
        return Configuration(self._connection)

    @cached_property
    def local_lists(self) -> LocalLists:
        """Local authorization lists, as stations have acknowledged them."""
        return LocalLists(self._connection)

    @cached_property
    def notices(self) -> Notices:
        """Security events, progress of uploads and updates, vendor data."""
        return Notices(self.connection)

    @cached_property
    def accounts(self) -> Accounts:
        """People and programs, their sessions, and what they did."""
        return Accounts(self._connection)
