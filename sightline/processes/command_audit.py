"""Writes the audit lines of commands that make changes: the intent before, the outcome after."""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from storage.site.audit import AuditEntry, AuditLog, Phase


def run_recorded(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command and record it as `args.audit`, with the arguments in `args.audit_terms`.

    Raises AuditUnavailable before any change, where the intent cannot be written.
    """
    given = {name: getattr(args, name) for name in args.audit_terms}
    terms = {name: _term(value) for name, value in given.items() if value}
    with recorded_change(Layout(args.data.resolve()), args.audit, terms) as outcome:
        outcome.exit_code = command(args)
    return outcome.exit_code


def _term(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(slots=True)
class Outcome:
    """What the second line of a change reports; a change that raises has failed."""

    exit_code: int = 1


@contextmanager
def recorded_change(layout: Layout, route: str, terms: Mapping[str, str]) -> Iterator[Outcome]:
    """Write the intent of a change by a person or process of this machine, and later its outcome.

    Raises AuditUnavailable, before the change is made, if the intent cannot be written.
    """
    audit = AuditLog(layout.audit, SystemClock(), Settings().audit_limit_gb)
    intent = AuditEntry(
        person=f"local:{local_user()}",
        role=None,
        address="",
        route=route,
        right=None,
        terms=dict(terms),
        status=None,
        phase=Phase.INTENT,
        request=secrets.token_hex(8),
    )
    audit.append(intent)
    outcome = Outcome()
    try:
        yield outcome
    finally:
        audit.append(
            intent.model_copy(update={"phase": Phase.OUTCOME, "status": outcome.exit_code})
        )


def local_user() -> str:
    """Return the name of the machine's user who runs the command, or the number without a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
