"""A charger of your own: the whole driver for a SimpleEVSE-WiFi, and a charge point that uses it.

    python examples/own_charger.py http://192.168.1.30 ws://127.0.0.1:9000/ocpp

docs/add-your-own-charger.md walks through it.
"""

import sys
from decimal import Decimal
from json import loads

import attrs
import treq
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import LoopingCall, react
from zope.interface import implementer

from txocpp.chargepoint import websocket_charge_point
from txocpp.errors import DeviceOffline, DeviceRefused
from txocpp.evse import Capabilities, CarState, DeviceInfo, EVSEState, MeterReading
from txocpp.interfaces import IEVSE, IEVSEDevice

CARS = {1: CarState.ABSENT, 2: CarState.CONNECTED, 3: CarState.READY}


@implementer(IEVSE, IEVSEDevice)
class SimpleEVSE(Service):
    capabilities = Capabilities(maximum_current_a=Decimal(32), phases=3)
    info = DeviceInfo(vendor="evracing", model="SimpleEVSE-WiFi")

    def __init__(self, clock, url, http=treq):
        self.evses, self.state, self._reading = (self,), EVSEState(online=False), MeterReading()
        self._clock, self._url, self._http, self._listener = clock, url, http, None
        self._limit_a, self._permitted, self._available = Decimal(0), False, True
        self._looking = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._looking.clock = clock

    def startService(self):
        super().startService()
        self._looking.start(2)

    def stopService(self):
        self._looking.stop()
        return self.permit(False).addErrback(lambda failure: failure.trap(DeviceOffline))

    def listen(self, listener):
        self._listener = listener

    def set_current_limit(self, limit_a, phases=None):
        self._limit_a = limit_a
        return Deferred.fromCoroutine(self._tell())

    def permit(self, energise, *, at_once=False):
        self._permitted = energise
        return Deferred.fromCoroutine(self._tell())

    def set_available(self, available):
        self._available = available
        return Deferred.fromCoroutine(self._tell())

    def set_lock(self, locked):
        return fail(DeviceRefused("a SimpleEVSE has a fixed cable"))

    def read_meter(self):
        return Deferred.fromCoroutine(self._look()).addCallback(lambda _: self._reading)

    def reset(self, kind):
        return self.permit(False)  # it cannot be restarted from here; open is the next best

    async def _ask(self, path, **params):
        try:
            answer = await self._http.get(self._url + path, params=params, timeout=5)
            return await answer.content()
        except CancelledError:
            raise
        except Exception as error:  # whatever the network does
            raise DeviceOffline(f"{self._url}: {error}") from None

    async def _tell(self):
        active = self._permitted and self._available and self._limit_a >= 6
        if active:
            await self._ask("/setCurrent", current=min(int(self._limit_a), 32))
        await self._ask("/setStatus", active="true" if active else "false")
        await self._look()

    async def _look(self):
        try:
            state = self._read(loads(await self._ask("/getParameters"))["list"][0])
        except (DeviceOffline, LookupError, TypeError, ValueError):
            state = attrs.evolve(self.state, online=False)
        if state != self.state:
            self.state = state
            if self._listener is not None:
                self._clock.callLater(0, self._listener.state_changed, self, state)

    def _read(self, seen):
        car = CARS.get(seen["vehicleState"], CarState.PILOT_SHORT)
        if car is CarState.ABSENT and self.state.plugged:
            self._permitted = False  # the next car needs a permission of its own
        energy_wh, power_w = int(seen["meterReading"] * 1000), int(seen["actualPower"] * 1000)
        self._reading = MeterReading(energy_wh=energy_wh, power_w=Decimal(power_w))
        offered_a = Decimal(seen["actualCurrent"] if seen["evseState"] else 0)
        on = car is CarState.READY and offered_a > 0
        return EVSEState(car, on, offered_a, available=self._available)


async def main(reactor, box="http://192.168.1.30", url="ws://127.0.0.1:9000/ocpp"):
    charge_point = websocket_charge_point(reactor, url, "OWN-1", SimpleEVSE(reactor, box))
    charge_point.startService()
    await Deferred()  # for ever


if __name__ == "__main__":
    react(lambda *args: Deferred.fromCoroutine(main(*args)), sys.argv[1:])
