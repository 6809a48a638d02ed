"""A simulated charger that takes its orders by evlink/1, as a wall box with a controller does.

The verbs are obeyed by the simulated EVSEs; leases, starts and the host that is in charge are kept
here. Unlike the in-process device it forgets limits and permissions when its power fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from txocpp.devices.esp8266.words import KNOWN_FAULTS
from txocpp.devices.simulation.device import SimulatedDevice
from txocpp.devices.simulation.evlink_session import DeviceLink
from txocpp.devices.simulation.evlink_update import Updates
from txocpp.devices.simulation.evlink_verbs import MOST_MA, obey
from txocpp.devices.simulation.evse import SimulatedEVSE
from txocpp.evse import EVSEState, Fault, FaultCode, MeterReading, OfferReason, ResetKind
from txocpp.interfaces import IEVSEListener

LOCKOUT_S: Final = 5.0
WRONG_PROOFS: Final = 3
ANSWER_FIRST_S: Final = 0.2

_WORDS: Final = {
    FaultCode.CONNECTOR_LOCK_FAILURE: "lock",
    FaultCode.EV_COMMUNICATION_ERROR: "diode",
    FaultCode.GROUND_FAILURE: "rcd",
    FaultCode.HIGH_TEMPERATURE: "temp",
    FaultCode.OVER_CURRENT_FAILURE: "over_i",
    FaultCode.OVER_VOLTAGE: "over_u",
    FaultCode.POWER_METER_FAILURE: "meter",
    FaultCode.POWER_SWITCH_FAILURE: "relay_open",
    FaultCode.READER_FAILURE: "reader",
    FaultCode.UNDER_VOLTAGE: "under_u",
    FaultCode.WEAK_SIGNAL: "rssi",
}


@attrs.define
class Lease:
    """What the host asked of one connector, and how long that holds."""

    limit_ma: int = 0
    asked: bool = False
    lapsed: bool = False
    ttl_s: float = 0.0
    timer: IDelayedCall | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@implementer(IEVSEListener)
class EvlinkSimulation:
    """The controller in front of a `SimulatedDevice`; provides `LinkOwner` for its links.

    `conf` is what its flash holds; `starts` counts on from how often it was started before.
    """

    def __init__(
        self,
        device: SimulatedDevice,
        *,
        key: bytes | None = None,
        insecure: bool = False,
        starts: int = 0,
    ) -> None:
        self.device = device
        self.key = key
        self.insecure = insecure
        self.starts = starts
        self.conf: dict[str, Any] = {"fb": 0, "boot": 0, "up": 0, "max": 0, "imp": 1000, "name": ""}
        self._start_reason = "power"
        self._powered = False
        self._resetting: IDelayedCall | None = None
        self.on_power: Callable[[bool], None] = lambda on: None
        """Told when the power goes and comes."""
        self.on_start: Callable[[int], None] = lambda starts: None
        """Told the number of each start."""
        self._clock = device.clock
        self._started_at = self._clock.seconds()
        self._host: DeviceLink | None = None
        self.updates = Updates(self)
        self.leases = {evse.number: Lease() for evse in device.evses}
        self._told: dict[int, dict[str, Any]] = {}
        self._wrong_proofs = 0
        self._locked_until = 0.0
        self._every_s = 0
        self._reporting: IDelayedCall | None = None
        for evse in device.evses:
            evse.listen(self)

    def stop(self) -> None:
        """No timer is left."""
        for lease in self.leases.values():
            lease.stop()
        if self._resetting is not None and self._resetting.active():
            self._resetting.cancel()
        self.updates.stop()
        self.report_every(0)

    @property
    def uptime_ms(self) -> int:
        """Since the last start."""
        return int((self._clock.seconds() - self._started_at) * 1000)

    # LinkOwner

    def greeting(self) -> dict[str, Any]:
        """Who this is and what it can do."""
        evses = self.device.evses
        one = evses[0].capabilities
        abilities = ["pwm", "relay", "meter", "fail", "tag"]
        abilities += ["lock"] if one.has_lock else []
        abilities += ["ph"] if one.can_switch_phases else []
        steps = [[int(step * 1000) for step in evse.capabilities.steps_a] for evse in evses]
        few = {"steps": steps} if any(steps) else {}
        return {
            "id": self.device.info.serial_number,
            "fw": f"simulated {self.device.info.firmware_version}",
            "hw": "simulated",
            "boot": self.starts,
            "why": self._start_reason,
            "nc": len(evses),
            "cap": ",".join(abilities),
            "max": [int(evse.capabilities.maximum_current_a * 1000) for evse in evses],
            "ph": [evse.capabilities.phases for evse in evses],
            "rx": 256,
            "up": self.uptime_ms,
            "v": 1,
            **few,
        }

    def boot(self) -> tuple[int, dict[str, Any]]:
        """Uptime and members of the event ``boot``."""
        greeting = self.greeting()
        return self.uptime_ms, {name: greeting[name] for name in ("id", "fw", "boot", "why")}

    def make_nonce(self) -> bytes:
        """Fresh random bytes."""
        return os.urandom(16)

    def is_engaged(self, link: DeviceLink) -> bool:
        """Another host is carrying an update."""
        host = self._host
        other = host is not None and host is not link and host.is_open
        return other and self.updates.under_way

    def opened(self, link: DeviceLink) -> None:
        """The newest host with a proof is the one in charge."""
        if self._host is not None and self._host is not link:
            self._host.close()
        self._host = link
        self.updates.heard()
        self.report_every(0)

    def renewed(self) -> None:
        """All leases begin anew; one that has lapsed stays so until the next ``limit``."""
        for evse in self.device.evses:
            lease = self.leases[evse.number]
            if lease.asked and not lease.lapsed:
                self.lend(evse)

    def proof_shown(self, right: bool, now: float) -> None:
        """The third wrong one in a row earns a pause."""
        self._wrong_proofs = 0 if right else self._wrong_proofs + 1
        if self._wrong_proofs >= WRONG_PROOFS:
            self._wrong_proofs = 0
            self._locked_until = now + LOCKOUT_S

    def is_locked_out(self, now: float) -> bool:
        """The pause lasts."""
        return now < self._locked_until

    def request(self, verb: str, args: dict[str, Any], link: DeviceLink) -> dict[str, Any]:
        """Obey one request."""
        return obey(self, verb, args, link)

    # IEVSEListener

    def state_changed(self, evse: Any, state: EVSEState) -> None:
        """Tell the host; a power cut ends the session and everything that was promised."""
        if self._powered and not state.online:
            self._lose_power()
        elif not self._powered and self.device.online:
            self._start()
        elif self._powered:
            self.tell(evse)

    def tag_presented(self, evses: Sequence[Any], id_tag: str) -> None:
        """One reader at each connector, or one for all of them (``c`` 0)."""
        number = evses[0].number if len(evses) == 1 else 0
        self._event("tag", {"c": number, "uid": id_tag})

    def measured(self, evse: Any, reading: MeterReading) -> None:
        """A simulated EVSE sends no reading by itself."""

    # Power

    def restart_soon(self, kind: ResetKind) -> None:
        """Restart on demand; the answer goes out first."""
        for evse in self.device.evses:
            evse.forget_permission()
        self._start_reason = "soft"
        self._resetting = self._clock.callLater(ANSWER_FIRST_S, self.device.restart, kind)

    def _lose_power(self) -> None:
        self._powered = False
        if self._host is not None:
            self._host.close()
            self._host = None
        self.report_every(0)
        self.updates.give_up()
        self._told.clear()
        for evse in self.device.evses:
            self.leases[evse.number].stop()
            self.leases[evse.number] = Lease()
            evse.forget_permission()
        self.on_power(False)

    def _start(self) -> None:
        self._powered = True
        self.starts += 1
        self._started_at = self._clock.seconds()
        self.updates.started()
        self.apply_all()
        self.on_start(self.starts)
        self.on_power(True)

    # Leases

    def lend(self, evse: SimulatedEVSE) -> None:
        """The lease of this EVSE begins now."""
        lease = self.leases[evse.number]
        lease.stop()
        lease.timer = self._clock.callLater(lease.ttl_s, self._lapse, evse)

    def _lapse(self, evse: SimulatedEVSE) -> None:
        lease = self.leases[evse.number]
        lease.timer = None
        lease.lapsed = True
        self.apply(evse)
        self.tell(evse)

    def _effective_ma(self, lease: Lease) -> int:
        if self.updates.under_way:
            return 0
        fallback_ma, most_ma = self.conf["fb"], self.conf["max"] or MOST_MA
        if not lease.asked:
            limit_ma = self.conf["boot"]
        elif not lease.lapsed:
            limit_ma = lease.limit_ma
        else:
            limit_ma = fallback_ma if self.conf["up"] else min(fallback_ma, lease.limit_ma)
        return int(min(limit_ma, most_ma))

    def apply_all(self) -> None:
        """Offer everybody what lease and settings allow."""
        for evse in self.device.evses:
            self.apply(evse)

    def apply(self, evse: SimulatedEVSE, phases: int | None = None) -> None:
        """Offer what lease and settings allow."""
        limit_a = Decimal(self._effective_ma(self.leases[evse.number])) / 1000
        evse.set_current_limit(limit_a, phases).addErrback(lambda _: None)

    def _why(self, state: EVSEState, lease: Lease) -> str:
        if state.reason is OfferReason.FAULT:
            return "fault"
        if not state.available:
            return "off"
        if not lease.asked:
            return "boot"
        if lease.lapsed:
            return "fb"
        most_ma = self.conf["max"] or MOST_MA
        too_much = state.reason is OfferReason.MAXIMUM or lease.limit_ma > most_ma
        return "max" if too_much else "host"

    # What is told

    def state(self, evse: SimulatedEVSE) -> dict[str, Any]:
        """The members of ``status`` and of the event ``state``."""
        state, outlet, lease = evse.state, evse.outlet, self.leases[evse.number]
        told: dict[str, Any] = {
            "c": evse.number,
            "cp": state.car.value,
            "on": int(state.energised),
            "ma": int(state.offered_a * 1000),
            "lim": lease.limit_ma,
            "why": self._why(state, lease),
            "gate": int(outlet.permitted),
            "av": int(state.available),
            "ph": state.phases,
        }
        if state.locked is not None:
            told["lk"] = int(state.locked)
        silent = outlet.meter_silent
        told["f"] = [_word(fault) for fault in state.faults]
        told["wh"] = None if silent else outlet.energy_wh
        told["w"] = None if silent else outlet.car.power_uw // 1_000_000
        return told

    def reading(self, evse: SimulatedEVSE) -> dict[str, Any]:
        """The members of ``meter``; a silent meter has none."""
        self.device.remember()
        reading = evse.outlet.read()
        told: dict[str, Any] = {"c": evse.number}
        if reading.power_w is None:
            return told
        told["wh"] = reading.energy_wh
        told["w"] = int(reading.power_w)
        told["mv"] = [int(volt * 1000) for volt in reading.voltages_v]
        told["ma"] = [int(ampere * 1000) for ampere in reading.currents_a]
        told["hz"] = int((reading.frequency_hz or 0) * 100)
        told["pf"] = int((reading.power_factor or 0) * 100)
        return told

    def tell(self, evse: SimulatedEVSE) -> None:
        """An event, if anything but the meter has changed."""
        state = self.state(evse)
        news = {name: value for name, value in state.items() if name not in ("wh", "w")}
        if news != self._told.get(evse.number):
            self._told[evse.number] = news
            self._event("state", state)

    def _event(self, name: str, data: dict[str, Any]) -> None:
        if self._host is not None:
            self._host.event(name, self.uptime_ms, data)

    def report_every(self, seconds: int) -> None:
        """Send readings by itself from now on; 0: not any more."""
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        self._every_s = seconds
        if seconds:
            self._reporting = self._clock.callLater(seconds, self._report)

    def _report(self) -> None:
        self._reporting = None
        self.report_every(self._every_s)
        for evse in self.device.evses:
            self._event("meter", self.reading(evse))


def _word(fault: Fault) -> str:
    """A fault in the protocol's words."""
    if fault.vendor_code in KNOWN_FAULTS:
        return fault.vendor_code
    return _WORDS.get(fault.code, fault.code.value)
