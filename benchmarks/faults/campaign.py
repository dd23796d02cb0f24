"""Runs scenarios one after the other on one running site, and then compares what the site reports
with what its files contain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.files import Files, Span, read_files
from benchmarks.faults.judge import Account, Scene, Verdict, judged, lost
from benchmarks.faults.scenarios import Scenario
from benchmarks.faults.stage import RECOVER_WITHIN_S, SEGMENT_S, UNAFFECTED, Stage
from benchmarks.site import CLOCK
from domain.clock import NS_PER_S, parse_rfc3339, rfc3339
from domain.recordings.gaps import GapCause

STEADY_WITHIN_S = 45.0
AFTERWARDS_S = 3.0
"""A camera that recovers only for a moment has not recovered."""
DRAIN_S = 1.5


@dataclass(frozen=True, slots=True)
class _Asked:
    from_ns: int
    to_ns: int


class Campaign:
    def __init__(
        self,
        stage: Stage,
        scenarios: Sequence[Scenario],
        longest_s: float,
        say: Callable[[str], None],
    ) -> None:
        """Scenarios that want to last longer than `longest_s` last so long."""
        self._stage = stage
        self._scenarios = scenarios
        self._longest_s = longest_s
        self._say = say

    def run(self) -> list[Verdict]:
        """The site must be running; it is stopped."""
        scenes = [self._play(scenario) for scenario in self._scenarios]
        asked = _Asked(
            min(scene.from_ns for scene in scenes), max(scene.end_ns for scene in scenes)
        )
        CLOCK.sleep(3 * SEGMENT_S)  # what was recorded until then is in finished segments
        accounts = {name: self._account(name, asked) for name in (*UNAFFECTED, *self._stage.actors)}
        sent = self._stage.unaffected.fall_silent()
        CLOCK.sleep(DRAIN_S)
        code = self._stage.site.stop()
        files = {name: self._files(name) for name in accounts}
        verdicts = [judged(scene, files, accounts) for scene in scenes]
        for scene, verdict in zip(scenes, verdicts, strict=True):
            if scene.scenario.is_clock:
                lost(sent, files, verdict)
        return (
            verdicts
            if code == 0
            else [
                *verdicts,
                Verdict("stop", "the site stops cleanly", problems=[f"it ended with {code}"]),
            ]
        )

    def _play(self, scenario: Scenario) -> Scene:
        stage = self._stage
        everyone = {*UNAFFECTED, *stage.actors}
        stage.comes(lambda: stage.steady() == everyone, STEADY_WITHIN_S)
        steady = stage.steady()
        hit = (
            scenario.hits(stage)
            if scenario.hits
            else {scenario.actor.camera_id}
            if scenario.actor
            else set()
        )
        self._say(f"{scenario.title} …")
        begin_ns, begin_s = stage.now_ns(), CLOCK.monotonic_s()
        with scenario.breaks(stage):
            CLOCK.sleep(min(scenario.seconds, self._longest_s))
        cleared_ns, lasted_s = stage.now_ns(), CLOCK.monotonic_s() - begin_s
        stage.comes(lambda: hit <= stage.recorded(cleared_ns + NS_PER_S), RECOVER_WITHIN_S)
        CLOCK.sleep(AFTERWARDS_S)
        end_ns = stage.now_ns()
        stage.comes(
            lambda: steady <= stage.recorded(end_ns), STEADY_WITHIN_S
        )  # else what the next fault costs is laid to this one
        return Scene(
            scenario,
            begin_ns,
            cleared_ns,
            end_ns,
            frozenset(hit),
            frozenset(steady - hit),
            everyone - steady - hit,
            lasted_s,
        )

    def _account(self, name: str, asked: _Asked) -> Account | None:
        """What the site says of a camera's time; None where it does not answer."""
        answer = self._stage.site.get(
            f"/v1/cameras/{name}/coverage",
            **{"from": rfc3339(asked.from_ns), "to": rfc3339(asked.to_ns)},
        )
        if answer is None or answer.status_code != 200:
            self._say(
                f"{name}: no coverage: {answer.text if answer else 'the site does not answer'}"
            )
            return None
        body: dict[str, Any] = answer.json()
        gaps = [
            (_span(gap), GapCause(gap["cause"]) if "cause" in gap else None) for gap in body["gaps"]
        ]
        return Account([_span(part) for part in body["recorded"]], gaps)

    def _files(self, name: str) -> Files:
        return read_files(self._stage.site.layout.recordings_of(name))


def _span(body: dict[str, Any]) -> Span:
    return parse_rfc3339(body["from"]), parse_rfc3339(body["to"])
