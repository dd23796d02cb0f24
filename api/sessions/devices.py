"""The cookie of a browser in which people have signed in before, for delays of its own.

Its value is the id of the browser and a keyed hash for each of the last people: an attacker who
signs in as one person gets no such cookie for another. The cookie gives no right. Pure.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field

from api.access.cookies import BrowserCookie
from domain.clock import S_PER_DAY
from domain.derived_keys import keyed_hash

DEVICE_COOKIE = BrowserCookie("sightline-device", max_age_s=400 * S_PER_DAY)
_MOST_PEOPLE = 8
_MARK_DIGITS = 32
_VALUE = re.compile(rf"([0-9a-f]{{32}})((?:\.[0-9a-f]{{{_MARK_DIGITS}}}){{1,{_MOST_PEOPLE}}})")


@dataclass(frozen=True, slots=True)
class Devices:
    """Reads and writes the values of these cookies."""

    key: bytes = field(repr=False)

    def id_for(self, value: str | None, person: str) -> str | None:
        """Return the id of the browser if this person has signed in there before, or None."""
        device, marks = _parsed(value)
        own = self._mark(device, person)
        return device if any(hmac.compare_digest(own, mark) for mark in marks) else None

    def value_after(self, value: str | None, person: str) -> str:
        """Return the value after a sign-in: `person` last, and the people before."""
        device, marks = _parsed(value)
        device = device or secrets.token_hex(16)
        own = self._mark(device, person)
        others = [mark for mark in marks if mark != own]
        return ".".join([device, *others[1 - _MOST_PEOPLE :], own])

    def _mark(self, device: str, person: str) -> str:
        return keyed_hash(self.key, f"{device}\n{person}")[:_MARK_DIGITS]


def _parsed(value: str | None) -> tuple[str, list[str]]:
    match = _VALUE.fullmatch(value or "")
    return (match[1], match[2][1:].split(".")) if match else ("", [])
