"""What an instance has used up to a moment, from its processes and its metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchmarks.processes import command_line, cost_of, descendants_of
from benchmarks.site import CLOCK, BenchSite
from benchmarks.soak import name_of

_STEP = re.compile(r'^sightline_analysis_cpu_seconds_total\{step="([^"]+)"\} (\S+)$')
_REASON = re.compile('(?:reason|tap)="([a-z_]+)"')
_COUNTED = (
    "sightline_frames_decoded_total",
    "sightline_frames_analysed_total",
    "sightline_frames_skipped_total:backlog",
    "sightline_frames_skipped_total:late",
    "sightline_packets_dropped_total:decoder",
    "sightline_packets_dropped_total:recorder",
    "sightline_packets_not_decoded_total:overload",
    "sightline_packets_not_decoded_total:settled",
    "sightline_packets_not_decoded_total:still",
)


@dataclass(slots=True)
class Spending:
    """What was used up to a moment."""

    at_s: float
    cpu_s: dict[str, float]
    """By process."""
    steps_s: dict[str, float]
    """Of the workers, by what it was spent on."""
    counts: dict[str, float]

    def since(self, before: Spending) -> Spending:
        def less(after: dict[str, float], start: dict[str, float]) -> dict[str, float]:
            return {name: value - start.get(name, 0.0) for name, value in after.items()}

        return Spending(
            self.at_s - before.at_s,
            less(self.cpu_s, before.cpu_s),
            less(self.steps_s, before.steps_s),
            less(self.counts, before.counts),
        )

    @property
    def workers_s(self) -> float:
        return sum(value for name, value in self.cpu_s.items() if name.startswith("worker"))


def spending_of(site: BenchSite) -> Spending:
    cpu_s: dict[str, float] = {}
    for pid in (site.process_id, *descendants_of(site.process_id)):
        name = name_of(command_line(pid)) or "other"
        cpu_s[name] = cpu_s.get(name, 0.0) + cost_of([pid]).cpu_s
    steps_s, counts = dict[str, float](), dict.fromkeys(_COUNTED, 0.0)
    answer = site.get("/metrics")
    for line in answer.text.splitlines() if answer is not None else ():
        step = _STEP.match(line)
        if step is not None:
            steps_s[step[1]] = float(step[2])
        name = _counted(line)
        if name in counts:
            counts[name] += float(line.rpartition(" ")[2])
    return Spending(CLOCK.monotonic_s(), cpu_s, steps_s, counts)


def _counted(line: str) -> str:
    """Return what a line of metrics counts, with the reason or the tap where it has one."""
    name, why = line.partition("{")[0], _REASON.search(line)
    return f"{name}:{why[1]}" if why is not None else name
