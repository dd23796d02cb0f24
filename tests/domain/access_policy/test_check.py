"""A policy file is checked strictly, and its faults say where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.access_policy.check import PolicyCalls, check_policy, read_policy
from domain.access_policy.model import STRICTEST, AccessPolicy, Requirement
from domain.errors import PolicyInvalid
from domain.people import Right

CALLS = PolicyCalls(
    {
        "camera.recording": Right.RECORDINGS_READ,
        "event.clip": Right.EVENTS_READ,
        "events.search": Right.EVENTS_READ,
        "hold.place": Right.EVIDENCE,
    }
)
VALID = """\
version: 1
approval_hours: 2
groups:
  clips:
    calls: [event.clip]
    rights: [recordings_read]
    needs: [reason, case]
    case_pattern: '案\\d{4}-\\d+'
  recordings:
    calls: [camera.recording]
    needs: [approval]
"""


def checked(text: str) -> AccessPolicy:
    return check_policy(text, "policy.yaml", CALLS)


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as raised:
        checked(text)
    return [str(fault) for fault in raised.value.faults]


def test_a_call_needs_what_all_its_groups_demand() -> None:
    policy = checked(VALID)
    needs = policy.needs((Right.RECORDINGS_READ,), "camera.recording")
    assert needs.requirements == set(Requirement)
    assert needs.case_patterns == (r"案\d{4}-\d+",)
    clip = policy.needs((Right.EVENTS_READ,), "event.clip")
    assert (clip.reason, clip.case, clip.approval) == (True, True, False)
    assert policy.needs((Right.EVENTS_READ,), "events.search").requirements == set()
    assert policy.emergency_access
    assert policy.approval_ns == 2 * 3600 * 10**9


def test_the_strictest_policy_demands_everything_of_every_call() -> None:
    for right in Right:
        assert STRICTEST.needs((right,), "any").requirements == set(Requirement)
    assert not STRICTEST.emergency_access


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ("versoin: 1\n", "policy.yaml:1:1: unknown key `versoin` (did you mean `version`?)"),
        (
            VALID.replace("event.clip", "event.clap"),
            "policy.yaml:5:13: `event.clap` is no audit term that a policy can govern (did you "
            "mean `event.clip`?)",
        ),
        (
            VALID.replace("[recordings_read]", "[recording_read]"),
            "policy.yaml:6:14: `rights`: 'recording_read' is not one of",
        ),
        (
            VALID.replace("[recordings_read]", "[metrics_read]"),
            "policy.yaml:6:14: no call that a policy can govern needs the right `metrics_read`",
        ),
        (VALID.replace("[approval]", "[aproval]"), "did you mean `approval`?"),
        (VALID.replace("[approval]", "[]"), "`needs` is empty, so this group demands nothing"),
        (VALID.replace("needs: [approval]", "need: [approval]"), "did you mean `needs`?"),
        (VALID.replace("[reason, case]", "[reason]"), "`case_pattern` does nothing here"),
        (VALID.replace("\\d{4}", "("), "policy.yaml:8:19: `case_pattern`: is no regular"),
        ("version: 1\ngroups: {empty: {needs: [case]}}\n", "this group has no calls"),
        ("version: 1\napproval_hours: 13\n", "policy.yaml:2:17: `approval_hours`"),
        ("version: 2\n", "policy.yaml:1:10: `version`"),
        ("version: [\n", "this is not YAML"),
        ("", "policy.yaml:1:1: `policy`"),
    ],
)
def test_a_fault_says_where_and_what_to_do(wrong: str, fault: str) -> None:
    assert any(fault in found for found in faults(wrong)), faults(wrong)


def test_all_faults_are_reported_together() -> None:
    found = faults(VALID.replace("event.clip", "x").replace("camera.recording", "y"))
    assert [one.split(":")[1] for one in found] == ["5", "10"]


def test_a_wrong_word_is_one_fault() -> None:
    assert len(faults(VALID.replace("[approval]", "[aproval]"))) == 1


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        read_policy(tmp_path / "absent.yaml", CALLS)
    file = tmp_path / "policy.yaml"
    file.write_text(VALID)
    assert read_policy(file, CALLS) == (VALID, checked(VALID))
