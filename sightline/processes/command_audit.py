"""Writes the audit lines of commands that make changes: the intent before, the outcome after."""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from domain.clock import SystemClock
from domain.errors import NotFound, StoreError
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.processes.instance import runtime_of
from sightline.processes.store_clients import connected
from storage.audit.shipping import AuditShipper
from storage.site.audit import AuditEntry, AuditLog, Phase


def run_recorded(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command and record it as `args.audit`, with the arguments in `args.audit_terms`.

    Raises AuditUnavailable before any change, where the intent cannot be written.
    """
    given = {name: getattr(args, name) for name in args.audit_terms}
    terms = {name: _term(value) for name, value in given.items() if value}
    layout = Layout(args.data.resolve())
    try:
        with recorded_change(layout, args.audit, terms) as outcome:
            outcome.exit_code = command(args)
    finally:
        _ship(layout)
    return outcome.exit_code


def _ship(layout: Layout) -> None:
    """Copy the lines to the object store, unless the processes of the data folder do, or the next
    ones will: those of a one-machine mode, whose store does not run now.
    """
    settings, clock = Settings(), SystemClock()
    has_stores = settings.redis_url is not None and settings.s3_endpoint is not None
    if not has_stores or runtime_of(layout) is not None:
        return
    stores = connected(settings, layout, clock)
    audit = AuditLog(layout.audit, clock, settings.audit_limit_gb)
    try:
        AuditShipper(audit, stores.objects, settings.node, clock).run_once()
    except (StoreError, NotFound, OSError) as error:
        print(
            "sightline: the audit lines of this command exist only on this machine until an "
            f"instance runs on its data folder: {error}",
            file=sys.stderr,
        )
    finally:
        stores.close()


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
