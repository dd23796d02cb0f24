"""Outages are the gaps in which something failed, summed by camera and cause."""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.outages import outages_of


def gap(start_s: int, end_s: int, cause: GapCause, detail: str = "", camera: str = "gate") -> Gap:
    return Gap(camera, start_s * NS_PER_S, end_s * NS_PER_S, cause, detail)


def test_gaps_are_summed_by_cause_and_the_longest_explains_it() -> None:
    found = outages_of(
        [
            gap(0, 10, GapCause.NETWORK, "lost packets"),
            gap(20, 50, GapCause.CAMERA_DOWN, "connection refused"),
            gap(60, 65, GapCause.NETWORK, "the connection broke"),
        ]
    )["gate"]
    down, network = found.causes
    assert (down.cause, down.detail, down.gaps) == (
        GapCause.CAMERA_DOWN,
        "connection refused",
        1,
    )
    assert (network.detail, network.gaps, network.missing_ns) == (
        "lost packets",
        2,
        15 * NS_PER_S,
    )
    assert (network.first_ns, network.last_ns) == (0, 65 * NS_PER_S)
    assert (found.missing_ns, found.last_ns) == (45 * NS_PER_S, 65 * NS_PER_S)


def test_what_was_not_requested_or_was_deleted_is_no_outage() -> None:
    gaps = [gap(0, 5, cause) for cause in (GapCause.NOT_ASKED, GapCause.DELETED, GapCause.CLOCK)]
    assert outages_of(gaps) == {}


def test_time_that_two_nodes_report_counts_once() -> None:
    both = [gap(0, 10, GapCause.NETWORK, "a"), gap(5, 20, GapCause.NETWORK, "a")]
    assert outages_of(both)["gate"].missing_ns == 20 * NS_PER_S


def test_each_camera_has_its_own_outage() -> None:
    found = outages_of([gap(0, 1, GapCause.DISK), gap(0, 2, GapCause.SHED, camera="bridge")])
    assert {name: one.missing_ns for name, one in found.items()} == {
        "gate": NS_PER_S,
        "bridge": 2 * NS_PER_S,
    }
