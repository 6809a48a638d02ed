"""The charge point's OCPP 1.6: translates between messages and the rooms, feature by feature.

Only these modules know message classes. `central` says what the charge point wants to say, the
others answer what the central system asks.
"""
