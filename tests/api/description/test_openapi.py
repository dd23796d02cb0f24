"""The OpenAPI description has every route, status, header and message."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, TypeAdapter

from api.cameras.models import TriggerAsked
from api.description.examples import EXAMPLES
from api.events.models import CorrectionAsked, EventList, EventView
from api.exports.models import ExportAsked
from api.feeds.hub import FeedGap, LeftOut, Live, Message
from api.feeds.message_models import (
    FeedEventMessage,
    FeedGapMessage,
    FeedStatusMessage,
    FeedSummaryMessage,
)
from api.feeds.stream import message_content
from api.feeds.watch_models import WatchAsked
from api.requests.declarations import Access
from api.routes import ROUTES
from api.site.models import HoldAsked

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        EventView,
        EventList,
        HoldAsked,
        ExportAsked,
        WatchAsked,
        TriggerAsked,
        CorrectionAsked,
    )
}


@pytest.fixture
def spec(site: Site) -> dict[str, Any]:
    described: dict[str, Any] = site.http.get(f"{site.url}/openapi.json").json()
    return described


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_every_route_is_complete(spec: dict[str, Any]) -> None:
    assert set(spec["paths"]) == {route.path for route in ROUTES}
    names = {tag["name"] for tag in spec["tags"]}
    for route in ROUTES:
        operation = spec["paths"][route.path][route.method.lower()]
        assert operation["description"] or operation["summary"], route.path
        success = operation["responses"][str(route.success_status)]
        assert route.upgrades or route.media_type in success["content"]
        assert ("Location" in success["headers"]) is route.creates
        assert ("422" in operation["responses"]) is route.takes_idempotency_key
        assert {"400", "405", "413", "414", "500"} <= set(operation["responses"])
        is_public = route.right is Access.ANYONE
        assert (operation["security"] == []) is is_public
        assert ("401" in operation["responses"]) is not (is_public and not route.identifies_person)
        assert ({"ticket": []} in operation["security"]) is route.allows_ticket
        assert set(operation["tags"]) <= names
        for answer in operation["responses"].values():
            assert answer["description"]
            assert "X-Request-Id" in answer["headers"]
        headers = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "header"
        }
        assert ("Idempotency-Key" in headers) is route.takes_idempotency_key
        assert ("X-Reason" in headers) is (route.reads_purpose and not route.has_body_reason)
        assert ("X-Case" in headers) is route.reads_purpose
        assert ("X-Emergency" in headers) is route.is_evidence_access


def test_files_have_ranges_and_head(spec: dict[str, Any]) -> None:
    clip = spec["paths"]["/v1/events/{id}/clip"]
    responses = clip["get"]["responses"]
    assert {"200", "206", "304", "404", "409", "416", "503"} <= set(responses)
    assert {"ETag", "Accept-Ranges", "Content-Range"} <= set(responses["206"]["headers"])
    assert "content" not in clip["head"]["responses"]["200"]
    assert clip["head"]["operationId"] != clip["get"]["operationId"]


def test_every_reference_is_defined(spec: dict[str, Any]) -> None:
    for reference in references(spec):
        place: Any = spec
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_a_written_field_is_required(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for name in (
        "EventView",
        "EventList",
        "CameraView",
        "HoldList",
        "HoldView",
        "Journey",
        "WatchDetail",
    ):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name
    assert schemas["HoldAsked"]["required"] == ["reason"], "a body may leave out its defaults"
    assert schemas["EventView"]["properties"]["started_at"]["format"] == "date-time"
    assert "HTTPValidationError" not in schemas


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_valid(name: str) -> None:
    example = EXAMPLES[name]
    TypeAdapter(MODELS[name]).validate_json(json.dumps(example))


def test_feeds_name_their_messages(spec: dict[str, Any]) -> None:
    for path, own in (("/v1/events/feed", "event"), ("/v1/watches/feed", "match")):
        operation = spec["paths"][path]["get"]
        content = operation["responses"]["200"]["content"]["text/event-stream"]
        assert set(content["x-messages"]) == {own, "summary", "gap", "status"}
        assert "Last-Event-ID" in {parameter["name"] for parameter in operation["parameters"]}


def test_messages_of_a_feed_have_the_documented_form(site: Site, make_event: MakeEvent) -> None:
    site.context.feed.add_all([make_event(0)])
    text = site.get("/v1/events/feed?seconds=0&after=0").text
    messages = {
        lines[1].removeprefix("event: "): lines[2].removeprefix("data: ")
        for lines in (block.split("\n") for block in text.split("\n\n"))
        if len(lines) == 3
    }
    FeedEventMessage.model_validate_json(messages["event"])
    FeedStatusMessage.model_validate_json(messages["status"])


def test_rare_messages_have_the_documented_form() -> None:
    rare: tuple[tuple[Message, type[BaseModel]], ...] = (
        (LeftOut(1, 5, Counter({"vehicle": 3})), FeedSummaryMessage),
        (FeedGap(1, 5), FeedGapMessage),
        (Live(False, 5), FeedStatusMessage),
    )
    for message, model in rare:
        model.model_validate_json(message_content(message, "event", 5).data)


def test_an_answer_links_to_what_can_follow(spec: dict[str, Any]) -> None:
    events = spec["paths"]["/v1/events"]["get"]["responses"]["200"]["links"]
    assert events["read_clip"] == {
        "operationId": "read_clip",
        "parameters": {"id": "$response.body#/items/0/id"},
    }
    assert events["next"]["parameters"] == {"next": "$response.body#/next"}
    placed = spec["paths"]["/v1/holds"]["post"]["responses"]["201"]["links"]
    assert placed["release_hold"]["parameters"] == {"id": "$response.body#/id"}
    operations = {
        operation["operationId"]: operation
        for methods in spec["paths"].values()
        for operation in methods.values()
    }
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                names = {one["name"] for one in operations[link["operationId"]]["parameters"]}
                assert set(link["parameters"]) <= names


def test_no_link_leads_to_a_secret(spec: dict[str, Any]) -> None:
    """The answer to a new token has the token itself, under the name of a parameter."""
    assert "/token" not in " ".join(
        value
        for methods in spec["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
        for value in link["parameters"].values()
    )


def test_the_webhook_of_a_match_is_described(spec: dict[str, Any]) -> None:
    webhook = spec["webhooks"]["watchMatch"]["post"]
    content = webhook["requestBody"]["content"]["application/json"]
    assert content["schema"]["$ref"].endswith("/WatchMatchView")
    headers = {parameter["name"] for parameter in webhook["parameters"]}
    assert {"Sightline-Signature", "Sightline-Timestamp", "Sightline-Match"} <= headers
