"""Decides whether what must hold after a fault holds. Pure: scenes, contents of files and reports
of the site go in, and verdicts come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.faults.files import Files, Span, differences, holes
from benchmarks.faults.scenarios import Scenario
from domain.clock import NS_PER_S
from domain.recordings.gaps import GapCause
from simulator.player import Counters

RECOVER_WITHIN_S = 10.0
MAY_LOSE = 50
"""Pictures that a step of the clock may cost: those up to the next keyframe."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One fault as it went, in the site's time. Its cause was there from `begin_ns` to
    `cleared_ns`; it was watched until `end_ns`.
    """

    scenario: Scenario
    begin_ns: int
    cleared_ns: int
    end_ns: int
    hit: frozenset[str]
    others: frozenset[str]
    """Cameras that were well when it began, and have nothing to do with it."""
    unwell: set[str]
    """Cameras that were not, from an earlier scene: nothing is said of them."""
    lasted_s: float
    """The duration of the cause by a monotonic clock."""

    @property
    def from_ns(self) -> int:
        """Where its recordings begin: earlier than it did, where the clock was set back."""
        return min(self.begin_ns, self.cleared_ns - NS_PER_S * round(self.scenario.seconds))


@dataclass(frozen=True, slots=True)
class Account:
    """What the site says of a camera: what is recorded, and the gaps with their causes (None
    where it names none).
    """

    recorded: list[Span]
    gaps: list[tuple[Span, GapCause | None]]


@dataclass(slots=True)
class Verdict:
    name: str
    title: str
    fault_s: float = 0.0
    hit: int = 0
    others: int = 0
    recovery_s: float | None = None
    """From the end of the cause to the first picture that is recorded again; None where nothing
    of those hit was to be recorded.
    """
    missing_s: float = 0.0
    """The longest that any camera lacks."""
    causes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def holds(self) -> bool:
        return not self.problems


def judged(
    scene: Scene, files: Mapping[str, Files], accounts: Mapping[str, Account | None]
) -> Verdict:
    verdict = Verdict(
        scene.scenario.name,
        scene.scenario.title,
        round(scene.lasted_s, 1),
        len(scene.hit),
        len(scene.others),
    )
    if scene.unwell:
        verdict.problems.append(f"not well before it began: {', '.join(sorted(scene.unwell))}")
    if not scene.scenario.is_clock:
        _untouched(scene, files, verdict)
        _recovery(scene, files, verdict)
    _causes(scene, accounts, verdict)
    for name in sorted(scene.hit | scene.others):
        _truth(name, scene, files[name], accounts[name], verdict)
    return verdict


def _untouched(scene: Scene, files: Mapping[str, Files], verdict: Verdict) -> None:
    spared = scene.others | (frozenset() if scene.scenario.causes else scene.hit)
    for name in sorted(spared):
        for start_ns, end_ns in holes(files[name].spans, scene.begin_ns, scene.end_ns):
            verdict.missing_s = max(verdict.missing_s, round((end_ns - start_ns) / NS_PER_S, 1))
            verdict.problems.append(
                f"{name} lacks {(end_ns - start_ns) / NS_PER_S:.1f} s from "
                f"{(start_ns - scene.begin_ns) / NS_PER_S:+.1f} s"
            )


def _recovery(scene: Scene, files: Mapping[str, Files], verdict: Verdict) -> None:
    if not scene.hit:
        return
    late_ns = [
        _first_after(files[name].spans, scene.cleared_ns) - scene.cleared_ns for name in scene.hit
    ]
    verdict.recovery_s = round(max(late_ns) / NS_PER_S, 1)
    lacks = [
        end - start
        for name in scene.hit
        for start, end in holes(files[name].spans, scene.begin_ns, scene.end_ns)
    ]
    verdict.missing_s = max(verdict.missing_s, round(max(lacks, default=0) / NS_PER_S, 1))
    if verdict.recovery_s > RECOVER_WITHIN_S:
        verdict.problems.append(f"recorded again only after {verdict.recovery_s} s")


def _first_after(spans: list[Span], at_ns: int) -> int:
    return min(
        (max(start, at_ns) for start, end in spans if end > at_ns), default=at_ns + 3600 * NS_PER_S
    )


def _causes(scene: Scene, accounts: Mapping[str, Account | None], verdict: Verdict) -> None:
    reported = {
        (name, cause)
        for name in scene.hit
        if (account := accounts[name]) is not None
        for (start_ns, end_ns), cause in account.gaps
        if start_ns < scene.end_ns and end_ns > scene.begin_ns
    }
    verdict.causes = sorted({cause.value if cause else "not said" for _, cause in reported})
    wrong = sorted(
        f"{name}: {cause}"
        for name, cause in reported
        if cause is not None and cause not in scene.scenario.causes
    )
    if wrong and not scene.scenario.is_clock:
        verdict.problems.append(f"gaps with a wrong cause: {', '.join(wrong)}")


def _truth(name: str, scene: Scene, held: Files, account: Account | None, verdict: Verdict) -> None:
    """The ledger says what the files hold, and the files are whole."""
    verdict.problems += [fault for fault in held.faults if _concerns(fault, scene)]
    if account is None:
        verdict.problems.append(f"{name}: the site does not say what is recorded")
        return
    for start_ns, end_ns in differences(held.spans, account.recorded, scene.from_ns, scene.end_ns):
        verdict.problems.append(
            f"{name}: ledger and files differ for {_span_text(start_ns, end_ns, scene)}"
        )


def lost(sent: Mapping[str, Counters], files: Mapping[str, Files], verdict: Verdict) -> None:
    """For a clock that was set, where times say nothing of what is missing: what was sent must
    be there.
    """
    for name, counters in sorted(sent.items()):
        missing = counters.sent_units - files[name].pictures
        if missing > MAY_LOSE:
            verdict.problems.append(
                f"{name}: {missing} of {counters.sent_units} pictures are in no file"
            )


def _span_text(start_ns: int, end_ns: int, scene: Scene) -> str:
    return (
        f"{(end_ns - start_ns) / NS_PER_S:.1f} s from "
        f"{(start_ns - scene.begin_ns) / NS_PER_S:+.1f} s"
    )


def _concerns(fault: str, scene: Scene) -> bool:
    """Whether a fault of a file is of this scene: a file's name begins with its camera and
    start.
    """
    parts = fault.split(" ", 1)[0].rstrip(":").rsplit("_", 3)
    return len(parts) == 4 and scene.from_ns <= int(parts[1]) * 1_000_000 < scene.end_ns
