"""Audit lines reach a syslog receiver over UDP and TCP, and a dead receiver loses none."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.errors import BadInput
from domain.settings import Settings, check_settings
from storage.audit.stored_lines import LineFault
from storage.audit.syslog import LATE_S, SyslogSender, SyslogTarget, message_of
from storage.site.audit import AuditLine, AuditLog
from tests.kept import START_NS
from tests.storage.site.test_audit import ENTRY
from tests.waiting import PATIENCE_S


class Receiver:
    """A TCP receiver with octet counting."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.messages: list[str] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as file:
                while length := b"".join(iter(lambda: file.read(1).strip(), b"")):
                    if length == b"0":
                        return
                    self.messages.append(file.read(int(length)).decode())

    def stop(self) -> None:
        with socket.create_connection(self._listener.getsockname()) as connection:
            connection.sendall(b"0 ")
        self._thread.join(PATIENCE_S)


@contextmanager
def receiver() -> Iterator[tuple[Receiver, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Receiver(listener)
        yield running, listener.getsockname()[1]
        running.stop()


def sender(log: AuditLog, clock: ManualClock, port: int, is_tcp: bool = True) -> SyslogSender:
    return SyslogSender(log, SyslogTarget(is_tcp, "127.0.0.1", port), "api-1", clock)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> AuditLog:
    return AuditLog(tmp_path / "audit", clock)


def test_each_line_is_sent_once_over_tcp(log: AuditLog, clock: ManualClock) -> None:
    log.append(ENTRY)
    log.append(ENTRY)
    with receiver() as (found, port):
        assert sender(log, clock, port).run_once() == 2
        assert sender(log, clock, port).run_once() == 0
        log.append(ENTRY)
        assert sender(log, clock, port).run_once() == 1
    assert len(found.messages) == len({re.findall('id="(.*?)"', one)[0] for one in found.messages})
    assert len(found.messages) == 3


def test_each_line_is_a_datagram_over_udp(log: AuditLog, clock: ManualClock) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(PATIENCE_S)
        log.append(ENTRY)
        assert sender(log, clock, udp.getsockname()[1], is_tcp=False).run_once() == 1
        assert udp.recv(65_535).startswith(b"<109>1 2025-10-09T08:53:20.000Z api-1 sightline - ")


def test_a_dead_receiver_delays_nothing_loses_nothing_and_is_an_alarm(
    log: AuditLog, clock: ManualClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    dead = sender(log, clock, port)
    log.append(ENTRY)
    with pytest.raises(OSError, match="refused"):
        dead.run_once()
    assert dead.alarm() is None
    clock.advance(LATE_S)
    assert "2025-10-09T08:53:20.000Z" in (dead.alarm() or "")
    log.append(ENTRY)
    with receiver() as (found, port):
        assert sender(log, clock, port).run_once() == 2
    assert len(found.messages) == 2
    assert dead.alarm() is None


def test_the_thread_survives_a_dead_receiver(log: AuditLog, clock: ManualClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    log.append(ENTRY)
    stop = threading.Event()
    attempts: list[int] = []

    class Counted(SyslogSender):
        def run_once(self) -> int:
            attempts.append(1)
            if len(attempts) == 3:
                stop.set()
            return super().run_once()

    Counted(log, SyslogTarget(True, "127.0.0.1", port), "api-1", clock).run(stop)
    assert len(attempts) == 3


def test_fields_are_structured_data_and_cannot_break_it() -> None:
    entry = ENTRY.model_copy(
        update={"reason": 'a "quoted\\] end\nnext', "terms": {"pl ate]": "鄂C12345"}}
    )
    line = AuditLine(id="1", at=START_NS, **entry.__dict__)
    text = message_of(line, "api-1", "now").decode()
    assert text == (
        "<109>1 2025-10-09T08:53:20.000Z api-1 sightline - GET_/v1/events "
        '[audit@32473 id="1" person="li.wei" role="operator" address="10.0.0.1" '
        'call="GET /v1/events" phase="access" status="200" case="2026-17" '
        'reason="a \\"quoted\\\\\\] end next" term.pl_ate_="鄂C12345"]'
    )
    fault = message_of(LineFault("20251009.jsonl", 2, "line 2 cannot be read"), "api-1", "now")
    assert fault == b"<109>1 now api-1 sightline - damaged - line 2 cannot be read"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("udp://10.0.0.1:514", SyslogTarget(False, "10.0.0.1", 514)),
        ("tcp://[fd00::1]:6514", SyslogTarget(True, "fd00::1", 6514)),
        ("tcp://log.site:601", SyslogTarget(True, "log.site", 601)),
    ],
)
def test_the_setting_names_a_receiver(text: str, target: SyslogTarget) -> None:
    assert SyslogTarget.parse(Settings(syslog=text).syslog) == target


@pytest.mark.parametrize(
    "text", ["http://a:1", "udp://a", "udp://:514", "tcp://a:0", "tcp://a:70000", "tcp://u@a:1/x"]
)
def test_another_setting_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_SYSLOG", text)
    with pytest.raises(BadInput, match="SIGHTLINE_SYSLOG"):
        check_settings()


def test_without_the_setting_there_is_no_sender(log: AuditLog, clock: ManualClock) -> None:
    assert SyslogSender.from_settings(log, Settings(), clock) is None
    assert SyslogSender.from_settings(log, Settings(syslog="udp://a:1"), clock) is not None
