"""The kind of an audit line, by its audit term: what an auditor looks for first."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class LineKind(StrEnum):
    """What a recorded call or command is about."""

    SEARCH = "search"  # events, journeys, plates, and feeds of them
    VIDEO = "video"  # pictures, clips, recordings that are played, live video
    EXPORT = "export"  # material that leaves the site as a file
    CHANGE = "change"  # of people, watches, holds, cases, registries and others
    SIGN_IN = "sign_in"  # sign-ins, sessions and their ends
    LIST = "list"  # the reading of records that are no evidence, such as people


_SEARCHES = frozenset(
    {
        "events.search",
        "events.histogram",
        "events.feed",
        "events.feed_ticket",
        "event.read",
        "plates.list",
        "journey.read",
        "journeys.impossible",
        "watches.feed",
        "watches.feed_ticket",
    }
)
_EXPORTS = frozenset(
    {
        "audit.export",
        "camera.recording",
        "camera.recording_ticket",
        "command.export",
        "export.create",
        "export.delete",
        "export.download",
    }
)
_FILE_FORMATS = frozenset({"csv", "ndjson"})
"""A search with such a `format` is answered by a file of up to 10,000 events."""
_VIDEO = frozenset({"event.snapshot", "event.crop", "event.clip"})
_NO_VIDEO_OF_CAMERAS = frozenset({"camera.trigger"})
_READ_ACTIONS = ("read", "list", "audit_list")


def kind_of(term: str, terms: Mapping[str, str]) -> LineKind:
    """Return the kind of a line with this audit term and these `terms` of its call.

    A term that is not known is a change.
    """
    subject, _, action = term.partition(".")
    if term == "events.search" and terms.get("format") in _FILE_FORMATS:
        return LineKind.EXPORT
    if term in _SEARCHES:
        return LineKind.SEARCH
    if term in _EXPORTS:
        return LineKind.EXPORT
    if term in _VIDEO or (subject == "camera" and term not in _NO_VIDEO_OF_CAMERAS):
        return LineKind.VIDEO
    if subject in ("session", "sessions"):
        return LineKind.SIGN_IN
    return LineKind.LIST if action in _READ_ACTIONS else LineKind.CHANGE
