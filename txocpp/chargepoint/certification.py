"""Having the charge point's key certified: on demand, and before the certificate ends (security
white paper A02, A03; rules X-40 to X-42, X-45)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.certificates import BadCertificate
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.owncertificate import OwnCertificates
from txocpp.chargepoint.securitylog import Event, SecurityLog
from txocpp.chargepoint.timers import Timers
from txocpp.errors import CallFailed

DAILY_S: Final = 86_400.0

log = Logger()


class Certification:
    """Asks for certificates and takes them in.

    `sign` sends a request in PEM; it gives whether the central system passes it on, or fails with a
    `CallFailed`.
    """

    def __init__(
        self,
        own: OwnCertificates,
        configuration: Configuration,
        events: SecurityLog,
        clock: StationClock,
        sign: Callable[[str], Deferred[bool]],
    ) -> None:
        self._own = own
        self._configuration = configuration
        self._events = events
        self._sign = sign
        self._timers = Timers(clock)

    @property
    def possible(self) -> bool:
        """Whether it is known to whom a certificate would be made out."""
        return bool(self._configuration.text("CpoName"))

    def online(self) -> None:
        """The central system can be asked: look now, and every day."""
        self._look()

    def stop(self) -> None:
        """Look no more."""
        self._timers.cancel_all()

    def request(self) -> None:
        """Make a new key pair and ask for its certificate (X-40)."""
        try:
            request = self._own.request()
        except (BadCertificate, OSError) as error:
            log.error("no certificate can be asked for: {reason}", reason=str(error))
            return
        self._sign(request).addCallbacks(self._answered, self._unanswered)

    def received(self, chain: str) -> bool:
        """A certificate has come; False if it is no good (X-42, X-45)."""
        longest = self._configuration.integer("CertificateSignedMaxChainSize")
        try:
            if len(chain) > longest:
                raise BadCertificate(f"a chain of {len(chain)} characters, at most {longest}")
            self._own.install(chain)
        except BadCertificate as bad:
            self._events.note(Event.INVALID_OWN_CERTIFICATE, str(bad))
            return False
        except OSError as error:
            log.error("the certificate cannot be kept: {reason}", reason=str(error))
            return False
        self._events.note(Event.RECONFIGURATION, "a new certificate of the charge point")
        return True

    def _look(self) -> None:
        self._timers.set("look", DAILY_S, self._look)
        if self.possible and self._own.wants_renewal():
            self.request()

    def _answered(self, accepted: bool) -> None:
        if not accepted:
            log.warn("the central system does not have our certificate signed")

    def _unanswered(self, failure: Failure) -> None:
        failure.trap(CallFailed)
        log.warn("no certificate was asked for: {reason}", reason=failure.getErrorMessage())
