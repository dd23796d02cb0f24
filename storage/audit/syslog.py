"""Sends the audit lines of a data folder to a syslog receiver (RFC 5424), over UDP (RFC 5426) or
TCP (RFC 6587, octet counting).

The lines are read from the local files, so that a receiver that does not answer delays no request.
The position is saved after lines were sent: over TCP they are repeated after a broken connection.
Over UDP nothing acknowledges a line. Syslog is a copy; the object store has every line.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import Field

from domain.clock import NS_PER_S, Clock, moment, rfc3339
from domain.log import escaped
from domain.messages.message import Message
from domain.metrics import AUDIT_SYSLOG_FAILURES, AUDIT_SYSLOG_LINES
from domain.settings import Settings
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.audit.file_positions import (
    FilePosition,
    advanced,
    day_files,
    exclusive_turn,
    open_file,
    read_part,
    read_state,
    verified_position,
    write_state,
)
from storage.audit.stored_lines import LineFault, parsed
from storage.site.audit import AuditLine, AuditLog

LOOK_EVERY_S = 10.0
LATE_S = 300
TIMEOUT_S = 5.0
_NOTICE = 13 * 8 + 5
"""Facility 13, log audit, with the severity notice."""
_HEADER_TEXT = re.compile(r"[^!-~]")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyslogTarget:
    is_tcp: bool
    host: str
    port: int

    @classmethod
    def parse(cls, setting: str) -> SyslogTarget:
        """Parse the setting, which `Settings` has validated."""
        parts = urlsplit(setting)
        return cls(parts.scheme == "tcp", parts.hostname or "", parts.port or 0)


class SyslogState(StoredModel):
    """What was sent: `syslog.json` in the audit folder."""

    complete_until: WallNs = 0
    files: dict[str, FilePosition] = Field(default_factory=dict)
    schema_: int = schema_field()


class SyslogSender:
    """Sends the lines of one data folder; one process does it at a time."""

    def __init__(self, audit: AuditLog, target: SyslogTarget, node: str, clock: Clock) -> None:
        self._folder = audit.folder
        self._file = audit.folder / "syslog.json"
        self._target = target
        self._node = node
        self._clock = clock
        self._created_ns = clock.wall_ns()

    @classmethod
    def from_settings(
        cls, audit: AuditLog, settings: Settings, clock: Clock
    ) -> SyslogSender | None:
        """Return the sender to the receiver of the settings; None if there is none."""
        if not settings.syslog:
            return None
        return cls(audit, SyslogTarget.parse(settings.syslog), settings.node, clock)

    def run(self, stop: threading.Event) -> None:
        """Send new lines every 10 s until `stop`; what fails is counted and tried again."""
        while not self._clock.wait(stop, LOOK_EVERY_S):
            try:
                self.run_once()
            except OSError as error:
                AUDIT_SYSLOG_FAILURES.inc()
                _log.warning("audit lines cannot be sent to the syslog receiver: %s", error)

    def run_once(self) -> int:
        """Send all lines and return their number. Raises OSError if the receiver refuses."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with exclusive_turn(self._folder / "syslog.lock") as is_ours:
            return self._send_all() if is_ours else 0

    def alarm(self) -> Message | None:
        """Return what is wrong if lines could not be sent for minutes."""
        state = read_state(SyslogState, self._file)
        since_ns = max(self._created_ns, state.complete_until if state else 0)
        if self._clock.wall_ns() - since_ns < LATE_S * NS_PER_S:
            return None
        return Message(
            "audit lines since {since} were not sent to the syslog receiver: check the receiver "
            "and SIGHTLINE_SYSLOG",
            since=moment(since_ns),
        )

    def _send_all(self) -> int:
        started_ns, sent = self._clock.wall_ns(), 0
        state = read_state(SyslogState, self._file) or SyslogState()
        paths = day_files(self._folder)
        for path in paths:
            while True:
                with open_file(path) as file:
                    position = verified_position(file, state.files.get(path.name))
                    data = read_part(file, position.size_bytes)
                    after = advanced(file, position, len(data))
                if not data:
                    break
                messages = [self._message(line) for line in parsed(data, path.name)]
                self._send(messages)
                state = state.model_copy(update={"files": state.files | {path.name: after}})
                write_state(self._file, state)
                sent += len(messages)
                AUDIT_SYSLOG_LINES.inc(len(messages))
        present = {path.name for path in paths}
        kept = {name: one for name, one in state.files.items() if name in present}
        update = {"files": kept, "complete_until": started_ns}
        write_state(self._file, state.model_copy(update=update))
        return sent

    def _send(self, messages: Sequence[bytes]) -> None:
        with _connected(self._target) as connection:
            for message in messages:
                connection.sendall(_framed(message) if self._target.is_tcp else message)

    def _message(self, line: AuditLine | LineFault) -> bytes:
        return message_of(line, self._node, rfc3339(self._clock.wall_ns()))


def message_of(line: AuditLine | LineFault, node: str, now: str) -> bytes:
    """Return the message of a line; a damaged line has a message without its content."""
    if isinstance(line, LineFault):
        return f"<{_NOTICE}>1 {now} {node} sightline - damaged - {escaped(line.reason)}".encode()
    status = "" if line.status is None else str(line.status)
    fields = {
        "id": line.id, "person": line.person, "role": line.role or "", "address": line.address,
        "call": line.route, "phase": line.phase, "status": status, "case": line.case,
        "reason": line.reason, "request": line.request,
    }  # fmt: skip
    fields |= {f"term.{name}": text for name, text in line.terms.items()}
    data = " ".join(f'{_name(name)}="{_value(text)}"' for name, text in fields.items() if text)
    kind = _HEADER_TEXT.sub("_", line.route)[:32] or "-"
    # 32473 is the enterprise number that RFC 5612 reserves for examples and documentation.
    element = f"[audit@32473 {data}]"
    return f"<{_NOTICE}>1 {rfc3339(line.at)} {node} sightline - {kind} {element}".encode()


def _name(name: str) -> str:
    """Return a parameter name: at most 32 printable ASCII characters without `=`, `]`, `"`."""
    return re.sub(r'[^!-~]|[=\]"]', "_", name)[:32]


def _value(text: str) -> str:
    escaped = re.sub(r'(["\\\]])', r"\\\1", text)
    return "".join(one if one.isprintable() else " " for one in escaped)


def _framed(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


@contextmanager
def _connected(target: SyslogTarget) -> Iterator[socket.socket]:
    if target.is_tcp:
        with socket.create_connection((target.host, target.port), TIMEOUT_S) as connection:
            yield connection
        return
    family, *_, address = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(address)
        yield connection
