"""Reads session descriptions (SDP, RFC 8866), as far as the offers of WebRTC viewers are used.

Attributes that are not used are not looked at, so they may have any value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.errors import BadInput

_MEDIA = re.compile(r"m=(\S+) [0-9]{1,5}(?:/[0-9]{1,5})? ([A-Z/]+) (\S.*)")
_CODEC = re.compile(r"([0-9]{1,3}) ([^ /]+)/([0-9]{1,9})(?:/([0-9]{1,2}))?")
_DIRECTIONS = ("inactive", "sendonly", "recvonly", "sendrecv")
MOST_PAYLOAD_TYPES = 128


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section, with its encoding."""

    payload_type: int
    name: str
    """The name of the encoding in capital letters."""
    clock_hz: int
    channels: int
    parameters: Mapping[str, str]
    """The parameters of its format (`fmtp`)."""
    feedback: tuple[str, ...]
    """The kinds of RTCP feedback that its receiver sends."""


@dataclass(frozen=True, slots=True)
class DescribedMedia:
    """One section of media. The session's attributes that apply to all sections follow its own."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    """Names and values in order; the value of an attribute without one is empty."""

    def values(self, name: str) -> Iterator[str]:
        """Yield the values of an attribute that may occur repeatedly."""
        return (value for key, value in self.attributes if key == name)

    def value(self, name: str) -> str | None:
        """Return the value of an attribute, or None if the section lacks it."""
        return next(self.values(name), None)

    @property
    def direction(self) -> str | None:
        return next((name for name, _ in self.attributes if name in _DIRECTIONS), None)

    def codecs(self) -> tuple[Codec, ...]:
        """Return the codecs in order. Raises BadInput if one has no number, name and clock rate."""
        parameters, feedback = self._by_payload_type("fmtp"), self._by_payload_type("rtcp-fb")
        found = []
        for mapping in self.values("rtpmap"):
            matched = _CODEC.fullmatch(mapping)
            if matched is None or int(matched[1]) >= MOST_PAYLOAD_TYPES:
                raise _unreadable(f"a=rtpmap:{mapping}")
            number, name, clock_hz, channels = matched.groups()
            found.append(
                Codec(
                    int(number),
                    name.upper(),
                    int(clock_hz),
                    int(channels or 1),
                    dict(pair for text in parameters[number] for pair in _parameters(text)),
                    (*feedback[number], *feedback["*"]),
                )
            )
        return tuple(found)

    def _by_payload_type(self, name: str) -> defaultdict[str, list[str]]:
        """Return what an attribute says of each payload type; `*` stands for all of them."""
        said: defaultdict[str, list[str]] = defaultdict(list)
        for value in self.values(name):
            number, _, text = value.partition(" ")
            said[number].append(text.strip())
        return said


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A session with its sections."""

    attributes: tuple[tuple[str, str], ...]
    media: tuple[DescribedMedia, ...]

    def bundled(self) -> frozenset[str]:
        """Return the names (`mid`) of the sections that share one transport."""
        groups = (value.split() for name, value in self.attributes if name == "group")
        bundles = (frozenset(group[1:]) for group in groups if group[:1] == ["BUNDLE"])
        return next(bundles, frozenset())


_OF_ALL_SECTIONS = frozenset({"fingerprint", "setup", "ice-ufrag"})
"""Attributes of the session that apply to each section (RFC 8839, 8842)."""


def read_description(text: str) -> SessionDescription:
    """Read a description. Raises BadInput with the line that cannot be read."""
    session: list[str] = []
    sections: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([line])
        else:
            (sections[-1] if sections else session).append(line)
    attributes = tuple(_attributes(session))
    common = tuple(one for one in attributes if one[0] in _OF_ALL_SECTIONS)
    return SessionDescription(attributes, tuple(_media(lines, common) for lines in sections))


def _unreadable(line: str) -> BadInput:
    return BadInput(
        "the SDP offer cannot be read at {line}; send the one that "
        "RTCPeerConnection.createOffer() returns",
        line=repr(line[:80]),
    )


def _media(lines: list[str], common: tuple[tuple[str, str], ...]) -> DescribedMedia:
    matched = _MEDIA.fullmatch(lines[0].rstrip())
    if matched is None:
        raise _unreadable(lines[0])
    kind, protocol, formats = matched.groups()
    own = tuple(_attributes(lines[1:]))
    return DescribedMedia(kind, protocol, tuple(formats.split()), own + common)


def _attributes(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            yield name.strip(), value.strip()


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for one in text.split(";"):
        name, _, value = one.partition("=")
        yield name.strip(), value.strip()
