"""Thousands of simulated charge points from one process, for whoever tests a central system.

Rules of this room: a station here is as small as it can be and still behave: what it says, when,
and what it never forgets are as OCPP 1.6 has it; what a person cannot see from the central system
(a device, a disk, a tag cache) is not there. It may be pointed at any central system, so nothing
here knows ours. Whoever wants one charge point with everything takes `txocpp.chargepoint`.

Two times: what happens at a station (cars, batteries, OCPP's intervals) runs on simulated time,
which may be faster; what belongs to the network (answers, lost lines, reconnecting) and what the
central system says in absolute time (charging profiles, reservations) is real.
"""

from txocpp.load.fleet import Census, Fleet
from txocpp.load.report import Report
from txocpp.load.settings import LoadSettings

__all__ = ["Census", "Fleet", "LoadSettings", "Report"]
