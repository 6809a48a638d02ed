"""Who vouches for new firmware, and whether it is still what was vouched for (security white paper
L01; rules X-70, X-71, X-74)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from txocpp.chargepoint.certificates import (
    BadCertificate,
    read_chain,
    require_path,
    require_strength,
    require_valid,
)
from txocpp.chargepoint.clock import StationClock
from txocpp.chargepoint.filetransfer.attempts import pause
from txocpp.errors import TxocppError

BLOCK: Final = 1 << 20


class BadSignature(TxocppError):
    """A file is not what its signer has signed."""


@attrs.frozen
class Signature:
    """Over the whole file, with SHA-256: RSA-PSS, or ECDSA."""

    certificate: str
    """Of the signer, in PEM; further ones are links to a manufacturer's root."""
    value: str
    """Base64."""


def require_signer(signature: Signature, roots: Iterable[x509.Certificate], at: datetime) -> None:
    """The signer is vouched for by one of the manufacturer's roots. Raises `BadCertificate`."""
    signer, *between = read_chain(signature.certificate)
    require_valid(signer, at)
    require_strength(signer)
    if not isinstance(signer.public_key(), (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise BadCertificate("neither an RSA nor an elliptic curve key")
    require_path(signer, between, roots, at)


def require_signature(signature: Signature, digest: bytes) -> None:
    """The file with this SHA-256 is the one that was signed. Raises `BadSignature`."""
    key = read_chain(signature.certificate)[0].public_key()
    hashed = Prehashed(hashes.SHA256())
    try:
        value = base64.b64decode("".join(signature.value.split()), validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            masks = padding.MGF1(hashes.SHA256())
            key.verify(value, digest, padding.PSS(masks, padding.PSS.AUTO), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, digest, ec.ECDSA(hashed))
        else:
            raise BadSignature("neither an RSA nor an elliptic curve key")
    except (InvalidSignature, UnsupportedAlgorithm):
        raise BadSignature("the signature does not fit the file") from None
    except binascii.Error:
        raise BadSignature("the signature is not Base64") from None


async def digest_of(file: Path, clock: StationClock) -> bytes:
    """SHA-256 of a file, however large, without holding up everything else. Raises `OSError`."""
    digest = sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            digest.update(block)
            await pause(clock, 0)
    return digest.digest()
