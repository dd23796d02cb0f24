"""For requests made from the description, of every role, each answer is as it is described.

`make api-fuzz` makes many more of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from domain.clock import NS_PER_DAY, rfc3339
from domain.people import Role
from storage.audit.shipping import AuditShipper
from storage.site.node_reports import NodeReports
from tests.api.description.generated_requests import Effort, check_answers, without_feeds
from tests.api.live.media_process import media_process
from tests.api.site.test_nodes import REPORT
from tests.api.site_data import REGISTRY, START_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from domain.paths.data_layout import Layout
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

EXAMPLES = int(os.environ.get("SIGHTLINE_API_FUZZ_EXAMPLES", "0"))
EFFORT = (
    Effort(examples=EXAMPLES, has_coverage=True, steps=10)
    if EXAMPLES
    else Effort(examples=1, has_coverage=False, steps=4)
)
RANGE = {"from": "2025-11-24T16:00:00Z", "to": "2025-11-24T16:00:10Z"}


@pytest.fixture
def seeded(
    site: Site, make_event: MakeEvent, record: Callable[[Layout, str, int, float], Path]
) -> Iterator[Site]:
    """A site with something of each kind, so that requests are answered with success."""
    for camera in REGISTRY.cameras:
        site.hold(camera.id)
        record(site.layout, camera.id, START_NS, 4)
        site.pictures |= {camera.id: b"a picture", f"{camera.id}/sub": b"a picture"}
    for number in range(4):
        site.spool_passing(make_event(number))
    site.spool_passing(make_event(9, "west-gate", None))
    NodeReports(site.redis).publish("node-1", REPORT)
    holds, watches = {"camera": "east-gate", **RANGE}, {"plate": "鄂F8888?", "case": "1"}
    tomorrow = rfc3339(site.context.clock.wall_ns() + NS_PER_DAY)
    until = {"until": tomorrow, "reason": "a test"}
    for path, body in (("/v1/holds", holds), ("/v1/watches", watches)):
        assert site.get(path, method="POST", body=body | until).status_code == 201
    AuditShipper(site.context.audit, site.context.objects, "api-1", site.context.clock).run_once()
    with media_process(site.layout):
        yield site


@pytest.fixture
def spec(site: Site) -> dict[str, Any]:
    described: dict[str, Any] = site.http.get(f"{site.url}/openapi.json").json()
    return described


@pytest.mark.parametrize("role", list(Role))
def test_every_answer_is_as_described(seeded: Site, spec: dict[str, Any], role: Role) -> None:
    found = check_answers(spec, seeded.url, seeded.tokens[role], EFFORT)
    assert not found.faults, "\n\n".join(found.faults[:20])
    operations = sum(len(one) for one in without_feeds(spec)["paths"].values())
    assert found.requests >= operations
    print(f"{role}: {found.requests} requests, {len(found.answered)} operations with success")


def test_a_difference_from_the_description_is_found(seeded: Site, spec: dict[str, Any]) -> None:
    """The checks work: a description that promises something else has faults."""
    schema = spec["components"]["schemas"]["CameraView"]["properties"]["fps"]
    schema["type"] = "string"
    del spec["paths"]["/v1/alarms"]["get"]["responses"]["200"]
    spec["paths"] = {path: spec["paths"][path] for path in ("/v1/cameras", "/v1/alarms")}
    effort = Effort(examples=2, has_coverage=False, steps=2)
    found = check_answers(spec, seeded.url, seeded.tokens[Role.OPERATOR], effort)
    checks = {fault.split(": ")[1] for fault in found.faults}
    assert {"response_schema_conformance", "status_code_conformance"} <= checks


def test_an_id_that_is_the_path_of_a_feed_is_not_requested(
    seeded: Site, spec: dict[str, Any]
) -> None:
    """Such a request would be answered by the feed, which has another description and no end."""
    path = "/v1/events/{id}"
    (parameter,) = (one for one in spec["paths"][path]["get"]["parameters"] if one["name"] == "id")
    parameter["schema"] = {"enum": ["feed", "nothing"]}
    spec["paths"] = {one: spec["paths"][one] for one in (path, "/v1/events/feed")}
    effort = Effort(examples=4, has_coverage=False, steps=2)
    found = check_answers(spec, seeded.url, seeded.tokens[Role.INVESTIGATOR], effort)
    assert found.requests
    assert not found.faults
