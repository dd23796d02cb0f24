"""The verdict on a fault: the affected cameras, the recovery time, and the ledger's correctness."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from benchmarks.faults.files import Files, Span
from benchmarks.faults.judge import Account, Scene, Verdict, judged
from benchmarks.faults.scenarios import Scenario
from domain.recordings.gaps import GapCause

S = 1_000_000_000
WHOLE = [(0, 100 * S)]
SCENARIO = Scenario("dumb", "", lambda _: nullcontext(), causes=frozenset({GapCause.NETWORK}))
SCENE = Scene(
    SCENARIO, 10 * S, 20 * S, 30 * S, frozenset({"hit"}), frozenset({"unaffected"}), set(), 10.0
)


def _judged(
    hit: list[Span],
    unaffected: list[Span] = WHOLE,
    cause: GapCause | None = GapCause.NETWORK,
    reported: list[Span] | None = None,
) -> Verdict:
    accounts = {
        "hit": Account(hit if reported is None else reported, [((11 * S, 22 * S), cause)]),
        "unaffected": Account(unaffected, []),
    }
    return judged(SCENE, {"hit": Files(hit), "unaffected": Files(unaffected)}, accounts)


def test_it_holds_where_the_rest_is_untouched_and_it_is_soon_over() -> None:
    verdict = _judged([(0, 11 * S), (22 * S, 100 * S)])
    assert verdict.holds
    assert (verdict.recovery_s, verdict.missing_s, verdict.causes) == (2.0, 11.0, ["network"])


def test_a_hole_elsewhere_is_a_breach() -> None:
    verdict = _judged(WHOLE, [(0, 12 * S), (14 * S, 100 * S)])
    assert verdict.problems == ["unaffected lacks 2.0 s from +2.0 s"]


def test_a_late_recovery_is_a_breach() -> None:
    assert _judged([(0, 11 * S), (31 * S, 100 * S)]).problems == [
        "recorded again only after 11.0 s"
    ]
    assert _judged([(0, 11 * S)]).problems[0].startswith("recorded again only after")


def test_a_wrong_cause_is_a_breach() -> None:
    verdict = _judged([(0, 11 * S), (22 * S, 100 * S)], cause=GapCause.UNKNOWN)
    assert verdict.problems == ["gaps with a wrong cause: hit: unknown"]


def test_a_ledger_that_says_more_than_there_is_lies() -> None:
    verdict = _judged([(0, 11 * S), (22 * S, 100 * S)], reported=WHOLE)
    assert verdict.problems == ["hit: ledger and files differ for 11.0 s from +1.0 s"]


def test_where_no_gap_is_allowed_an_affected_camera_may_have_none() -> None:
    scene = replace(SCENE, scenario=replace(SCENARIO, causes=frozenset()))
    files = {"hit": Files([(0, 11 * S), (13 * S, 100 * S)]), "unaffected": Files(WHOLE)}
    verdict = judged(scene, files, {name: Account(held.spans, []) for name, held in files.items()})
    assert verdict.problems == ["hit lacks 2.0 s from +1.0 s"]


def test_a_camera_that_was_faulty_before_is_reported() -> None:
    verdict = judged(
        replace(SCENE, unwell={"third"}),
        {"hit": Files(WHOLE), "unaffected": Files(WHOLE)},
        {"hit": None, "unaffected": None},
    )
    assert "not well before it began: third" in verdict.problems
    assert "unaffected: the site does not say what is recorded" in verdict.problems
