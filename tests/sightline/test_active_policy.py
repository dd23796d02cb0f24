"""The policy in force follows its file, and a file with faults never opens the site wider."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.access_policy.model import (
    NO_REQUIREMENTS,
    STRICTEST,
    PolicyOrigin,
    Requirement,
)
from domain.clock import NS_PER_S, ManualClock
from domain.errors import AuditUnavailable
from domain.paths.data_layout import Layout
from domain.people import Right
from sightline.active_policy import RunningPolicy, known_calls
from storage.site.audit import AuditEntry, AuditLog

CASE = "version: 1\ngroups: {clips: {calls: [event.clip], needs: [case]}}\n"
APPROVAL = "version: 1\ngroups: {clips: {calls: [event.clip], needs: [approval]}}\n"
FAULTY = "version: 1\ngroups: {clips: {calls: [event.clap], needs: [case]}}\n"


class FailingLog(AuditLog):
    """An audit log that can be made to fail."""

    fails = False

    def append(self, entry: AuditEntry, most_part: float = 1.0) -> None:
        if self.fails:
            raise AuditUnavailable("the disk is full")
        super().append(entry, most_part)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall_ns=1_780_000_000 * NS_PER_S)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def audit(layout: Layout, clock: ManualClock) -> FailingLog:
    return FailingLog(layout.audit, clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def started(
    file: Path | None, layout: Layout, audit: AuditLog, clock: ManualClock
) -> RunningPolicy:
    return RunningPolicy(file, layout, known_calls(), audit, clock)


def lines(layout: Layout) -> list[dict[str, Any]]:
    found = [
        json.loads(line)
        for day in sorted(layout.audit.glob("*.jsonl"))
        for line in day.read_text("utf-8").splitlines()
    ]
    return [line for line in found if line["route"] == "policy.in_force"]


def needs(policy: RunningPolicy, call: str = "event.clip") -> set[Requirement]:
    return set(policy.now().policy.needs((Right.EVENTS_READ,), call).requirements)


def test_without_a_file_nothing_is_demanded_in_addition(
    layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    policy = started(None, layout, audit, clock)
    assert policy.now().policy == NO_REQUIREMENTS
    assert policy.alarm() is None
    assert [line["terms"]["origin"] for line in lines(layout)] == ["none"]


def test_a_change_of_the_file_is_in_force_at_the_next_request_and_on_record(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    file.write_text(CASE)
    policy = started(file, layout, audit, clock)
    assert needs(policy) == {Requirement.CASE}
    assert needs(policy, "events.search") == set()
    first = policy.now()
    file.write_text(APPROVAL)
    assert needs(policy) == {Requirement.APPROVAL}
    recorded = lines(layout)
    assert [line["terms"]["sha256"] for line in recorded] == [first.sha256, policy.now().sha256]
    assert "approval" in recorded[1]["terms"]["policy"]
    assert all(line["person"].startswith("local:") for line in recorded)


@pytest.mark.parametrize("fault", ["faulty", "absent"])
def test_a_faulty_file_keeps_the_last_valid_policy(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock, fault: str
) -> None:
    file.write_text(CASE)
    policy = started(file, layout, audit, clock)
    before = policy.now()
    if fault == "faulty":
        file.write_text(FAULTY)
    else:
        file.unlink()
    kept = policy.now()
    assert (kept.policy, kept.sha256) == (before.policy, before.sha256)
    assert kept.origin is PolicyOrigin.LAST_VALID
    alarm = policy.alarm()
    assert alarm is not None
    assert "the last valid policy stays in force" in alarm
    again = started(file, layout, audit, clock).now()
    assert (again.policy, again.origin, again.sha256) == (
        before.policy,
        PolicyOrigin.LAST_VALID,
        before.sha256,
    ), "after a restart too"
    file.write_text(APPROVAL)
    assert needs(policy) == {Requirement.APPROVAL}
    assert policy.alarm() is None


def test_a_file_that_was_never_valid_brings_the_strictest_policy(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    file.write_text(FAULTY)
    policy = started(file, layout, audit, clock)
    assert policy.now().policy == STRICTEST
    assert needs(policy, "events.search") == set(Requirement)
    alarm = policy.alarm()
    assert alarm is not None
    assert ": policy.yaml:2:26: `event.clap`" in alarm, "the name without the folder of the copy"
    assert "did you mean `event.clip`?" in alarm
    (line,) = lines(layout)
    assert (line["terms"]["origin"], line["terms"]["faults"]) == ("strictest", "1")


def test_a_damaged_copy_of_the_last_valid_policy_brings_the_strictest_one(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    file.write_text(CASE)
    started(file, layout, audit, clock).now()
    file.write_text(FAULTY)
    layout.policy.write_text("{")
    assert started(file, layout, audit, clock).now().policy == STRICTEST


def test_a_policy_is_not_in_force_before_it_is_on_record(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    file.write_text(CASE)
    policy = started(file, layout, audit, clock)
    assert needs(policy) == {Requirement.CASE}
    audit.fails = True
    file.write_text("version: 1\n")
    assert needs(policy) == {Requirement.CASE}
    audit.fails = False
    assert needs(policy) == set()
    assert len(lines(layout)) == 2


def test_the_strictest_policy_is_in_force_until_the_first_is_on_record(
    file: Path, layout: Layout, audit: FailingLog, clock: ManualClock
) -> None:
    audit.fails = True
    file.write_text("version: 1\n")
    policy = started(file, layout, audit, clock)
    assert needs(policy) == set(Requirement)
    audit.fails = False
    assert needs(policy) == set()
