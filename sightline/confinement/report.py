"""What the kernel enforces for each process, for the log, the metrics and `/readyz`."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import IO

from pydantic import ValidationError

from domain.metrics import PROCESS_CONFINED
from domain.paths.data_layout import Layout
from domain.stored_model import StoredModel

_log = logging.getLogger(__name__)


class ConfinementReport(StoredModel):
    """How one process is confined."""

    process: str
    landlock: str = ""
    """Why its files are not restricted; empty if they are."""
    landlock_abi: int = 0
    seccomp: str = ""
    """Why its system calls are not restricted; empty if they are."""
    capabilities: str = ""
    """Why it may have capabilities of root that it does not use; empty if it has none."""

    def sentences(self) -> dict[str, str]:
        """Return the reasons by mechanism, for those that are not in force."""
        return {name: why for name, why in self.mechanisms().items() if why}

    def mechanisms(self) -> dict[str, str]:
        return {
            "landlock": self.landlock,
            "seccomp": self.seccomp,
            "capabilities": self.capabilities,
        }


_own: list[ConfinementReport] = []


def remember(report: ConfinementReport, file: IO[str] | None) -> None:
    """Keep the report of this process, and write it for the other processes.

    `file` was opened before, because the process may not be able to open it any more.
    """
    _own[:] = [report]
    if file is not None:
        file.write(report.model_dump_json(by_alias=True))
        file.flush()


def log_confinement() -> None:
    """Log how this process is confined, and set its metrics. Do nothing for one that was not
    started by `launch`.
    """
    for report in _own:
        for mechanism, why in report.mechanisms().items():
            PROCESS_CONFINED.labels(report.process, mechanism).set(not why)
        lacking = report.sentences()
        for mechanism, why in lacking.items():
            _log.warning("this process is not confined by %s: %s", mechanism, why)
        if not lacking:
            _log.info(
                "this process is confined by Landlock (ABI %d), seccomp and few capabilities",
                report.landlock_abi,
            )


def confinement_warnings(layout: Layout) -> tuple[str, ...]:
    """Return a sentence for each reason why processes of this machine are not confined."""
    affected: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in sorted(layout.confinement.glob("*.json")):
        try:
            report = ConfinementReport.model_validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            continue  # the process is starting at this moment
        for mechanism, why in report.sentences().items():
            affected[mechanism, why].append(report.process)
    return tuple(
        f"{', '.join(processes)}: not confined by {mechanism}: {why}"
        for (mechanism, why), processes in affected.items()
    )
