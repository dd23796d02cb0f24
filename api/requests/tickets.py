"""Short-lived signed tickets in URLs, for clients that cannot send headers.

A ticket names the person and the token, the reason, the case, and the camera and range or the feed
that it opens. It replaces the headers of the request that it was issued for: an access with the
ticket is recorded for that person with that reason. A ticket grants nothing by itself: at each use
the guard looks up what the person may do then. Tickets are signed with a key that only the API has.
This module does no I/O.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, fields

from domain.clock import NS_PER_MS, NS_PER_S
from domain.errors import Unauthenticated
from domain.people import Person
from domain.signatures import SIGNATURE_BYTES, ApiSigner

TICKET = "ticket"
"""The name of the query parameter."""
LIFETIME_S = 600
"""The validity of a ticket in addition to the duration of its range: a person may pause."""
_CONTEXT = b"sightline ticket"


@dataclass(frozen=True, slots=True)
class Basis:
    """On which approval or emergency access a request passes the access policy.

    Both ids are empty where neither was needed.
    """

    approval: str = ""
    emergency: str = ""

    @property
    def terms(self) -> dict[str, str]:
        """The basis in the audit log."""
        named = {"approval": self.approval, "emergency": self.emergency}
        return {name: id_ for name, id_ in named.items() if id_}


@dataclass(frozen=True, slots=True)
class Ticket:
    """The content of a ticket."""

    person: str
    token: str
    """The id of the token with which the ticket was requested."""
    reason: str
    case: str
    opens: str
    """A camera's id, or the path of a feed."""
    from_ns: int
    to_ns: int
    expires_s: int
    approval: str
    """The id of the approval that the ticket rests on, or empty."""
    emergency: str
    """The id of the emergency access that the ticket rests on, or empty."""

    @property
    def has_range(self) -> bool:
        """Whether it opens recordings, and not a feed or a live view."""
        return self.from_ns < self.to_ns

    def covers(self, from_ns: int, to_ns: int) -> bool:
        """Return whether the ticket's range overlaps [from, to), which may be a whole segment."""
        return from_ns < self.to_ns and self.from_ns < to_ns

    def contains(self, from_ns: int, to_ns: int) -> bool:
        """Return whether [from, to) lies within the ticket's range; URLs have milliseconds."""
        return self.from_ns - self.from_ns % NS_PER_MS <= from_ns and to_ns <= self.to_ns


def ticket_for(
    person: Person,
    reason: str,
    case: str,
    opens: str,
    span: tuple[int, int],
    now_ns: int,
    basis: Basis,
) -> Ticket:
    """Issue a ticket to [from, to) of a camera, or to a feed with an empty range.

    It is valid for the duration of the range and `LIFETIME_S`, and rests on what the request that
    issued it rested on.
    """
    expires_s = (now_ns + span[1] - span[0]) // NS_PER_S + LIFETIME_S
    return Ticket(
        person=person.name,
        token=person.token,
        reason=reason,
        case=case,
        opens=opens,
        from_ns=span[0],
        to_ns=span[1],
        expires_s=expires_s,
        approval=basis.approval,
        emergency=basis.emergency,
    )


def write_ticket(signer: ApiSigner, ticket: Ticket) -> str:
    content = json.dumps(asdict(ticket), separators=(",", ":"), ensure_ascii=False).encode()
    signature = signer.sign(_CONTEXT, content)
    return base64.urlsafe_b64encode(signature + content).decode().rstrip("=")


def read_ticket(signer: ApiSigner, text: str, now_ns: int) -> Ticket:
    """Verify and parse a ticket. Raises Unauthenticated for a foreign or expired one."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("the ticket is malformed; use URLs without a change") from error
    signature, content = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not signer.is_signed(_CONTEXT, content, signature):
        raise Unauthenticated("the ticket was not signed by this site; use URLs without a change")
    given = json.loads(content)
    names = [field.name for field in fields(Ticket)]
    if not given.keys() >= set(names):
        raise Unauthenticated(
            "the ticket is of an earlier version; repeat the request that issued it"
        )
    ticket = Ticket(**{name: given[name] for name in names})
    if ticket.expires_s <= now_ns // NS_PER_S:
        raise Unauthenticated("the ticket has expired; repeat the request that issued it")
    return ticket
