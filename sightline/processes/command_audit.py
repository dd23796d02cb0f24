"""The lines in the audit log of commands that change something: the intent before, the outcome
after.
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
from collections.abc import Callable

from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from storage.site.audit import AuditEntry, AuditLog, Phase


def run_recorded(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command of `args.audit`, for which `args.audit_terms` names the arguments that its
    lines hold.

    Raises AuditUnavailable, with nothing changed, where the intent cannot be written.
    """
    audit = AuditLog(Layout(args.data.resolve()).audit, SystemClock(), Settings().audit_limit_gb)
    terms = {name: str(value) for name in args.audit_terms if (value := getattr(args, name))}
    intent = AuditEntry(
        person=f"local:{local_user()}",
        role=None,
        address="",
        route=args.audit,
        right=None,
        terms=terms,
        status=None,
        phase=Phase.INTENT,
        request=secrets.token_hex(8),
    )
    audit.append(intent)
    exit_code = 1
    try:
        exit_code = command(args)
    finally:
        audit.append(intent.model_copy(update={"phase": Phase.OUTCOME, "status": exit_code}))
    return exit_code


def local_user() -> str:
    """The name of the user of the machine who runs this, or the number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
