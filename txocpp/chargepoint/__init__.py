"""The role at the plug: an OCPP charge point with any number of connectors.

As a program it is ``twistd ocpp-cp``. In a program of your own::

    from twisted.internet import reactor
    from txocpp.chargepoint import websocket_charge_point
    from txocpp.devices.simulated import SimulatedDevice

    charge_point = websocket_charge_point(
        reactor, "ws://127.0.0.1:9000/ocpp", "CP-1", SimulatedDevice(reactor)
    )
    charge_point.on_data_transfer("org.example", lambda message_id, data: "hello")
    charge_point.startService()
    reactor.run()

`ChargePoint` itself takes any line, store and clock. The rooms behind it are wired in `assembly`.
"""

from txocpp.chargepoint.daemon import websocket_charge_point
from txocpp.chargepoint.overview import overview
from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import Behaviour, StationSettings

__all__ = [
    "Behaviour",
    "ChargePoint",
    "LineSettings",
    "StationSettings",
    "overview",
    "websocket_charge_point",
]
