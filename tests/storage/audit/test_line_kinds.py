"""Each audit term has a kind, and the command line offers all kinds."""

from __future__ import annotations

import pytest

from sightline.arguments import stores
from storage.audit.line_kinds import LineKind, kind_of


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("events.search", LineKind.SEARCH),
        ("journey.read", LineKind.SEARCH),
        ("event.snapshot", LineKind.VIDEO),
        ("camera.whep", LineKind.VIDEO),
        ("camera.playlist", LineKind.VIDEO),
        ("camera.recording", LineKind.EXPORT),
        ("export.download", LineKind.EXPORT),
        ("camera.trigger", LineKind.CHANGE),
        ("command.user_add", LineKind.CHANGE),
        ("event.correct", LineKind.CHANGE),
        ("watch.match", LineKind.CHANGE),
        ("session.start_openid", LineKind.SIGN_IN),
        ("sessions.list", LineKind.SIGN_IN),
        ("people.list", LineKind.LIST),
        ("hold.read", LineKind.LIST),
        ("command.audit_list", LineKind.LIST),
        ("future.term", LineKind.CHANGE),
    ],
)
def test_a_term_has_its_kind(term: str, kind: LineKind) -> None:
    assert kind_of(term, {}) is kind


@pytest.mark.parametrize(
    ("file_format", "kind"),
    [("csv", LineKind.EXPORT), ("ndjson", LineKind.EXPORT), ("json", LineKind.SEARCH)],
)
def test_a_search_whose_answer_is_a_file_is_an_export(file_format: str, kind: LineKind) -> None:
    assert kind_of("events.search", {"plate": "鄂C*", "format": file_format}) is kind


def test_the_command_offers_every_kind() -> None:
    assert tuple(LineKind) == stores.KINDS
