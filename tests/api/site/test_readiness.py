"""`/readyz` shows names to anyone, and details with the right; checks run once a second."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from api.access.api_context import ApiContext, SiteRegistry
from api.site.readiness import Probes
from domain.access_policy.model import ActivePolicy
from domain.alarms import Alarm, AlarmName
from domain.clock import ManualClock
from domain.errors import Fault, IndexUnavailable, ObjectsUnavailable
from domain.messages.message import Message
from domain.people import RIGHTS, Right, Role
from domain.registry import Registry
from storage.clients.redis import connect
from storage.site.site_identity import SiteFaults
from tests.api.conftest import Site
from tests.api.site_data import START_NS
from tests.people import people_of
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

FAULTS = (
    Fault(
        "/etc/sightline/camera_registry.yaml",
        7,
        3,
        Message("unknown key `{key}`", key="urll"),
        Message("did you mean `{word}`?", word="url"),
    ),
)
ALARM = Alarm(
    name=AlarmName.DISK_FULL, node="node-2", since=START_NS, sentence="give it more space"
)


@pytest.fixture
def faulty(open_site: OpenSite) -> Site:
    return open_site(
        registry=lambda: SiteRegistry(Registry(version=1), FAULTS), alarms=lambda: (ALARM,)
    )


@pytest.mark.parametrize("authorization", [None, "Bearer sl_wrong", "Basic YTpi"])
def test_without_a_token_only_names_are_shown(faulty: Site, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    ready = faulty.http.get(f"{faulty.url}/readyz", headers=headers)
    assert (ready.status_code, ready.json()["status"], ready.json()["registry_faults"]) == (
        200,
        "degraded",
        None,
    )
    shown = [(one["name"], one["ok"], one["why"]) for one in ready.json()["dependencies"]]
    assert shown[:3] == [("index", True, None), ("objects", True, None), ("disk", False, None)]
    assert shown[3:] == [("index_contents", True, None), ("objects_contents", True, None)]
    for inside in ("node-2", "space", "urll", "yaml"):
        assert inside not in ready.text


def test_faults_of_the_policy_are_details(open_site: OpenSite) -> None:
    fault = Fault(
        "/etc/sightline/policy.yaml",
        3,
        5,
        Message("unknown key `{key}`", key="need"),
        Message("did you mean `{word}`?", word="needs"),
    )
    site = open_site(policy=lambda: ActivePolicy(faults=(fault,)))
    assert site.http.get(f"{site.url}/readyz").json()["policy_faults"] is None
    assert site.get("/readyz").json()["policy_faults"] == [
        "policy.yaml:3:5: unknown key `need` (did you mean `needs`?)"
    ]


@pytest.mark.parametrize("role", list(Role))
def test_details_need_the_right_to_read_states(faulty: Site, role: Role) -> None:
    said = faulty.get("/readyz", role).json()
    if Right.CAMERAS_READ not in RIGHTS[role]:
        assert said["registry_faults"] is None
    else:
        assert said["registry_faults"] == [
            "camera_registry.yaml:7:3: unknown key `urll` (did you mean `url`?)"
        ]
        assert said["dependencies"][2]["why"] == "node-2: give it more space"


def test_while_no_token_can_be_checked_names_are_shown(open_site: OpenSite) -> None:
    plain = open_site()
    away = connect("redis://127.0.0.1:1/0")
    site = open_site(people=people_of(away, plain.context.objects), alarms=lambda: (ALARM,))
    ready = site.http.get(f"{site.url}/readyz", headers={"Authorization": "Bearer sl_any"})
    assert (ready.status_code, ready.json()["dependencies"][2]["why"]) == (200, None)


def test_causes_and_faults_are_in_the_language_of_the_client(open_site: OpenSite) -> None:
    full = Message("recordings cannot be kept within their limit: {error}", error="x")
    alarm = Alarm.of(AlarmName.DISK_FULL, "node-2", START_NS, full)
    site = open_site(
        registry=lambda: SiteRegistry(Registry(version=1), FAULTS), alarms=lambda: (alarm,)
    )
    ready = site.get("/readyz", Accept_Language="zh-CN")
    assert ready.json()["registry_faults"] == [
        "camera_registry.yaml:7:3：没有键 `urll`（是否指 `url`？）"
    ]
    assert ready.json()["dependencies"][2]["why"] == "node-2：无法将录像控制在限额内：x"
    assert "Accept-Language" in ready.headers["Vary"]


class Counted:
    """Dependencies that count their checks and may hang."""

    def __init__(self) -> None:
        self.asked, self.clock, self.answers = 0, ManualClock(), threading.Event()
        self.answers.set()
        store = SimpleNamespace(count=self._count, ping=self._ping)
        context = SimpleNamespace(
            index=store,
            objects=store,
            clock=self.clock,
            alarms=tuple,
            site_faults=SiteFaults,
            openid=None,
        )
        self.probes = Probes(cast(ApiContext, context))

    def _count(self) -> None:
        self.asked += 1
        self.answers.wait(PATIENCE_S)
        raise IndexUnavailable("away")

    def _ping(self) -> None:
        raise ObjectsUnavailable("away")


def test_dependencies_are_checked_once_a_second() -> None:
    counted = Counted()
    for _ in range(50):
        assert [one.ok for one in counted.probes.dependencies()] == [False, False, True, True, True]
    assert counted.asked == 1
    counted.clock.advance(1)
    counted.probes.dependencies()
    assert counted.asked == 2


def test_while_a_dependency_hangs_the_last_result_is_returned() -> None:
    counted = Counted()
    found = counted.probes.dependencies()
    counted.clock.advance(5)
    counted.answers.clear()
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(counted.probes.dependencies)
        Site.eventually(lambda: counted.asked == 2)
        assert counted.probes.dependencies() is found
        counted.answers.set()
        assert hanging.result() is not found
