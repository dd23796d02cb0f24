"""Prints the findings of a storage check, and a summary also after a signal."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType

from rich.console import Console
from rich.progress import Progress

from storage.findings import Finding


class CheckReport:
    """Prints confirmed breaches to standard output.

    As text they are printed immediately, as JSON in one document at the end. Findings of the first
    of two passes over the stores are not confirmed; they go to standard error.
    """

    def __init__(self, is_json: bool) -> None:
        self._is_json = is_json
        self._findings: list[Finding] = []
        self._unconfirmed = 0
        self._is_confirmed = False
        self._events = 0
        self._cameras: tuple[int, int] | None = None

    def add_unconfirmed(self, finding: Finding) -> None:
        self._unconfirmed += 1
        print(f"seen once: {_line(finding)}", file=sys.stderr, flush=True)

    def confirm(self, findings: Sequence[Finding]) -> None:
        """Add the confirmed breaches of the stores, after the check of the stores is complete."""
        self._is_confirmed = True
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding) -> None:
        self._findings.append(finding)
        if not self._is_json:
            print(_line(finding), flush=True)

    def count_events(self, done: int) -> None:
        """Set how many events one of the two passes has checked."""
        self._events = max(self._events, done)

    def count_cameras(self, done: int, total: int) -> None:
        self._cameras = done, total

    def finish(self) -> int:
        """End a complete check and return its exit code."""
        self._print_json()
        if not self._is_json:
            print(f"{len(self._findings)} breaches" if self._findings else "clean")
        return 1 if self._findings else 0

    def stop(self) -> int:
        """End a check after a signal and return its exit code, which is never 0."""
        self._print_json()
        done = [f"{len(self._findings)} breaches found", self._stores_done()]
        if self._cameras is not None:
            done.append("recordings of {} of {} cameras checked".format(*self._cameras))
        summary = f"ended before everything was checked: {'; '.join(done)}"
        print(summary, file=sys.stderr if self._is_json else sys.stdout, flush=True)
        return 1

    def _stores_done(self) -> str:
        if self._is_confirmed:
            return "the stores checked whole"
        return (
            f"{self._events} events checked, {self._unconfirmed} findings not confirmed by a "
            "second pass"
        )

    def _print_json(self) -> None:
        if self._is_json:
            print(json.dumps([asdict(one) for one in self._findings], ensure_ascii=False))


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does. Only the main thread may enter this."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def progress_shown() -> Progress:
    """Return a progress bar on standard error, which is disabled unless that is a terminal."""
    console = Console(stderr=True)
    return Progress(
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _line(finding: Finding) -> str:
    return f"{finding.breach}: {finding.subject}: {finding.message}"
