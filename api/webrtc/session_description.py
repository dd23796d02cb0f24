"""Reads the SDP offer of a WebRTC player (RFC 8866), as far as an answer depends on it. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.errors import BadInput

_DIRECTIONS = frozenset({"inactive", "sendonly", "recvonly", "sendrecv"})
_DIRECTION = "direction"
"""The name under which the attributes above are kept; their value is the direction."""
_OF_SESSION = (_DIRECTION, "fingerprint", "ice-ufrag", "setup")
"""The attributes of the session that apply to its sections. A section may have its own."""
_HEAD = re.compile("m=([^ ]+) [0-9]{1,5} ([A-Z/]+) (.+)")
_RTPMAP = re.compile("([0-9]{1,3}) ([^ /]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_NUMBER = re.compile("[0-9]{1,3}")
_PAYLOAD_TYPES = frozenset({*range(72), *range(77, 128)})
"""Others cannot be distinguished from RTCP on the same port (RFC 5761, 4)."""


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """What a section says about a payload type."""

    payload_type: int
    name: str
    """The name of the encoding in upper case."""
    clock_hz: int
    channels: int
    parameters: Mapping[str, str]
    """The format parameters (`a=fmtp`), by name."""
    feedback: tuple[str, ...]
    """The forms of feedback (`a=rtcp-fb`), as `nack pli`."""


class OfferedMedia:
    """One media section, with the attributes of the session that apply to it."""

    def __init__(self, head: str, session: Mapping[str, list[str]]) -> None:
        """Raises BadInput if `head`, its first line, cannot be read."""
        match = _HEAD.fullmatch(head)
        if match is None:
            raise _unreadable(head)
        self.kind, self.protocol = match[1], match[2]
        self.formats = tuple(match[3].split())
        is_rtp = self.kind in ("audio", "video")
        if not self.formats or (is_rtp and not all(map(_is_payload_type, self.formats))):
            raise _unreadable(head)
        self._attributes = defaultdict(list, {one: [*session[one]] for one in _OF_SESSION})

    def add(self, line: str) -> None:
        _add(self._attributes, line)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an attribute in their order, those of the session first."""
        return tuple(self._attributes.get(name, ()))

    def value(self, name: str) -> str:
        """Return the last value of an attribute, which has precedence; empty without any."""
        return (self.values(name) or ("",))[-1]

    @property
    def receives(self) -> bool:
        return self.value(_DIRECTION) in ("recvonly", "sendrecv", "")

    @property
    def has_rtcp_mux(self) -> bool:
        return "rtcp-mux" in self._attributes

    def codecs(self) -> list[OfferedCodec]:
        """Return the payload types that have an rtpmap. Raises BadInput if one cannot be read."""
        parameters = dict(_with_format(self.values("fmtp")))
        feedback = defaultdict[str, list[str]](list)
        for number, value in _with_format(self.values("rtcp-fb")):
            feedback[number].append(value)
        found = []
        for value in self.values("rtpmap"):
            match = _RTPMAP.fullmatch(value)
            if match is None or not _is_payload_type(match[1]):
                raise _unreadable(f"a=rtpmap:{value}")
            found.append(
                OfferedCodec(
                    int(match[1]),
                    match[2].upper(),
                    int(match[3]),
                    int(match[4] or 1),
                    _parameters(parameters.get(match[1], "")),
                    (*feedback["*"], *feedback[match[1]]),
                )
            )
        return found


@dataclass(frozen=True, slots=True)
class OfferedSession:
    """The media sections of an offer, in order."""

    media: tuple[OfferedMedia, ...]
    bundled: frozenset[str]
    """The names (`a=mid`) of the sections that can share one transport."""


def read_description(text: str) -> OfferedSession:
    """Read an offer. Raises BadInput, with the line that cannot be read."""
    session = defaultdict[str, list[str]](list)
    media: list[OfferedMedia] = []
    for line in text.splitlines():
        if line.startswith("m="):
            media.append(OfferedMedia(line, session))
        elif media:
            media[-1].add(line)
        else:
            _add(session, line)
    groups = (value.split() for value in session["group"] if value)
    bundles = (names for kind, *names in groups if kind == "BUNDLE")
    return OfferedSession(tuple(media), frozenset(next(bundles, ())))


def _add(attributes: defaultdict[str, list[str]], line: str) -> None:
    if line.startswith("a="):
        name, _, value = line[2:].partition(":")
        if name in _DIRECTIONS:
            name, value = _DIRECTION, name
        attributes[name].append(value.strip())


def _with_format(values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each value as the payload type that it begins with, and the rest."""
    for value in values:
        number, _, rest = value.partition(" ")
        yield number, " ".join(rest.split())


def _parameters(text: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, _, value in parts if name}


def _is_payload_type(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and int(text) in _PAYLOAD_TYPES


def _unreadable(line: str) -> BadInput:
    return BadInput(
        "the SDP offer cannot be read at {line}; send the one that "
        "RTCPeerConnection.createOffer() returns",
        line=repr(line[:80]),
    )
