"""Scrubbing and playlists open few files: those that are shown, and one of each coding."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_S, SystemClock, rfc3339
from ingest.recording.segments import Segments
from storage.recordings.virtual.layouts import RecordingIndex
from tests.recorded import PLAIN, packets_of

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - 1800 * NS_PER_S
SEGMENTS = 6


class OpenedSegments:
    """The names of the segments that this process opens, as often as it opens them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._is_counting = False
        sys.addaudithook(self._on_event)  # it stays until the process ends

    def _on_event(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._is_counting and event == "open" and str(arguments[0]).endswith(".mp4"):
            self.names.append(Path(str(arguments[0])).name)

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        self.names.clear()
        self._is_counting = True
        yield self.names
        self._is_counting = False


OPENED = OpenedSegments()


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """A site with six segments of two seconds and their index."""
    made = open_site()
    index = RecordingIndex(made.layout.recording_index)
    folder = made.layout.recordings_of("east-gate")
    segments = Segments(
        "east-gate", folder, lambda: 1, 1.5, pytest.fail, lambda *_: None, index=index
    )
    packets = packets_of(PLAIN, start_ns=START_NS)
    for first in range(0, len(packets), PLAIN.fps):
        segments.write(packets[first : first + PLAIN.fps])
    segments.close()
    assert len(list(folder.rglob("*.mp4"))) == SEGMENTS
    made.hold("east-gate")
    return made


def span(to_s: float = 12) -> str:
    return f"from={rfc3339(START_NS)}&to={rfc3339(START_NS + round(to_s * NS_PER_S))}"


def test_a_playlist_opens_one_file_of_each_coding(site: Site) -> None:
    with OPENED.counting() as names:
        listed = site.get(f"/v1/cameras/east-gate/playlist?{span()}").json()["segments"]
    assert (len(listed), len(names)) == (SEGMENTS, 1)
    assert len({part["codec"] for part in listed}) == 1


def test_keyframes_open_only_the_files_that_have_a_due_one(site: Site) -> None:
    site.get(f"/v1/cameras/east-gate/playlist?{span()}")
    with OPENED.counting() as names:
        answer = site.get(f"/v1/cameras/east-gate/keyframes?{span()}&every=5")
    assert answer.content.count(b"moof") == 3
    assert len(set(names)) == 3
