"""Writes the verdicts as a table for a terminal, and as markdown for docs/faults.md."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.faults.judge import Verdict

HEADINGS = (
    "fault",
    "lasted",
    "cameras hit",
    "others",
    "recorded again after",
    "longest gap",
    "causes",
    "",
)


def show(verdicts: Sequence[Verdict], console: Console) -> None:
    table = Table(*HEADINGS)
    for one in verdicts:
        colour = "yellow" if one.skipped else "green" if one.holds else "red"
        table.add_row(*_cells(one), style=colour)
    console.print(table)
    for one in verdicts:
        for problem in one.problems:
            console.print(f"[red]{one.name}[/red]: {problem}", highlight=False)


def markdown(verdicts: Sequence[Verdict]) -> str:
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(_cells(one) for one in verdicts)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _cells(one: Verdict) -> tuple[str, ...]:
    if one.skipped:
        return (one.title, *("–",) * 6, f"skipped: lacks {one.skipped}")
    again = "–" if one.recovery_s is None else f"{one.recovery_s:.1f} s"
    missing = f"{one.missing_s:.1f} s" if one.missing_s else "none"
    return (
        one.title,
        f"{one.fault_s:.0f} s",
        str(one.hit),
        str(one.others),
        again,
        missing,
        ", ".join(one.causes) or "–",
        _word(one),
    )


def _word(one: Verdict) -> str:
    return "holds" if one.holds else "; ".join(one.problems[:2])
