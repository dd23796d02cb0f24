"""`sightline analyse` finds the passings that live analysis missed in the recordings, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.clock import NS_PER_S, SystemClock, rfc3339
from domain.paths.data_layout import Layout
from domain.paths.object_keys import segment_object
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from sightline.cli import _parser, main
from sightline.cluster import site_registry
from sightline.commands import analysis
from sightline.evaluation.truth import Pass
from sightline.processes.store_clients import Stores, open_stores
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from tests.footage import Footage
from tests.kept import make_event
from tests.recorded_film import record_film

START_NS = 1_790_000_000 * NS_PER_S
REGISTRY = {
    "version": 1,
    "areas": {"dan/jun": {"name": "jun"}},
    "cameras": [
        {
            "id": name,
            "name": name,
            "class": "A",
            "area": "dan/jun",
            "location": {"lon": 111.5, "lat": 32.5},
            "url": f"rtsp://127.0.0.1/{name}",
            "checkpoint": kinds,
        }
        for name, kinds in (("gate", ["plate"]), ("shop", []))
    ],
}


@pytest.fixture
def layout(empty_site: Path) -> Layout:
    """A site with a checkpoint `gate`."""
    file = empty_site / "registry.yaml"
    file.write_text(json.dumps(REGISTRY), "utf-8")
    layout = Layout(empty_site)
    assert site_registry.settle(file, layout, SystemClock()) is None
    return layout


@pytest.fixture
def stores(layout: Layout) -> Iterator[Stores]:
    with open_stores(layout) as stores:
        yield stores


def analyse(layout: Layout, to_s: float, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run the command without its priority, which would be that of all further tests.

    Its arguments are checked before it lowers the priority.
    """
    span = ("--from", rfc3339(START_NS), "--to", rfc3339(START_NS + round(to_s * NS_PER_S)))
    given = ["analyse", "--data", str(layout.root), "--camera", "gate", *span, "--json"]
    camera = site_registry.running_registry(layout).camera("gate")
    assert camera is not None
    to_ns = START_NS + round(to_s * NS_PER_S)
    assert analysis.analyse(_parser().parse_args(given), camera, (START_NS, to_ns)) == 0
    return dict(json.loads(capsys.readouterr().out))


def plates_in(layout: Layout, ids: list[str]) -> list[str]:
    spool = Spool(layout, SystemClock())
    events = [spool.event(entry) for entry in spool.pending(["gate"])]
    assert all(event is not None and event.late for event in events)
    return [event.reading for event in events if event is not None and event.id in ids]


def lose(layout: Layout, passes: list[Pass]) -> PartlyAnalysed:
    """Log that live analysis left out the time of these passes."""
    lost = PartlyAnalysed(
        START_NS + round((passes[0].enter_s - 0.5) * NS_PER_S),
        START_NS + round((passes[-1].leave_s + 0.3) * NS_PER_S),
        PartlyCause.OVERLOAD,
    )
    GapLog(layout, SystemClock()).add_partly_analysed("gate", [lost])
    return lost


def test_missed_passings_are_found_once_and_the_range_then_counts_as_analysed(
    layout: Layout,
    stores: Stores,
    drawn_footage: Footage,
    models_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SIGHTLINE_PLATE_DETECT_FPS", "5")
    passes = drawn_footage.passes()
    segments = record_film(layout.recordings, "gate", drawn_footage.plates, START_NS)
    assert len(segments) > 2
    # One segment exists in the object store alone.
    (moved, name) = segments[1]
    stores.objects.put(segment_object(name), moved.read_bytes(), "video/mp4")
    moved.unlink()
    lost = lose(layout, passes[1:4])
    found_live = passes[2]
    after_s = found_live.enter_s + (START_NS - 1_760_000_000 * NS_PER_S) / NS_PER_S
    stores.index.put_all([make_event(after_s=after_s, plate=found_live.plate)])

    first = analyse(layout, passes[-1].leave_s + 1, capsys)
    missed = [passes[1].plate, passes[3].plate]
    assert plates_in(layout, first["late"]) == missed
    assert first["known"] == 1
    log = GapLog(layout, SystemClock())
    again = log.analysed_again("gate", START_NS, lost.end_ns)
    assert [(one.start_ns, one.end_ns) for one in again] == [(lost.start_ns, lost.end_ns)]

    second = analyse(layout, passes[-1].leave_s + 1, capsys)
    assert (second["asked_s"], second["late"]) == (0, [])


def test_a_range_without_anything_left_out_is_reported_so(
    layout: Layout, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    span = ("--from", rfc3339(START_NS), "--to", rfc3339(START_NS + NS_PER_S))
    arguments = _parser().parse_args(
        ["analyse", "--data", str(layout.root), "--camera", "gate", *span]
    )
    camera = site_registry.running_registry(layout).camera("gate")
    assert camera is not None
    assert analysis.analyse(arguments, camera, (START_NS, START_NS + NS_PER_S)) == 0
    assert "left nothing out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("camera", "since", "until", "says"),
    [
        ("bridge", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "no camera bridge"),
        ("shop", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "shop is no checkpoint"),
        ("gate", "yesterday", "2026-01-02T00:00:00Z", "--from: 'yesterday' is no time"),
        ("gate", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "--from must be before --to"),
        ("gate", "2999-01-01T00:00:00Z", "2999-01-02T00:00:00Z", "may not have finished"),
    ],
)
def test_bad_arguments_are_refused_with_what_to_do(
    layout: Layout,
    capsys: pytest.CaptureFixture[str],
    camera: str,
    since: str,
    until: str,
    says: str,
) -> None:
    arguments = ["--data", str(layout.root), "--camera", camera, "--from", since, "--to", until]
    assert main(["analyse", *arguments]) == 1
    assert says in capsys.readouterr().err
