"""The access policy that an API process applies: the policy file, read again after each change.

A file with faults never opens the site wider: the last valid policy stays in force, or the
strictest one where there was none. Each policy is in the audit log before it is in force.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import replace
from pathlib import Path

from api.requests.declarations import policy_calls
from api.routes import ROUTES
from domain.access_policy.check import PolicyCalls, check_policy, read_policy
from domain.access_policy.model import (
    NO_REQUIREMENTS,
    STRICTEST,
    ActivePolicy,
    PolicyOrigin,
)
from domain.clock import Clock
from domain.errors import AuditUnavailable, PolicyInvalid
from domain.log import FloodGate
from domain.messages.message import Message, joined
from domain.paths.data_layout import Layout
from domain.stored_model import StoredModel
from sightline.processes.command_audit import local_user
from sightline.processes.policy_copy import FileMark, file_mark
from sightline.processes.private_files import write_atomically
from storage.site.audit import AuditEntry, AuditLog, Phase

_log = logging.getLogger(__name__)
AUDIT_TERM = "policy.in_force"
_NAMED = 3
_LAST_VALID = (
    "the policy file has {count} faults, so the last valid policy stays in force; correct it, and "
    "check it with  sightline policy check: {faults}"
)
_STRICTEST = (
    "the policy file has {count} faults, so every recorded call needs a reason, an open case and "
    "an approval; correct it, and check it with  sightline policy check: {faults}"
)


class LastValidPolicy(StoredModel):
    """The file `policy/last_valid.json` of a data folder: the last policy that was valid."""

    text: str


def known_calls() -> PolicyCalls:
    """Return the calls of the API that a policy may name."""
    return policy_calls(ROUTES)


class RunningPolicy:
    """Caches the policy in force. Thread-safe."""

    def __init__(
        self, file: Path | None, layout: Layout, calls: PolicyCalls, audit: AuditLog, clock: Clock
    ) -> None:
        self._file = file
        self._last_valid = layout.policy
        self._calls = calls
        self._audit = audit
        self._warn = FloodGate(_log.error, clock, every_s=10.0)
        self._lock = threading.Lock()
        self._seen: FileMark | None = None
        self._now = ActivePolicy(STRICTEST, PolicyOrigin.STRICTEST)

    def now(self) -> ActivePolicy:
        """Return the policy in force. The file is read only after a change."""
        with self._lock:
            seen = (0, 0, 0) if self._file is None else file_mark(self._file)
            if seen != self._seen and self._put_in_force(self._read()):
                self._seen = seen
            return self._now

    def alarm(self) -> Message | None:
        """Return the faults of the present file and what to do, or None."""
        now = self.now()
        if not now.faults:
            return None
        return Message(
            _LAST_VALID if now.origin is PolicyOrigin.LAST_VALID else _STRICTEST,
            count=len(now.faults),
            faults=joined([fault.sentence for fault in now.faults[:_NAMED]]),
        )

    def _read(self) -> ActivePolicy:
        if self._file is None:
            return ActivePolicy(NO_REQUIREMENTS, PolicyOrigin.NONE)
        try:
            text, policy = read_policy(self._file, self._calls)
        except PolicyInvalid as invalid:
            # What is read may be a copy: its folder would send a person to the wrong file.
            named = (replace(fault, file=self._file.name) for fault in invalid.faults)
            return replace(self._kept(), faults=tuple(named))
        self._keep(text)
        return ActivePolicy(policy, PolicyOrigin.FILE, _sha256(text))

    def _kept(self) -> ActivePolicy:
        """Return the last valid policy, or the strictest one."""
        if self._now.origin in (PolicyOrigin.FILE, PolicyOrigin.LAST_VALID):
            return replace(self._now, origin=PolicyOrigin.LAST_VALID)
        try:
            kept = LastValidPolicy.model_validate_json(self._last_valid.read_bytes())
            policy = check_policy(kept.text, str(self._last_valid), self._calls)
        except FileNotFoundError:
            return ActivePolicy(STRICTEST, PolicyOrigin.STRICTEST)
        except (OSError, ValueError, PolicyInvalid) as error:
            self._warn("kept", f"the last valid policy cannot be used: {error}")
            return ActivePolicy(STRICTEST, PolicyOrigin.STRICTEST)
        return ActivePolicy(policy, PolicyOrigin.LAST_VALID, _sha256(kept.text))

    def _keep(self, text: str) -> None:
        try:
            write_atomically(self._last_valid, LastValidPolicy(text=text).model_dump_json())
        except OSError as error:
            self._warn("keep", f"the policy cannot be kept for the next start: {error}")

    def _put_in_force(self, found: ActivePolicy) -> bool:
        """Write the policy to the audit log, then use it; return whether that succeeded.

        Without its line, the former policy stays, and the next request tries again.
        """
        terms = {
            "origin": found.origin.value,
            "sha256": found.sha256,
            "policy": found.policy.model_dump_json(exclude_defaults=True),
            "faults": str(len(found.faults)),
        }
        entry = AuditEntry(
            person=f"local:{local_user()}",
            role=None,
            address="",
            route=AUDIT_TERM,
            right=None,
            terms=terms,
            status=0 if not found.faults else 1,
            phase=Phase.OUTCOME,
        )
        try:
            self._audit.append(entry)
        except AuditUnavailable as error:
            self._warn("audit", f"the policy is not in force without its audit line: {error}")
            return False
        for fault in found.faults:
            _log.error("%s", fault)
        _log.info("policy in force: %s, SHA-256 %s", found.origin, found.sha256 or "none")
        self._now = found
        return True


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
