"""The HTTP door of the central system: JSON for programs, events for live pages.

``endpoint`` says how a route is declared, the modules named after their subject declare them, and
``site`` puts them on a port.
"""
