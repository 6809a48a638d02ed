"""One connector and the cars that come to it: a machine of few states (OCPP 1.6 §4.9).

Rules of this file: the connector knows what it does next, one step at a time; what is said about
it goes through its station.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs
from twisted.internet.interfaces import IDelayedCall

from txocpp.load.car import LEAST_A, WH_J, Car, some_car
from txocpp.load.outbox import Transaction
from txocpp.load.samples import Reading, meter_value
from txocpp.messages.v16 import (
    AuthorizationStatus,
    ChargePointStatus,
    MeterValuesRequest,
    ReadingContext,
    Reason,
    StartTransactionRequest,
    StopTransactionRequest,
)
from txocpp.smartcharging import Profile

if TYPE_CHECKING:
    from txocpp.load.station import Station

TO_THE_READER_S: Final = (3.0, 15.0)
"""From the cable to the tag, and from a remote start to the cable."""
TO_THE_WHEEL_S: Final = (10.0, 60.0)
"""From the end of a transaction to the empty space."""
GIVES_UP_S: Final = 30.0
"""After a tag that is not accepted."""
UNPLUGGED: Final = 0.3
"""How many drivers pull the plug instead of showing the tag again."""
FIRST_REGISTER_WH: Final = 5_000_000


@attrs.frozen
class Reservation:
    """A connector is kept for somebody (§5.13)."""

    number: int
    id_tag: str
    expiry: IDelayedCall


class Connector:
    """One connector of a station."""

    __slots__ = (
        "_accounted_s",
        "_operative_after",
        "_register_j",
        "_sampling",
        "_station",
        "_step",
        "car",
        "current_a",
        "number",
        "offered_a",
        "operative",
        "reservation",
        "status",
        "told",
        "transaction",
    )

    def __init__(self, station: Station, number: int) -> None:
        self.number = number
        self.status = ChargePointStatus.AVAILABLE
        self.told: ChargePointStatus | None = None
        """The status that the central system was told last (S-11)."""
        self.car: Car | None = None
        self.transaction: Transaction | None = None
        self.reservation: Reservation | None = None
        self.offered_a = Decimal(0)
        self.current_a = Decimal(0)
        self.operative = True
        self._operative_after: bool | None = None
        self._station = station
        self._register_j = station.dice.randint(0, FIRST_REGISTER_WH) * WH_J
        self._accounted_s = 0.0
        self._step: IDelayedCall | None = None
        self._sampling: IDelayedCall | None = None

    @property
    def register_wh(self) -> int:
        """The meter, in whole Wh (M-01)."""
        return self._register_j // WH_J

    @property
    def is_free(self) -> bool:
        """Anybody may come."""
        return self.status is ChargePointStatus.AVAILABLE

    # --- cars come and go

    def expect_car(self) -> None:
        """The next car comes by chance, some time."""
        rate = self._station.settings.cars_per_hour
        if rate > 0 and self._station.open_for_cars:
            self._next(self._station.dice.expovariate(rate / 3600), self._arrive)

    def _arrive(self) -> None:
        if not self.is_free or not self._station.registration.ever_accepted:
            self.expect_car()
            return
        self.plug_in()
        self._next(self._station.dice.uniform(*TO_THE_READER_S), self._present)

    def plug_in(self) -> None:
        """A car is there."""
        if self.car is None:
            self.car = some_car(self._station.dice)
        self.show(ChargePointStatus.PREPARING)

    def _present(self) -> None:
        """Somebody holds a tag to the reader."""
        settings, dice = self._station.settings, self._station.dice
        tag = settings.tag(dice.randint(1, settings.tags))
        if self._station.is_online:
            self._station.authorize(tag).addCallback(self._judged, tag)
        else:
            self.begin(tag)

    def _judged(self, status: AuthorizationStatus | None, tag: str) -> None:
        if self.status is not ChargePointStatus.PREPARING or self.transaction is not None:
            return
        if status is AuthorizationStatus.ACCEPTED or (
            status is None and not self._station.is_online
        ):
            self.begin(tag)
        else:
            self._next(GIVES_UP_S, self._leave)

    def come_for(self, tag: str, profile: Profile | None) -> None:
        """A remote start: somebody will plug in, and needs no reader (R-05)."""
        self.show(ChargePointStatus.PREPARING)
        self._next(self._station.dice.uniform(*TO_THE_READER_S), self._came, tag, profile)

    def _came(self, tag: str, profile: Profile | None) -> None:
        self.plug_in()
        self.begin(tag, profile)

    def _leave(self) -> None:
        """The cable is out."""
        self.car = None
        if self._operative_after is not None:
            self.operative, self._operative_after = self._operative_after, None
        usable = self.operative and self._station.operative
        self.show(ChargePointStatus.AVAILABLE if usable else ChargePointStatus.UNAVAILABLE)
        self.expect_car()

    # --- transactions

    def begin(self, tag: str, profile: Profile | None = None) -> None:
        """Start a transaction (§4.8)."""
        station = self._station
        if self.transaction is not None or self.car is None or not station.open_for_cars:
            return
        reservation = self._end_reservation()
        self.transaction = Transaction(
            connector=self.number,
            id_tag=tag,
            meter_start=self.register_wh,
            started_at=station.time.now(),
            began=station.time.real_now(),
        )
        self._accounted_s = station.time.seconds()
        if profile is not None:
            station.limits.bind(profile, self.number)
        request = StartTransactionRequest(
            connector_id=self.number,
            id_tag=tag,
            meter_start=self.transaction.meter_start,
            timestamp=self.transaction.started_at,
            reservation_id=None if reservation is None else reservation.number,
        )
        station.outbox.add(request, self.transaction)
        station.share()
        self._next(station.dice.expovariate(1 / station.settings.stay_s), self._depart)
        self._plan_sample()

    def _depart(self) -> None:
        """The driver is back."""
        if self.transaction is None:
            return
        if self._station.dice.random() < UNPLUGGED:
            self.stop(Reason.EV_DISCONNECTED)
        else:
            self.stop(Reason.LOCAL, self.transaction.id_tag)

    def stop(self, reason: Reason, tag: str | None = None) -> None:
        """End the transaction, if there is one (§4.10)."""
        transaction, station = self.transaction, self._station
        if transaction is None:
            return
        self.account()
        if self._sampling is not None and self._sampling.active():
            self._sampling.cancel()
        self._sampling = None
        self.transaction = None
        self.current_a = self.offered_a = Decimal(0)
        request = StopTransactionRequest(
            id_tag=tag,
            meter_stop=self.register_wh,
            timestamp=station.time.now(),
            transaction_id=_number(transaction),
            reason=reason,
        )
        station.outbox.add(request, transaction)
        station.limits.end_transaction(self.number)
        self.show(ChargePointStatus.FINISHING)
        station.share()
        if station.open_for_cars:
            self._next(station.dice.uniform(*TO_THE_WHEEL_S), self._leave)
        else:
            self._leave()

    # --- energy

    def offer(self, offered_a: Decimal) -> None:
        """The limit for the car is this now."""
        if self.transaction is None or self.car is None:
            return
        self.account()
        self.offered_a = offered_a
        self._draw()

    def account(self) -> None:
        """Meter what was drawn until now."""
        now_s = self._station.time.seconds()
        elapsed_s, self._accounted_s = now_s - self._accounted_s, now_s
        if self.car is not None and self.current_a:
            drawn_j = int(float(self.car.power_w(self.current_a)) * elapsed_s)
            self._register_j += self.car.take(drawn_j)

    def _draw(self) -> None:
        car = self.car
        assert car is not None
        self.current_a = car.current_a(self.offered_a)
        if self.current_a:
            self.show(ChargePointStatus.CHARGING)
        elif self.offered_a < LEAST_A:
            # S-06: also where the car would not take anything.
            self.show(ChargePointStatus.SUSPENDED_EVSE)
        else:
            self.show(ChargePointStatus.SUSPENDED_EV)

    def reading(self) -> Reading:
        """What the connector shows now."""
        return Reading(
            at=self._station.time.now(),
            energy_wh=self.register_wh,
            current_a=self.current_a,
            offered_a=self.offered_a,
            car=self.car,
        )

    def meter_values(self, context: ReadingContext) -> MeterValuesRequest:
        """The message about it."""
        running = self.transaction
        return MeterValuesRequest(
            connector_id=self.number,
            transaction_id=None if running is None else _number(running),
            meter_value=(meter_value(self.reading(), context, self._station.keys.measurands()),),
        )

    def _plan_sample(self) -> None:
        interval_s = self._station.keys.number("MeterValueSampleInterval")
        self._sampling = None
        if interval_s:
            self._sampling = self._station.time.later(interval_s, self._sample)

    def _sample(self) -> None:
        if self.transaction is None:
            return
        self.account()
        self._draw()
        request = self.meter_values(ReadingContext.SAMPLE_PERIODIC)
        self._station.outbox.add(request, self.transaction)
        self._plan_sample()

    # --- at the wish of the central system

    def make_operative(self, operative: bool) -> bool:
        """Put the connector in or out of service; False: when its transaction has ended (AV-02)."""
        if self.transaction is not None or self.car is not None:
            # AV-10: the opposite wish withdraws one that still waits.
            self._operative_after = None if operative == self.operative else operative
            return operative == self.operative
        self.operative = operative
        self._end_reservation()
        usable = operative and self._station.operative
        self.show(ChargePointStatus.AVAILABLE if usable else ChargePointStatus.UNAVAILABLE)
        return True

    def reserve(self, reservation: Reservation) -> None:
        """Keep the connector for somebody."""
        self._end_reservation()
        self.reservation = reservation
        self.show(ChargePointStatus.RESERVED)

    def cancel_reservation(self) -> None:
        """Anybody may come again."""
        if self._end_reservation() is not None and self.status is ChargePointStatus.RESERVED:
            self.show(ChargePointStatus.AVAILABLE)

    def restart(self) -> None:
        """The station was off for a moment: whoever still stands here goes."""
        self.told = None
        if self.transaction is None and self.car is not None:
            self._leave()

    # --- inside

    def show(self, status: ChargePointStatus) -> None:
        """The status is this now."""
        if status is not self.status:
            self.status = status
            self._station.tell_status(self)

    def _end_reservation(self) -> Reservation | None:
        reservation, self.reservation = self.reservation, None
        if reservation is not None and reservation.expiry.active():
            reservation.expiry.cancel()
        return reservation

    def _next(self, delay_s: float, what: Any, *with_: Any) -> None:
        """There is one next step at a time."""
        if self._step is not None and self._step.active():
            self._step.cancel()
        self._step = self._station.time.later(delay_s, what, *with_)

    def freeze(self) -> None:
        """Nothing happens here any more."""
        self._end_reservation()
        for timer in (self._step, self._sampling):
            if timer is not None and timer.active():
                timer.cancel()
        self._step = self._sampling = None


def _number(transaction: Transaction) -> int:
    """As far as it is known; the outbox completes it (TX-31)."""
    return -1 if transaction.number is None else transaction.number
