"""The host's side of evlink/1, the line protocol to a small controller in the charger.

``frames`` bytes and tags, ``keys`` the shared key in its file, ``session`` who said what when (time
is an argument, no Twisted), ``words`` what the device's words mean to a charge point, ``energy`` a
register that never goes back, ``evse`` and ``device`` the providers of the interfaces.
"""
