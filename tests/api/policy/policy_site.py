"""A site whose access policy a test sets, and people of it by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from domain.access_policy.check import check_policy
from domain.access_policy.model import ActivePolicy, PolicyOrigin
from domain.camera_scope import UNLIMITED, CameraScope
from domain.paths.object_keys import (
    APPROVALS_PREFIX,
    CASES_PREFIX,
    EMERGENCIES_PREFIX,
    PEOPLE_PREFIX,
)
from domain.people import Right, Role
from sightline.active_policy import known_calls
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@dataclass
class PolicySite:
    """A site and the policy that it applies."""

    site: Site = field(init=False)
    in_force: ActivePolicy = field(default_factory=ActivePolicy)
    tokens: dict[str, str] = field(default_factory=dict)

    def apply(self, groups: str, **more: object) -> None:
        """Put a policy in force; `groups` is the YAML of its groups in flow style."""
        lines = [f"{name}: {str(value).lower()}" for name, value in more.items()]
        text = "\n".join(["version: 1", f"groups: {groups}", *lines])
        policy = check_policy(text, "policy.yaml", known_calls())
        self.in_force = ActivePolicy(policy, PolicyOrigin.FILE, "00" * 32)

    def add(
        self,
        name: str,
        role: Role = Role.INVESTIGATOR,
        grants: tuple[Right, ...] = (),
        scope: CameraScope = UNLIMITED,
    ) -> str:
        self.tokens[name] = self.site.context.people.add(name, role, grants, scope).token
        return name

    def send(
        self,
        name: str,
        method: str,
        path: str,
        body: object = None,
        url: str = "",
        **headers: str,
    ) -> httpx.Response:
        """Send a request as a person; header names have underscores."""
        given = {"Authorization": f"Bearer {self.tokens[name]}", "X-Reason": "a test"}
        given |= {key.replace("_", "-"): value for key, value in headers.items()}
        address = (url or self.site.url) + path
        return self.site.http.request(method, address, headers=given, json=body)

    def get(self, name: str, path: str, **headers: str) -> httpx.Response:
        return self.send(name, "GET", path, **headers)

    def open_case(self, number: str, name: str = "li") -> dict[str, Any]:
        body = {"number": number, "title": "theft", "reason": "reported today"}
        answer = self.send(name, "POST", "/v1/cases", body)
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    def request(self, name: str, refused: httpx.Response, **fields: object) -> dict[str, Any]:
        """Request the approval that a refused call names."""
        asked = refused.json()["approval"]
        body = {"call": asked["call"], "terms": asked["terms"], "reason": "needed", **fields}
        answer = self.send(name, "POST", asked["url"], body)
        assert answer.status_code == 201, answer.text
        requested: dict[str, Any] = answer.json()
        return requested

    def decide(
        self, name: str, id_: str, decision: str = "approved", **more: str
    ) -> httpx.Response:
        body = {"decision": decision, "reason": "it is right"}
        return self.send(name, "PATCH", f"/v1/approvals/{id_}", body, **more)


def open_policy_site(open_site: OpenSite, **changes: object) -> PolicySite:
    """Open a site without people, cases, approvals and emergency accesses."""
    found = PolicySite()
    found.site = open_site(policy=lambda: found.in_force, **changes)
    remove_objects(
        found.site.context.objects,
        PEOPLE_PREFIX,
        CASES_PREFIX,
        APPROVALS_PREFIX,
        EMERGENCIES_PREFIX,
    )
    return found


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Return status and kind of a problem."""
    assert "type" in answer.json(), answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:sightline:problem:")
