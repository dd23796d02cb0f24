"""Requests without a valid token: a line per address and minute, without their parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from api.requests.refused_requests import MAX_ADDRESSES, OTHERS, Refusals, network_of
from domain.clock import ManualClock
from domain.metrics import AUDIT_LINES_LOST, REFUSALS
from storage.site.audit import AuditLog
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

LONG = "a=" + "%01" * 2600


class Log:
    """An audit log and its lines."""

    def __init__(self, folder: Path, limit_gb: float = 1.0) -> None:
        self.folder = folder / "audit"
        self.clock = ManualClock()
        self.refusals = Refusals(AuditLog(self.folder, self.clock, limit_gb), self.clock)

    def lines(self) -> list[dict[str, object]]:
        files = sorted(self.folder.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]

    def counts(self, address: str) -> list[int]:
        found = [line["terms"] for line in self.lines() if line["address"] == address]
        return [int(terms["refused"]) for terms in found if isinstance(terms, dict)]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def _metric(status: str) -> float:
    return float(REFUSALS.labels(status)._value.get())


def test_a_flood_from_one_address_is_one_line_without_its_terms(open_site: OpenSite) -> None:
    site, before = open_site(), _metric("401")
    for number in range(300):
        headers = {"Authorization": f"Bearer sl_{number}"} if number % 2 else {}
        path = f"/v1/cameras/secret-{number}/recording" if number % 3 else "/v1/events"
        assert site.http.get(f"{site.url}{path}?{LONG}", headers=headers).status_code == 401
    written = "\n".join(site.audit_lines())
    assert 0 < len(written) < 1000
    assert "secret-" not in written
    assert "%01" not in written
    assert _metric("401") == before + 300


def test_a_guess_at_a_route_without_an_audit_term_is_recorded(open_site: OpenSite) -> None:
    site = open_site()
    assert (
        site.http.get(
            f"{site.url}/v1/session", headers={"Authorization": "Bearer sl_wrong"}
        ).status_code
        == 401
    )
    (line,) = map(json.loads, site.audit_lines())
    assert (line["route"], line["status"], line["phase"], line["person"]) == (
        "/v1/session",
        401,
        "refused",
        "",
    )


def test_the_terms_of_a_refused_parameter_are_not_recorded(open_site: OpenSite) -> None:
    """An unknown parameter may be a token that was pasted into the URL."""
    site = open_site()
    assert site.get("/v1/cameras/east-gate/picture?id=west-gate&token=sl_x").status_code == 400
    assert json.loads(site.audit_lines()[-1])["terms"] == {"id": "east-gate"}


def test_the_next_line_has_the_count_of_the_minute(log: Log) -> None:
    for _ in range(5):
        log.refusals.record("203.0.113.9", "events.search", 401)
    assert log.counts("203.0.113.9") == [1]
    log.clock.advance(61)
    log.refusals.flush()
    log.refusals.flush()
    assert log.counts("203.0.113.9") == [1, 4]
    assert log.lines()[1]["terms"] == {"refused": "4", "since": "2025-10-09T08:53:20.000Z"}


def test_one_line_per_address_and_minute(log: Log) -> None:
    for _ in range(600):
        log.clock.advance(1)
        log.refusals.record("203.0.113.9", "events.search", 401)
    counts = log.counts("203.0.113.9")
    assert (len(counts), sum(counts)) == (10, 540)


def test_the_number_of_tracked_addresses_is_bounded(log: Log) -> None:
    for number in range(2 * MAX_ADDRESSES):
        log.refusals.record(f"10.0.{number >> 8}.{number & 255}", "events.search", 401)
    assert len(log.lines()) == MAX_ADDRESSES + 1
    log.clock.advance(61)
    log.refusals.flush()
    assert sum(log.counts(OTHERS)) == MAX_ADDRESSES
    log.clock.advance(61)
    log.refusals.record("10.9.9.9", "events.search", 401)
    assert log.counts("10.9.9.9") == [1], "addresses that are silent are forgotten"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("x" * 500, "x" * 45),
    ],
)
def test_an_address_is_what_its_holder_cannot_change_at_will(address: str, network: str) -> None:
    assert network_of(address) == network


def test_refusals_use_at_most_half_of_the_audit_log(tmp_path: Path) -> None:
    log, before = Log(tmp_path, limit_gb=2e-6), AUDIT_LINES_LOST.labels("refused")._value.get()
    for number in range(100):
        log.refusals.record(f"10.0.0.{number}", "events.search", 401)
    assert 0 < sum(file.stat().st_size for file in log.folder.iterdir()) <= 1000
    assert AUDIT_LINES_LOST.labels("refused")._value.get() == before + 100 - len(log.lines())


def test_pending_lines_are_written_at_the_end(log: Log) -> None:
    log.refusals.record("203.0.113.9", "events.search", 401)
    log.refusals.record("203.0.113.9", "events.search", 401)
    log.refusals.flush(is_last=True)
    assert log.counts("203.0.113.9") == [1, 1]


def test_a_refusal_is_sent_while_the_audit_log_cannot_be_written(open_site: OpenSite) -> None:
    plain = open_site()
    (plain.layout.root / "a-file").write_text("")
    site = open_site(audit=AuditLog(plain.layout.root / "a-file" / "audit", ManualClock()))
    assert (
        httpx.get(f"{site.url}/v1/events", trust_env=False, timeout=PATIENCE_S).status_code == 401
    )
