"""The messages of the feeds and the webhooks, in the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from api.feeds.feeds import EVENTS_FEED, WATCHES_FEED
from api.feeds.message_models import (
    FeedEventMessage,
    FeedGapMessage,
    FeedMatchMessage,
    FeedStatusMessage,
    FeedSummaryMessage,
)
from api.feeds.watch_models import WatchMatchView

_REFERENCE = "#/components/schemas/{model}"
_MODELS = (
    FeedEventMessage,
    FeedMatchMessage,
    FeedSummaryMessage,
    FeedGapMessage,
    FeedStatusMessage,
    WatchMatchView,
)
_OF_ALL_FEEDS: dict[str, type] = {
    "summary": FeedSummaryMessage,
    "gap": FeedGapMessage,
    "status": FeedStatusMessage,
}
_OF_FEED: dict[str, dict[str, type]] = {
    EVENTS_FEED: {"event": FeedEventMessage},
    WATCHES_FEED: {"match": FeedMatchMessage},
}


def feed_schemas(present: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of all messages, without those that are `present`."""
    _, definitions = models_json_schema(
        [(model, "serialization") for model in _MODELS], ref_template=_REFERENCE
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return {name: schema for name, schema in schemas.items() if name not in present}


def message_types(path: str) -> dict[str, Any]:
    """Return the description of a feed's content.

    OpenAPI 3.1 cannot describe the messages of a stream, so `x-messages` names the schema of the
    `data` of each `event`.
    """
    models = _OF_FEED[path] | _OF_ALL_FEEDS
    return {
        "schema": {"type": "string"},
        "example": 'id: 1780000000000001\nevent: status\ndata: {"live": true, "arrival": '
        "1780000000000001}\n\n",
        "x-messages": {name: _schema(model) for name, model in models.items()},
    }


def _schema(model: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _webhook_header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
    }


WEBHOOKS: dict[str, Any] = {
    "watchMatch": {
        "post": {
            "operationId": "receive_watch_match",
            "summary": "A passing matches a watch",
            "description": "The site sends each match of a watch to the watch's webhook. A match "
            "may be sent again, with the same id.",
            "tags": ["watches"],
            "security": [],
            "parameters": [
                _webhook_header(
                    "Sightline-Signature",
                    "`v1=` and the HMAC-SHA256 of timestamp, dot and body, with the watch's secret",
                    {"type": "string", "pattern": "^v1=[0-9a-f]{64}$"},
                ),
                _webhook_header(
                    "Sightline-Timestamp",
                    "when it was signed, in seconds since 1970",
                    {"type": "string", "pattern": "^[0-9]+$"},
                ),
                _webhook_header("Sightline-Match", "the id of the match", {"type": "string"}),
                _webhook_header(
                    "Sightline-Try",
                    "the number of the try, from 1",
                    {"type": "string", "pattern": "^[1-9][0-9]*$"},
                ),
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _schema(WatchMatchView)}},
            },
            "responses": {
                "2XX": {"description": "The match is received; any other answer is tried again"}
            },
        }
    }
}
