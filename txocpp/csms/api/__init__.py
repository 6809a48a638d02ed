"""The HTTP door of the central system: JSON for programs, events for live pages.

``endpoint`` says how a route is declared, the modules named after their subject declare them, and
``site`` serves them.
"""

from txocpp.csms.api import (
    accounts,
    health,
    live,
    messages,
    openapi,
    operations,
    procedures,
    schedules,
    shortcuts,
    stations,
    tags,
    transactions,
)

ROUTES = (
    stations.routes,
    schedules.routes,
    operations.routes,
    shortcuts.routes,
    procedures.routes,
    tags.routes,
    transactions.routes,
    messages.routes,
    live.routes,
    accounts.routes,
    health.routes,
    openapi.routes,
)
"""All routes, by subject."""
