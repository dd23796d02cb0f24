"""Short-lived tickets in addresses, for what can send no headers: who looks, why, at which camera
and time, or feed. Signed; pure.

A ticket stands for the headers of the look that it was given for: whoever comes with it is recorded
as that person, with that reason.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, fields

from domain.clock import NS_PER_S
from domain.errors import Unauthenticated
from domain.people import Person, Role

TICKET = "ticket"
"""The name of the parameter."""
LIFETIME_S = 600
"""After the playing time of what it opens: somebody may pause."""
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Ticket:
    person: str
    role: str
    reason: str
    case: str
    opens: str
    """A camera's id, or the path of a feed."""
    from_ns: int
    to_ns: int
    expires_s: int

    def covers(self, from_ns: int, to_ns: int) -> bool:
        """Whether some of [from, to) is in what the ticket opens."""
        return from_ns < self.to_ns and self.from_ns < to_ns

    @property
    def holder(self) -> Person:
        return Person(self.person, Role(self.role))


def ticket_for(
    person: Person, reason: str, case: str, opens: str, span: tuple[int, int], now_ns: int
) -> Ticket:
    """A ticket to [from, to) of a camera, for as long as that plays and a little more; or to a
    feed, for as little.
    """
    expires_s = (now_ns + span[1] - span[0]) // NS_PER_S + LIFETIME_S
    return Ticket(person.name, person.role.value, reason, case, opens, *span, expires_s)


def write_ticket(key: bytes, ticket: Ticket) -> str:
    said = json.dumps(asdict(ticket), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_mac(key, said) + said).decode().rstrip("=")


def read_ticket(key: bytes, text: str, now_ns: int) -> Ticket:
    """The ticket that `text` is. Raises Unauthenticated where it is none of ours, or is over."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("this is no ticket; use addresses as they came") from error
    mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, said)):
        raise Unauthenticated("this ticket is none of ours; use addresses as they came")
    known = {field.name for field in fields(Ticket)}
    ticket = Ticket(**{name: value for name, value in json.loads(said).items() if name in known})
    if ticket.expires_s <= now_ns // NS_PER_S:
        raise Unauthenticated("this ticket is over; ask again for what gave it")
    return ticket


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, b"ticket\n" + said, hashlib.sha256).digest()[:_MAC_BYTES]
