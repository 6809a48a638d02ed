"""OCPP 1.6 Smart Charging on Twisted and Autobahn: charge point, central system, library."""

__version__ = "0.1.0"
