"""One-time codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

It is the adapter of pyotp; no other module imports that library.
"""

from __future__ import annotations

import base64
import hmac
import os
import re

import pyotp

from domain.clock import NS_PER_S

STEP_S = 30
_NEAR_STEPS = (0, -1, 1)
"""A code of the step before or after is accepted too, for clocks that differ."""
_RECOVERY_BYTES = 10
RECOVERY_CODES = 10
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return a new secret of 160 bits in Base32, as authenticator apps read it."""
    return pyotp.random_base32()


def enrolment_uri(secret: str, person: str, site: str) -> str:
    """Return the `otpauth://` URI that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=person, issuer_name=site)


def step_of_code(secret: str, code: str, now_ns: int) -> int | None:
    """Return the time step that a code belongs to, or None if it is of no step near now.

    The caller accepts each step once.
    """
    if _CODE.fullmatch(code) is None:
        return None
    totp, step = pyotp.TOTP(secret, interval=STEP_S), now_ns // NS_PER_S // STEP_S
    near = [step + offset for offset in _NEAR_STEPS]
    found = [one for one in near if hmac.compare_digest(totp.at(one * STEP_S), code)]
    return found[0] if found else None


def new_recovery_codes() -> tuple[str, ...]:
    """Return codes of 80 bits for a person who has lost the authenticator app."""
    raw = (os.urandom(_RECOVERY_BYTES) for _ in range(RECOVERY_CODES))
    words = (base64.b32encode(one).decode().lower() for one in raw)
    return tuple("-".join(re.findall("....", word)) for word in words)


def plain_recovery_code(text: str) -> str:
    """Return a recovery code without the dashes, spaces and capitals of its written form."""
    return re.sub(r"[\s-]", "", text).lower()
