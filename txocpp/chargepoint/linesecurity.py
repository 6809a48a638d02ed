"""How the line to the central system is secured, and what happens when that is changed (security
white paper A00, A05; rules X-01 to X-03, X-12, X-30 to X-32).

A new security profile or certificate has to prove itself: if no connection comes about with it, the
charge point goes back to what has worked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import attrs
from twisted.logger import Logger

from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.owncertificate import OwnCertificates, Pair
from txocpp.chargepoint.roots import Roots
from txocpp.chargepoint.securitylog import Event, SecurityLog
from txocpp.chargepoint.settings import Security
from txocpp.chargepoint.timers import Timers
from txocpp.interfaces import Put
from txocpp.transport.status import ConnectionStatus, Phase, Problem
from txocpp.transport.tls import ClientCertificates

TABLE: Final = "line"
PROVEN: Final = "proven"
RENEWAL_LOOK_S: Final = 0.2
RENEWAL_LOOKS: Final = 25
"""How often, and how many times, to look whether the line has fallen silent."""
ATTEMPTS: Final = 3
"""That may fail with something new before the charge point goes back to the old."""

log = Logger()


@attrs.frozen
class Proven:
    """What a connection has come about with."""

    profile: int | None = None
    certificate: str | None = None
    """Name of the charge point's own certificate."""


class LineSecurity:
    """Decides what the line is made with, and watches it.

    `change` and `reconnect` are those of the line; `busy` tells whether a request of ours waits
    there for its answer.
    """

    def __init__(
        self,
        settings: Security,
        configuration: Configuration,
        roots: Roots,
        own: OwnCertificates,
        events: SecurityLog,
        journal: Journal,
        clock: StationClock,
        *,
        change: Callable[..., None],
        reconnect: Callable[[str], object],
        busy: Callable[[], bool] = lambda: False,
        saved: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.server_chain: tuple[str, ...] = ()
        """Fingerprints of the certificates that the present connection stands on."""
        self._settings = settings
        self._configuration = configuration
        self._roots = roots
        self._own = own
        self._events = events
        self._journal = journal
        self._timers = Timers(clock)
        self._clock = clock
        self._change = change
        self._reconnect = reconnect
        self._busy = busy
        self._proven = Proven(**(saved or {}).get(PROVEN, {}))
        self._failures = 0
        self._connecting = False
        self._last_problem: tuple[Problem, str] | None = None
        roots.in_use = lambda: self.server_chain
        roots.on_change = self._apply
        configuration.check("SecurityProfile", self.may_raise)
        configuration.on_change("SecurityProfile", self._profile_changed)
        configuration.on_change("AuthorizationKey", self._key_changed)

    @property
    def profile(self) -> int:
        """The security profile in force."""
        return self._configuration.integer("SecurityProfile")

    def start(self) -> None:
        """Wait for the certificates whose time has not come yet."""
        self._watch_certificates()

    def stop(self) -> None:
        """Wait no longer."""
        self._timers.cancel_all()

    def wire(self) -> dict[str, Any]:
        """What the line is to be made with; nothing that is left to whoever makes it."""
        url = self._url(self.profile)
        key = self._configuration.text("AuthorizationKey")
        if url is None:
            return {"password": bytes.fromhex(key)} if key else {}
        password = bytes.fromhex(key) if key else self._settings.password
        return {
            "url": url,
            # with profile 3 the certificate speaks for the charge point.
            "password": None if self.profile == 3 else password,
            "certificates": self._certificates(),
        }

    def may_raise(self, value: str) -> bool:
        """X-30: never the same or a lower one; only with what the new one needs."""
        wanted = int(value)
        if wanted <= self.profile:
            return False
        if wanted < 3 and not self._has_password():
            return False
        if wanted == 1:
            return True
        trusts = bool(self._roots.pems()) or self._settings.certificates.trust_roots is not None
        if self._url(wanted) is None or not trusts:
            return False
        return wanted == 2 or self._shown() is not None

    def certificate_changed(self) -> None:
        """There is another certificate of our own: show it as soon as its time has come (X-42)."""
        if self._watch_certificates() and self.profile == 3:
            self._failures = 0
            self._apply()
            self.renew("a new certificate")

    def renew(self, reason: str, looks: int = RENEWAL_LOOKS) -> None:
        """Make a new connection, as soon as nothing of ours is out on the present one.

        A central system that finds the line closed when it wants to answer us may stop reading
        before our own last answer, the one to the change that makes us reconnect.
        """
        if looks and self._busy():
            self._timers.set("renewal", RENEWAL_LOOK_S, lambda: self.renew(reason, looks - 1))
        else:
            self._reconnect(reason)

    # What the line tells.

    def status_changed(self, status: ConnectionStatus) -> None:
        """The line is up, down or on its way."""
        if status.phase is Phase.CONNECTED:
            self._connected(status)
        elif status.phase is Phase.WAITING:
            self.server_chain = ()
            if self._connecting and status.problem is not None:
                self._failed(status.problem, status.reason)
        self._connecting = status.phase is Phase.CONNECTING

    def _connected(self, status: ConnectionStatus) -> None:
        self._failures = 0
        self._last_problem = None
        self.server_chain = status.server_chain
        if status.server_chain:
            self._roots.connected(status.server_chain)
        shown = self._pair() if self.profile == 3 else None
        certificate = self._proven.certificate if shown is None else shown.name
        proven = Proven(self.profile, certificate)
        if proven != self._proven:
            self._proven = proven
            self._journal.keep(Put(TABLE, PROVEN, attrs.asdict(proven)))

    def _failed(self, problem: Problem, reason: str) -> None:
        if (problem, reason) != self._last_problem:
            self._last_problem = (problem, reason)
            event = _event(problem, reason)
            if event is not None:
                self._events.note(event, reason)
        self._failures += 1
        if self._failures >= ATTEMPTS:
            self._failures = 0
            self._go_back()

    def _go_back(self) -> None:
        """X-32: what is new does not work."""
        former, present = self._proven.profile, self.profile
        if former is not None and former < present:
            log.warn("no connection with security profile {new}, back", new=present)
            self._configuration.set_and_save("SecurityProfile", str(former))
            return
        pair = self._pair()
        if present == 3 and pair is not None and pair.name != self._proven.certificate:
            self._own.discard(pair)
            self._events.note(Event.INVALID_OWN_CERTIFICATE, "no connection comes about with it")
            self._apply()

    # What follows from what.

    def _profile_changed(self) -> None:
        self._failures = 0
        self._events.note(Event.RECONFIGURATION, f"SecurityProfile is {self.profile}")
        self._apply()

    def _key_changed(self) -> None:
        """X-14: the change is noted, the key is not."""
        self._events.note(Event.RECONFIGURATION, "AuthorizationKey changed")
        self._apply()

    def _apply(self) -> None:
        """From the next connection on."""
        changes = self.wire()
        if changes:
            self._change(**changes)

    def _watch_certificates(self) -> bool:
        """Be there when the time of the next one comes; True if a present one can be shown."""
        begin = self._own.next_begin()
        if begin is not None:
            wait_s = min(86_400.0, (begin - self._clock.now()).total_seconds() + 1)
            self._timers.set("certificate", wait_s, self.certificate_changed)
        pair = self._pair()
        return pair is not None and pair.name != self._proven.certificate

    def _has_password(self) -> bool:
        key = self._configuration.text("AuthorizationKey")
        return bool(key) or self._settings.password is not None

    def _pair(self) -> Pair | None:
        return self._own.current()

    def _shown(self) -> ClientCertificates | None:
        """The certificate to show: one that was signed for us wins over one in a file."""
        pair = self._pair()
        given = self._settings.certificates
        if pair is not None:
            return attrs.evolve(given, certificate=pair.chain, private_key=pair.key)
        return given if given.certificate is not None else None

    def _certificates(self) -> ClientCertificates:
        shown = self._shown() if self.profile == 3 else None
        return attrs.evolve(shown or self._settings.certificates, more_roots=self._roots.pems())

    def _url(self, profile: int) -> str | None:
        """Where the central system is to be found by a profile (X-04): TLS where it demands it."""
        url = self._settings.urls.get(profile, self._settings.url)
        if url is None:
            return None
        parts = urlsplit(url)
        secure = profile >= 2 and parts.scheme == "ws"
        return urlunsplit(parts._replace(scheme="wss")) if secure else url


def _event(problem: Problem, reason: str) -> Event | None:
    """The security event in a failure to connect (X-21, X-22, X-24)."""
    if problem is Problem.CREDENTIALS:
        return Event.FAILED_TO_AUTHENTICATE
    if problem is Problem.CERTIFICATE:
        return Event.INVALID_CENTRAL_CERTIFICATE
    if problem is Problem.TLS:
        words = reason.lower()
        if "protocol version" in words or "unsupported protocol" in words:
            return Event.INVALID_TLS_VERSION
        if "cipher" in words or "handshake failure" in words:
            return Event.INVALID_TLS_CIPHER_SUITE
    return None
