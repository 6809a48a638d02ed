"""The HTTP door of the central system: JSON for programs, events for live pages.

``endpoint`` says how a route is declared, the modules named after their subject declare them, and
``site`` serves them.
"""

from txocpp.csms.api import (
    accounts,
    batches,
    health,
    live,
    messages,
    openapi,
    operations,
    passwords,
    procedures,
    schedules,
    shortcuts,
    stations,
    summary,
    tags,
    transactions,
)

ROUTES = (
    summary.routes,
    stations.routes,
    passwords.routes,
    schedules.routes,
    operations.routes,
    batches.routes,
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
