"""Everything that exists between one boot and the next, built and wired in one place.

Here is who knows whom. A reboot throws an `Assembly` away and builds a new one from the store, just
as a power cut does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from twisted.logger import Logger

from txocpp.chargepoint import availability as availability_
from txocpp.chargepoint import boot, cache, configuration, limits, locallist, outbox, register
from txocpp.chargepoint import reservations as reservations_
from txocpp.chargepoint import transactions as transactions_
from txocpp.chargepoint.access import Access
from txocpp.chargepoint.authorization import Authorizer
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.charge import Surroundings
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.connector import Status
from txocpp.chargepoint.heartbeat import Heartbeat
from txocpp.chargepoint.installation import DeviceListener, Holding, configure
from txocpp.chargepoint.outlet import Outlet
from txocpp.chargepoint.parts import Line, Parts
from txocpp.chargepoint.recovery import Recovery
from txocpp.chargepoint.remote import Remote
from txocpp.chargepoint.reset import Reset
from txocpp.chargepoint.statusreports import Condition, StatusReporter
from txocpp.chargepoint.upkeep import House, Upkeep
from txocpp.chargepoint.v16.central import CentralSystem, TransactionDelivery, Words
from txocpp.chargepoint.v16.core import Core
from txocpp.chargepoint.v16.localauthlist import LocalAuthList
from txocpp.chargepoint.v16.remotetrigger import RemoteTrigger
from txocpp.chargepoint.v16.reservation import Reserving
from txocpp.chargepoint.v16.smartcharging import SmartCharging
from txocpp.interfaces import IEVSE, Delete, Put
from txocpp.transport.peer import Peer, Responder

PARTING: Final = "stopped cleanly"
"""Key in the journal, there after a program has been stopped in good order."""

RETRY_KEYS: Final = ("TransactionMessageAttempts", "TransactionMessageRetryInterval")
STORE_TROUBLE: Final = Condition(Status.AVAILABLE, "InternalError", "the store takes no changes")
"""Told for connector 0 while the disk is full: charging goes on, nothing new is begun."""


log = Logger()


class Assembly:
    """One charge point from boot to reboot.

    `tables` is what the store holds. `reboot` is called when a reset has been prepared; `line`
    gives the connection, once there is one.
    """

    def __init__(
        self,
        parts: Parts,
        tables: dict[str, dict[str, dict[str, Any]]],
        *,
        reboot: Callable[[], object],
        line: Callable[[], Line],
    ) -> None:
        self.parts = parts
        self._tables = tables
        self._line = line
        self._reboot = reboot
        self._online = False
        self.evses: Sequence[IEVSE] = parts.device.evses
        self.clock = StationClock(
            parts.clock,
            monotonic=parts.monotonic,
            trust_computer=parts.settings.behaviour.trust_computer_clock,
        )
        self.journal = parts.journal
        self.configuration = configure(
            parts.settings, self.evses, self.journal, saved=self._table(configuration.TABLE)
        )
        # Rooms name others that are built later, by functions; who is needed at once comes first.
        self._build_line()
        self._build_transactions()
        self._build_authorization()
        self._build_connectors()
        self._build_registration()
        self._build_commands()
        self.upkeep = self._upkeep()
        self.peer.responders = self._responders()
        self._wire()

    def _build_line(self) -> None:
        """The central system, as far as it is at the other end of a line."""
        self.peer = Peer(
            self.parts.factory,
            {},
            clock=self.parts.clock,
            screen=lambda action: self.registration.answers,
            on_connected=lambda: self.registration.line_up(),
            on_disconnected=lambda reason: self.registration.line_down(),
            on_frame=lambda direction, frame: self.heartbeat.exchanged(),
            on_invalid=lambda reason: self.upkeep.invalid_message(reason),
        )
        self.central = CentralSystem(self.peer, timeout_s=self._timeout_s)

    def _timeout_s(self) -> int:
        return self.configuration.integer("MessageTimeout") or 30

    def _build_transactions(self) -> None:
        """Transactions and what carries them."""
        parts, behaviour = self.parts, self.parts.settings.behaviour
        number = self.configuration.integer
        self.transactions = transactions_.Transactions(
            self.journal,
            Words(parts.factory),
            data_limit=lambda: number("StopTransactionMaxMeterValues") or 100,
            saved=self._table(transactions_.TABLE),
            saved_data=self._table(transactions_.DATA_TABLE),
        )
        self.outbox = outbox.Outbox(
            self.journal,
            parts.clock,
            TransactionDelivery(
                self.peer,
                self.transactions,
                lambda id_tag, info: self.authorizer.learn(id_tag, info),
                self._timeout_s,
            ),
            outbox.RetryRules(
                partial(number, "TransactionMessageAttempts"),
                partial(number, "TransactionMessageRetryInterval"),
                behaviour.retry_message_id == "new",
            ),
            limit=behaviour.queue_limit,
            saved=self._table(outbox.TABLE),
        )
        self.transactions.send_through(self.outbox)

    def _build_authorization(self) -> None:
        """Tags."""
        self.cache = cache.AuthorizationCache(
            self.configuration,
            self.clock,
            self.journal,
            limit=self.parts.settings.behaviour.cache_limit,
            saved=self._table(cache.TABLE),
        )
        self.local_list = locallist.LocalList(
            self.configuration,
            self.journal,
            self.cache,
            saved=self._table(locallist.TABLE),
            saved_version=self._table(locallist.VERSION_TABLE),
        )
        self.authorizer = Authorizer(
            self.configuration,
            self.clock,
            self.local_list,
            self.cache,
            ask=self.central.authorize,
            is_online=lambda: self.registration.online,
            on_conflict=lambda id_tag: self.station.remark("LocalListConflict"),
        )

    def _build_connectors(self) -> None:
        """EVSEs at work, and what holds them back."""
        settings = self.parts.settings
        self.outlets = {number: self._outlet(number, evse) for number, evse in self._numbered()}
        self.limits = limits.Limits(
            self.outlets,
            self.transactions,
            self.configuration,
            self.clock,
            self.journal,
            grid=settings.grid,
            switches=settings.readings,
            saved=self._table(limits.TABLE),
        )
        self.availability = availability_.Availability(
            list(self.outlets),
            self.journal,
            in_transaction=lambda c: self.transactions.on_connector(c) is not None,
            saved=self._table(availability_.TABLE),
        )
        self.bays: dict[int, Bay] = {}
        self.reservations = reservations_.Reservations(
            self.bays,
            self.configuration,
            self.clock,
            self.journal,
            saved=self._table(reservations_.TABLE),
        )
        self.station = self._reporter(0)
        surroundings = Surroundings(
            self.clock,
            self.configuration,
            self.journal,
            self.transactions,
            self.limits,
            Holding(self.availability, self.reservations),
        )
        for connector_id, outlet in self.outlets.items():
            self.bays[connector_id] = Bay(outlet, self._reporter(connector_id), surroundings)

    def _build_registration(self) -> None:
        """Being known to the central system, and staying so."""
        behaviour = self.parts.settings.behaviour
        self.registration = boot.Registration(
            self.clock,
            self.configuration,
            self.journal,
            self.central.boot,
            self._facts,
            default_wait_s=behaviour.boot_retry_s,
            saved=self._table(boot.TABLE),
        )
        self.heartbeat = Heartbeat(
            self.clock,
            self.configuration,
            self.central.heartbeat,
            despite_traffic=behaviour.heartbeat_despite_traffic,
        )

    def _build_commands(self) -> None:
        """What people and the central system do."""
        self.access = Access(
            self.bays, self.authorizer, self.reservations, may_charge=self._may_charge
        )
        self.remote = Remote(
            self.bays,
            self.authorizer,
            self.reservations,
            self.limits,
            self.transactions,
            self.configuration,
        )
        self.reset = Reset(
            self.bays.values(),
            self.evses,
            self.transactions,
            self.outbox,
            self.clock,
            self.configuration,
            reboot=lambda: self._boot_anew("Reset"),
            on_failure=lambda: self.station.remark("ResetFailure"),
        )
        self.trigger = RemoteTrigger(
            self.bays, self.station, self.registration, self.heartbeat, self.configuration
        )
        self.recovery = Recovery(
            self.outlets,
            self.transactions,
            self.limits,
            self.clock,
            resume=self.parts.settings.behaviour.resume_transactions,
            stopped_cleanly=PARTING in self._table(boot.TABLE),
        )
        if PARTING in self._table(boot.TABLE):
            self.journal.keep(Delete(boot.TABLE, PARTING))

    def _upkeep(self) -> Upkeep:
        """Firmware, files, certificates, security."""
        return Upkeep(
            House(
                parts=self.parts,
                clock=self.clock,
                configuration=self.configuration,
                central=self.central,
                availability=self.availability,
                bays=self.bays,
                trigger=self.trigger,
                reboot=lambda: self._boot_anew("new firmware"),
                line=self._line,
            ),
            self._tables,
        )

    # From boot to reboot.

    async def start(self) -> None:
        """Bring the connectors to work; whoever connects the line comes after."""
        await self.recovery.run()
        listener = DeviceListener(self.evses, self.bays, self.access)
        for evse in self.evses:
            evse.listen(listener)
        self.reservations.start()
        for bay in self.bays.values():
            bay.start()
        self._show_station()
        self._compare_intervals()
        self.limits.refresh()
        self.upkeep.start()

    @property
    def is_alive(self) -> bool:
        """It is at work, and its limits are those that should be in force."""
        return self.limits.sound

    def part(self) -> None:
        """Somebody has the program stopped: note that it is no power cut."""
        self.journal.keep(Put(boot.TABLE, PARTING, {}))

    def stop(self) -> None:
        """Stop at once; everything that counts is on the disk or on its way there."""
        self.registration.stop()
        self.heartbeat.stop()
        self.outbox.stop()
        for bay in self.bays.values():
            bay.stop()
        self.station.stop()
        self.limits.stop()
        self.reservations.stop()
        self.upkeep.stop()

    # Building.

    def _table(self, name: str) -> dict[str, dict[str, Any]]:
        return self._tables.get(name, {})

    def _numbered(self) -> list[tuple[int, IEVSE]]:
        """Connector numbers begin with 1; 0 is the station."""
        return list(enumerate(self.evses, start=1))

    def _outlet(self, number: int, evse: IEVSE) -> Outlet:
        saved = self._table(register.TABLE).get(str(number))
        return Outlet(
            number,
            evse,
            register.EnergyRegister.restored(number, saved),
            self.clock,
            voltage_v=self.parts.settings.grid.voltage_v,
        )

    def _reporter(self, connector_id: int) -> StatusReporter:
        return StatusReporter(
            connector_id,
            self.clock,
            self.central.status,
            minimum_s=lambda: self.configuration.integer("MinimumStatusDuration"),
        )

    def _responders(self) -> dict[type, Responder]:
        core = Core(
            bays=self.bays,
            registration=self.registration,
            configuration=self.configuration,
            availability=self.availability,
            cache=self.cache,
            remote=self.remote,
            reset=self.reset,
            data_transfers=self.parts.data_transfers,
            reconnect=lambda: self.upkeep.line_security.renew("new credentials"),
        )
        smart = SmartCharging(limits=self.limits, configuration=self.configuration)
        return {
            **core.responders(),
            **smart.responders(),
            **LocalAuthList(local_list=self.local_list).responders(),
            **Reserving(reservations=self.reservations).responders(),
            **self.trigger.responders(),
            **self.upkeep.responders(),
            **self.parts.responders,
        }

    def _wire(self) -> None:
        self.registration.on_accepted = self._accepted
        self.registration.on_change = self._line_changed
        self.limits.on_change = self._limits_changed
        self.transactions.on_confirmed = lambda transaction, info: self.bays[
            transaction.connector_id
        ].confirmed(transaction, info)
        self.availability.on_change = self._availability_changed
        self.reservations.on_change = self._refresh
        self.journal.on_health = self._store_changed
        for bay in self.bays.values():
            bay.on_plugged = partial(self.access.car_came, bay)
            bay.on_status = self._status_changed
        self.configuration.on_change("WebSocketPingInterval", self._ping_interval_changed)
        for key in RETRY_KEYS:
            self.configuration.on_change(key, self._compare_intervals)

    # What follows from what.

    def _accepted(self) -> None:
        """B-10, B-11: the status of everything, then what has waited."""
        self._go_online(afresh=True)

    def _line_changed(self) -> None:
        if self.registration.online and not self._online:
            self._go_online(afresh=False)
        elif not self.registration.online and self._online:
            self._online = False
            self.outbox.offline()
            self.upkeep.offline()
            self.heartbeat.offline()
            for reporter in self._reporters():
                reporter.offline()

    def _go_online(self, *, afresh: bool) -> None:
        self._online = True
        for reporter in self._reporters():
            reporter.online(afresh=afresh)
        self.heartbeat.online()
        self.outbox.online()
        self.upkeep.online()

    def _reporters(self) -> list[StatusReporter]:
        return [self.station, *(bay.reporter for bay in self.bays.values())]

    def _limits_changed(self) -> None:
        for bay in self.bays.values():
            bay.limit_changed()

    def _availability_changed(self) -> None:
        self._refresh()
        self._show_station()
        self.reservations.look_around()

    def _status_changed(self) -> None:
        """What one connector does can be the end of a reservation, or make another one the last
        that is free. New firmware waits for the last transaction."""
        if len(self.reservations):
            self.reservations.look_around()
            self._refresh()
        self.upkeep.firmware.look_around()

    def _refresh(self) -> None:
        for bay in self.bays.values():
            bay.refresh()

    def _store_changed(self, healthy: bool) -> None:
        self._show_station()
        if not healthy:
            self.upkeep.store_is_full()

    def _boot_anew(self, why: str) -> None:
        self.upkeep.rebooting(why)
        self._reboot()

    def _show_station(self) -> None:
        if not self.availability.station:
            self.station.show(Condition(Status.UNAVAILABLE))
        elif not self.journal.healthy:
            self.station.show(STORE_TROUBLE)
        else:
            self.station.show(Condition(Status.AVAILABLE))

    def _ping_interval_changed(self) -> None:
        interval_s = self.configuration.integer("WebSocketPingInterval")
        self._line().change(ping_interval_s=float(interval_s))
        self._compare_intervals()

    def _compare_intervals(self) -> None:
        """C-12: a dead line has to be noticed before a message has used up its attempts."""
        ping_s = self.configuration.integer("WebSocketPingInterval")
        attempts, interval_s = (self.configuration.integer(key) for key in RETRY_KEYS)
        if ping_s >= attempts * interval_s:
            log.warn(
                "WebSocketPingInterval ({ping_s} s) should be below {retry_s} s, the time in which"
                " a message uses up its attempts, or a dead line may eat messages",
                ping_s=ping_s,
                retry_s=attempts * interval_s,
            )

    def _may_charge(self) -> bool:
        """B-14, B-15: not before somebody has accepted us, nor without a valid time."""
        behaviour = self.parts.settings.behaviour
        known = self.registration.ever_accepted or behaviour.charge_before_first_accepted
        return known and self.clock.valid

    def _facts(self) -> boot.BootFacts:
        settings, info = self.parts.settings, self.parts.device.info
        return boot.BootFacts(
            vendor=settings.vendor,
            model=settings.model,
            serial_number=settings.serial_number or info.serial_number or None,
            charge_box_serial_number=settings.charge_box_serial_number,
            firmware_version=settings.firmware_version or info.firmware_version or None,
            iccid=settings.iccid,
            imsi=settings.imsi,
            meter_type=info.meter_type or None,
            meter_serial_number=info.meter_serial_number or None,
        )
