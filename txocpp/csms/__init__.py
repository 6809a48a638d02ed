"""The central system: charge points connect to it, and it tells them what they may do.

`CentralSystem` is the part for applications that bring their own logic; the service behind
``twistd ocpp-csms`` puts a store, rules and an API on top of it.
"""

from txocpp.csms.central import Admission, CentralSystem
from txocpp.csms.station import Registration, Station

__all__ = ["Admission", "CentralSystem", "Registration", "Station"]
