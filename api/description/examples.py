"""Examples of requests and answers for the OpenAPI description; a test validates each."""

from __future__ import annotations

from typing import Any

_EVENT = {
    "id": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A",
    "kind": "vehicle",
    "camera": "junzhou-east-gate",
    "class": "A",
    "area": "danjiangkou/junzhou",
    "location": {"lon": 111.513, "lat": 32.54, "heading": 90.0},
    "started_at": "2026-11-24T13:55:03.120Z",
    "best_at": "2026-11-24T13:55:04.000Z",
    "ended_at": "2026-11-24T13:55:05.480Z",
    "plate": {
        "text": "鄂C12345",
        "color": "blue",
        "confidence": 0.98,
        "alternatives": [{"text": "鄂C1Z345", "confidence": 0.01}],
    },
    "corrected": None,
    "confidence": 0.99,
    "box": [0.41, 0.62, 0.54, 0.67],
    "direction": "toward",
    "lane": 1,
    "crossed": [1],
    "wall_source": "sender",
    "late": False,
    "clip_ready": True,
    "clip_missing": None,
    "schema": 1,
    "snapshot": "/v1/events/01JD7Z3V5G8M2K4Q6R9T1W3Y5A/snapshot",
    "crop": "/v1/events/01JD7Z3V5G8M2K4Q6R9T1W3Y5A/crop",
    "clip": "/v1/events/01JD7Z3V5G8M2K4Q6R9T1W3Y5A/clip",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "EventView": _EVENT,
    "EventList": {"items": [_EVENT], "next": None, "matches": [], "archived": False},
    "HoldAsked": {
        "camera": "junzhou-east-gate",
        "from": "2026-11-24T13:00:00Z",
        "to": "2026-11-24T14:00:00Z",
        "reason": "theft 2026-118",
        "until": "2027-11-24T00:00:00Z",
    },
    "ExportAsked": {
        "ranges": [
            {
                "camera": "junzhou-east-gate",
                "from": "2026-11-24T13:00:00Z",
                "to": "2026-11-24T19:00:00Z",
            }
        ],
        "reason": "theft 2026-118",
    },
    "WatchAsked": {
        "plate": "鄂C?12*K",
        "until": "2026-12-24T00:00:00Z",
        "reason": "hit and run",
        "case": "2026-118",
    },
    "TriggerAsked": {"reason": "a fight at the gate", "duration_s": 120.0},
    "CorrectionAsked": {"plate": "鄂C12346", "reason": "seen in the clip", "version": 0},
}


def add_examples(schemas: dict[str, Any]) -> None:
    """Add the examples to the schemas that have them. Raises KeyError for an unknown schema."""
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
