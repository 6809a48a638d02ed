"""A charge point of your own: a simulated charger, a car, and a vendor's message.

Run it: python examples/charge_point.py [URL]
"""

import sys

from twisted.internet import task
from twisted.internet.defer import Deferred

from txocpp.chargepoint import overview, websocket_charge_point
from txocpp.devices.simulated import SimulatedDevice


async def main(reactor, url="ws://127.0.0.1:9000/ocpp"):
    device = SimulatedDevice(reactor)
    charge_point = websocket_charge_point(
        reactor, url, "EXAMPLE", device, configuration={"MeterValueSampleInterval": 10}
    )
    charge_point.on_data_transfer("org.example", lambda message_id, data: f"you said {data}")
    charge_point.startService()

    await task.deferLater(reactor, 2)
    device.evse(1).plug_in()
    device.swipe("TAG1")

    def show():
        (connector,) = overview(charge_point)["connectors"]
        print(connector["status"], connector["offered_a"], "A,", connector["why"])

    task.LoopingCall(show).start(5, now=False)
    await Deferred()  # for ever


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
