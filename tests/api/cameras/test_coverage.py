"""Coverage with a real node API and object store: every moment is recorded or has a cause."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_S, ManualClock, SystemClock, parse_rfc3339, rfc3339
from domain.paths.data_layout import Layout
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import missed_starts
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from storage.clients.s3 import ObjectStore
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.uploads import GapUploads
from storage.recordings.ledger import Ledger, parse_segment
from storage.recordings.stored_segments import StoredSegments
from tests.api.an_hour_ago import START_NS, Record, at

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

Parts = list[tuple[float, float, str]]
PartView = dict[str, str | bool]
"""A part as the API returns it."""


@dataclass(frozen=True)
class CoverageParts:
    recorded: list[PartView]
    gaps: list[PartView]
    offline: list[str]


def coverage(site: Site, from_s: float, to_s: float, camera: str = "east-gate") -> CoverageParts:
    answer = site.get(
        f"/v1/cameras/{camera}/coverage?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return CoverageParts(body["recorded"], body["gaps"], body["offline"])


def parts(answer: CoverageParts) -> tuple[Parts, Parts]:
    """Return the recorded parts and the gaps, in seconds."""
    return [_part(one, "where") for one in answer.recorded], [
        _part(one, "cause") for one in answer.gaps
    ]


def _part(one: PartView, what: str) -> tuple[float, float, str]:
    start_s, end_s = (
        (parse_rfc3339(str(one[edge])) - START_NS) / NS_PER_S for edge in ("from", "to")
    )
    return round(start_s, 3), round(end_s, 3), str(one[what])


def test_coverage_is_what_the_ledger_and_the_gap_log_say(site: Site, record: Record) -> None:
    for start_s in (0, 4, 20):
        record(site.layout, "east-gate", at(start_s), 4)
    GapLog(site.layout, SystemClock()).add(
        Gap("east-gate", at(8), at(20), GapCause.CAMERA_DOWN, "refused")
    )
    site.hold("east-gate")
    answer = coverage(site, 2, 24)
    assert parts(answer) == ([(2, 8, "local"), (20, 24, "local")], [(8, 20, "camera_down")])
    (gap,) = answer.gaps
    assert (gap["detail"], gap["since"], gap["ongoing"]) == ("refused", rfc3339(at(8)), False)
    assert answer.offline == []


def analysed(
    site: Site, to_s: float, camera: str = "east-gate", from_s: float = 0
) -> tuple[Parts, Parts]:
    """Return what was analysed completely and partly, in seconds."""
    found = site.get(
        f"/v1/cameras/{camera}/coverage?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"
    ).json()["analysed"]
    assert not found["is_summary"]
    complete = [_part({**one, "cause": ""}, "cause") for one in found["complete"]]
    return complete, [_part(one, "cause") for one in found["partly"]]


def test_coverage_says_when_a_checkpoint_was_analysed_only_partly(
    site: Site, record: Record
) -> None:
    """A gap of the recording counts if its cause limits the analysis too."""
    for start_s in (0, 4, 20, 24, 32):
        record(site.layout, "east-gate", at(start_s), 4)
    log = GapLog(site.layout, SystemClock())
    log.add(Gap("east-gate", at(8), at(20), GapCause.CAMERA_DOWN, "refused"))
    log.add(Gap("east-gate", at(28), at(32), GapCause.DISK, "full"))
    log.add_partly_analysed("east-gate", [PartlyAnalysed(at(2), at(4), PartlyCause.OVERLOAD)])
    site.hold("east-gate")
    assert analysed(site, 35) == (
        [(0, 2, ""), (4, 7.5, ""), (19, 35, "")],
        [(2, 4, "overload"), (7.5, 19, "camera_down")],
    )
    log.add_analysed_again("east-gate", [Analysed(at(1), at(3))])
    assert analysed(site, 35) == (
        [(0, 3, ""), (4, 7.5, ""), (19, 35, "")],
        [(3, 4, "overload"), (7.5, 19, "camera_down")],
    )


def test_an_outage_and_the_groups_before_it_hide_a_passing_together(
    site: Site, record: Record
) -> None:
    """What is in the view for 1.5 s may be in both, also at the ends of the span."""
    for start_s in (0, 4, 20, 24):
        record(site.layout, "east-gate", at(start_s), 4)
    log = GapLog(site.layout, SystemClock())
    log.add(Gap("east-gate", at(8), at(20), GapCause.CAMERA_DOWN, "refused"))
    group = PartlyAnalysed(at(6), at(8), PartlyCause.OVERLOAD)
    log.add_partly_analysed("east-gate", missed_starts([group]))
    site.hold("east-gate")
    down = 7.5, 19, "camera_down"
    assert analysed(site, 24) == (
        [(0, 5.5, ""), (19, 24, "")],
        [(5.5, 7.5, "overload"), down],
    )
    assert analysed(site, 7.4)[1] == [(5.5, 7.4, "overload")]
    assert analysed(site, 24, from_s=7.2)[1] == [(7.2, 7.5, "overload"), down]
    assert analysed(site, 18.5)[1][1:] == [(7.5, 18.5, "camera_down")]


def test_coverage_of_another_camera_says_nothing_of_its_analysis(
    site: Site, record: Record
) -> None:
    record(site.layout, "school", at(0), 4)
    site.hold("school")
    path = f"/v1/cameras/school/coverage?from={rfc3339(at(0))}&to={rfc3339(at(4))}"
    assert site.get(path).json()["analysed"] is None


def test_a_segment_being_written_counts_up_to_what_is_recorded(site: Site, record: Record) -> None:
    path = record(site.layout, "east-gate", at(0), 4)
    path.rename(path.with_name(f"east-gate_{START_NS // 1_000_000}_open_1.mp4"))
    site.statuses.append(
        CameraStatus("east-gate", CameraState.LIVE, START_NS, recorded_until_ns=at(3))
    )
    site.hold("east-gate")
    assert parts(coverage(site, 0, 10))[0] == [(0, 3, "local")]


def test_coverage_distinguishes_the_object_store(open_site: OpenSite, record: Record) -> None:
    site = open_site()
    for start_s in (0, 4):
        path = record(site.layout, "west-gate", at(start_s), 4)
        name = SegmentName.parse(path.name)
        assert name is not None
        site.context.stored.put(name, path)
        if start_s == 0:
            path.unlink()
    record(site.layout, "west-gate", at(8), 4)
    site.hold("west-gate")
    assert parts(coverage(site, 0, 12, "west-gate"))[0] == [
        (0, 4, "objects"),
        (4, 8, "both"),
        (8, 12, "local"),
    ]


def test_without_the_node_coverage_has_the_object_store(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    path = record(site.layout, "school", at(0), 4)
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.objects.put_file(segment_object(name), path, "video/mp4")
    site.hold("school", "node-7", "http://127.0.0.1:9")
    answer = coverage(site, 0, 10, "school")
    assert parts(answer) == ([(0, 4, "objects")], [(4, 10, "unknown")])
    assert answer.offline == ["node-7"]
    assert "node-7" in str(answer.gaps)


def test_without_any_source_coverage_is_node_offline(site: Site) -> None:
    site.hold("east-gate", "node-7", "http://127.0.0.1:9")
    answer = site.get(f"/v1/cameras/east-gate/coverage?from={rfc3339(at(0))}&to={rfc3339(at(4))}")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_an_unavailable_object_store_is_reported(
    open_site: OpenSite, record: Record, tmp_path: Path
) -> None:
    away = StoredSegments(ObjectStore("127.0.0.1:9", "a", "b" * 8, "nowhere"), SystemClock())
    site = open_site(stored=away)
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    answer = coverage(site, 0, 10)
    assert answer.offline == ["objects"]
    assert parts(answer)[0] == [(0, 4, "local")]


def test_coverage_distinguishes_deleted_from_never_recorded(site: Site, record: Record) -> None:
    ledger = Ledger(site.layout.recordings)
    first = parse_segment(record(site.layout, "east-gate", at(10), 10))
    assert first is not None
    record(site.layout, "east-gate", at(20), 10)
    ledger.remove(first)
    site.hold("east-gate")
    assert parts(coverage(site, 0, 30)) == (
        [(20, 30, "local")],
        [(0, 10, "not_asked"), (10, 20, "deleted")],
    )


def test_a_camera_without_a_process_has_a_gap(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", at(0), 10)
    GapLog(site.layout, ManualClock(at(10.5))).beat("east-gate")
    site.hold("east-gate")
    answer = coverage(site, 0, 9000)
    recorded, ((start_s, _, cause),) = parts(answer)
    assert (recorded, start_s, cause) == ([(0, 10, "local")], 10, "restart")
    assert answer.gaps[0]["ongoing"]


def test_the_last_seconds_are_not_a_gap(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", SystemClock().wall_ns() - 12 * NS_PER_S, 9)
    GapLog(site.layout, SystemClock()).beat("east-gate")
    site.hold("east-gate")
    assert (
        parts(coverage(site, (SystemClock().wall_ns() - START_NS) / NS_PER_S - 11, 9000))[1] == []
    )


def test_a_dead_node_is_covered_by_its_objects(
    open_site: OpenSite, record: Record, tmp_path: Path
) -> None:
    site, its_own = open_site(), Layout(tmp_path / "dead node")
    path = record(its_own, "school", at(0), 4)
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.stored.put(name, path)
    _store_gaps(
        site, its_own, "node-7", Gap("school", at(4), at(20), GapCause.NETWORK, "cable cut")
    )
    site.hold("school", "node-7", "http://127.0.0.1:9")
    answer = coverage(site, 0, 30, "school")
    assert parts(answer) == ([(0, 4, "objects")], [(4, 20, "network"), (20, 30, "unknown")])
    assert answer.gaps[0]["detail"] == "cable cut"
    assert answer.offline == ["node-7"]


def test_a_dead_node_is_covered_by_its_stored_gaps(open_site: OpenSite, tmp_path: Path) -> None:
    site = open_site()
    _store_gaps(
        site,
        Layout(tmp_path / "dead node"),
        "node-7",
        Gap("west-gate", at(0), at(20), GapCause.CAMERA_DOWN),
    )
    site.hold("west-gate", "node-7", "http://127.0.0.1:9")
    answer = coverage(site, 0, 20, "west-gate")
    assert (parts(answer), answer.offline) == (([], [(0, 20, "camera_down")]), ["node-7"])


def test_a_node_that_lost_its_disk_is_covered_by_its_stored_gaps(
    open_site: OpenSite, record: Record, tmp_path: Path
) -> None:
    site = open_site()
    _store_gaps(
        site,
        Layout(tmp_path / "old disk"),
        "node-1",
        Gap("east-gate", at(0), at(20), GapCause.CAMERA_DOWN),
    )
    record(site.layout, "east-gate", at(30), 4)
    site.hold("east-gate")
    answer = coverage(site, 0, 34)
    assert parts(answer) == ([(30, 34, "local")], [(0, 20, "camera_down"), (20, 30, "not_asked")])


def test_earlier_times_stay_unknown_while_a_node_is_offline(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    site.hold("east-gate", "node-7", "http://127.0.0.1:9")
    record(site.layout, "east-gate", at(30), 4)
    site.hold("east-gate")
    answer = coverage(site, 0, 34)
    assert parts(answer) == ([(30, 34, "local")], [(0, 30, "unknown")])
    assert answer.offline == ["node-7"]


def _store_gaps(site: Site, layout: Layout, node: str, gap: Gap) -> None:
    log = GapLog(layout, SystemClock())
    log.add(gap)
    log.beat(gap.camera_id)
    GapUploads(log, site.context.stored_gaps, node, SystemClock()).run_once(threading.Event())


def test_a_file_without_content_is_a_gap_and_not_recorded(site: Site, record: Record) -> None:
    """A power cut can leave such a file. A recording of that time names the nearest recordings."""
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4, 8)]
    paths[1].write_bytes(b"")
    site.hold("east-gate")
    answer = coverage(site, 0, 12)
    assert parts(answer) == ([(0, 4, "local"), (8, 12, "local")], [(4, 8, "disk")])
    assert paths[1].name in str(answer.gaps[0]["detail"])
    span = f"from={rfc3339(at(4))}&to={rfc3339(at(8))}"
    missing = site.get(f"/v1/cameras/east-gate/recording?{span}")
    assert missing.status_code == 404
    assert f"ends at {rfc3339(at(4))}" in missing.json()["detail"]
    assert f"begins at {rfc3339(at(8))}" in missing.json()["detail"]


def test_an_empty_object_is_not_recorded_and_a_whole_copy_counts(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4)]
    keys = [segment_object(parsed) for path in paths if (parsed := SegmentName.parse(path.name))]
    site.context.objects.put(keys[0], paths[0].read_bytes(), "video/mp4")
    site.context.objects.put(keys[1], b"", "video/mp4")
    for path in paths:
        path.write_bytes(b"")
    site.hold("east-gate")
    assert parts(coverage(site, 0, 8)) == ([(0, 4, "objects")], [(4, 8, "disk")])
