"""The requests of one viewing are one entry of the audit log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.requests.audit_recorder import AuditRecorder
from api.requests.declarations import Declaration, Scope
from api.requests.request_trace import Trace
from domain.clock import NS_PER_HOUR, ManualClock
from domain.errors import AuditUnavailable
from domain.people import Person, Right, Role
from storage.audit import viewings
from storage.audit.viewings import Viewed
from storage.site.audit import AuditLog

LI, WANG = Person("li", Role.OPERATOR), Person("wang", Role.OPERATOR)
PLAYLIST = Declaration(
    "GET",
    "/playlist",
    lambda: None,
    Right.RECORDINGS_READ,
    Scope.CAMERA,
    audit="camera.playlist",
    is_evidence_access=True,
)
SEGMENT = replace(PLAYLIST, audit="camera.segment", path="/segment")
HOUR = (0, NS_PER_HOUR)


class Player:
    """A recorder, and requests of people."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder = folder / "audit"
        self.clock = clock
        self.recorder = AuditRecorder(AuditLog(self.folder, clock), clock)

    def request(
        self,
        viewed: Viewed,
        person: Person = LI,
        declaration: Declaration = PLAYLIST,
        status: int = 200,
        **changes: str,
    ) -> None:
        trace = Trace("r", "10.0.0.1", declaration, person, "theft", terms={"id": viewed.of})
        trace.viewed = viewed
        for name, value in changes.items():
            setattr(trace, name, value)
        self.recorder.record_response(trace, status)

    def segment(self, start_s: int, **changes: Any) -> None:
        start_ns = start_s * 10**9
        viewed = Viewed("playback", "gate", start_ns, start_ns + 10**10, HOUR)
        self.request(viewed, declaration=SEGMENT, **changes)

    def lines(self) -> list[dict[str, Any]]:
        self.recorder.viewings.flush()
        return [
            json.loads(line)
            for path in sorted(self.folder.glob("*.jsonl"))
            for line in path.read_text("utf-8").splitlines()
        ]

    def phases(self) -> list[str]:
        return [f"{line['route']} {line['phase']}" for line in self.lines()]


@pytest.fixture
def player(tmp_path: Path) -> Player:
    return Player(tmp_path, ManualClock())


def playlist(camera: str = "gate", hours: tuple[int, int] = (0, 1)) -> Viewed:
    return Viewed("playback", camera, hours[0] * NS_PER_HOUR, hours[1] * NS_PER_HOUR)


def test_a_viewing_has_a_line_before_its_first_byte_and_one_at_its_end(player: Player) -> None:
    player.request(playlist())
    for number in range(300):
        player.segment(number * 10)
        player.request(playlist())
        player.clock.advance(1)
    assert player.phases() == ["camera.playlist access"]
    player.clock.advance(viewings.SILENCE_S)
    first, last = player.lines()
    assert (last["phase"], last["terms"]["requests"]) == ("viewed", "601")
    assert last["terms"]["until"] == "2025-10-09T08:58:19.000Z"
    same = ("person", "role", "address", "reason", "case", "request", "route")
    assert [first[name] for name in same] == [last[name] for name in same]
    assert first["id"] != last["id"]
    player.clock.advance(viewings.SILENCE_S)
    assert len(player.lines()) == 2


def test_after_a_minute_of_silence_a_new_viewing_begins(player: Player) -> None:
    player.request(playlist())
    player.clock.advance(viewings.SILENCE_S)
    player.segment(0)
    assert player.phases() == [
        "camera.playlist access",
        "camera.segment access",
        "camera.playlist viewed",
    ]


def test_what_the_first_line_does_not_name_has_its_own_line(player: Player) -> None:
    player.request(playlist())
    player.request(playlist(hours=(0, 2)))
    player.request(playlist(camera="bridge"))
    player.request(playlist(), person=WANG)
    player.request(playlist(), reason="another")
    player.request(playlist(), case="2026-1")
    player.request(playlist(), address="10.0.0.2")
    player.request(Viewed("recording", "gate", *HOUR))
    player.request(playlist(), status=403)
    assert [line["status"] for line in player.lines()] == [200] * 8 + [403]
    player.request(playlist(hours=(0, 1)))
    player.segment(7200 - 5)
    assert len(player.lines()) == 9


def test_segments_without_a_playlist_name_the_range_of_their_viewing(player: Player) -> None:
    player.segment(10)
    player.segment(20)
    (line,) = player.lines()
    assert line["terms"] == {
        "id": "gate",
        "from": "1970-01-01T00:00:00.000Z",
        "to": "1970-01-01T01:00:00.000Z",
    }


def test_a_long_viewing_is_reported_every_ten_minutes(player: Player) -> None:
    player.request(playlist())
    for _ in range(70):
        player.clock.advance(20)
        player.request(playlist())
        player.recorder.viewings.flush()
    assert player.phases() == ["camera.playlist access"] + ["camera.playlist viewed"] * 2
    player.recorder.viewings.flush(is_last=True)
    assert [line["terms"].get("requests") for line in player.lines()] == [None, "31", "61", "71"]


def test_without_its_first_line_nothing_is_viewed(player: Player) -> None:
    player.folder.write_text("in the way")
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            player.request(playlist())
    player.folder.unlink()
    player.request(playlist())
    assert player.phases() == ["camera.playlist access"]


def test_an_end_that_cannot_be_written_is_written_later(player: Player) -> None:
    player.request(playlist())
    player.clock.advance(viewings.SILENCE_S)
    kept = player.folder.rename(player.folder.with_name("kept"))
    player.folder.write_text("in the way")
    player.recorder.viewings.flush()
    player.folder.unlink()
    kept.rename(player.folder)
    assert player.phases() == ["camera.playlist access", "camera.playlist viewed"]


def test_beyond_the_bound_each_response_has_its_line(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewings, "MAX_OPEN", 1)
    for _ in range(2):
        player.request(playlist())
        player.request(playlist(camera="bridge"))
    assert len(player.lines()) == 3
    player.clock.advance(viewings.SILENCE_S)
    player.lines()
    for _ in range(2):
        player.request(playlist(camera="bridge"))
    assert len(player.lines()) == 5
