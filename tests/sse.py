"""Server-sent events as a client reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Message:
    """`name` is empty for a heartbeat."""

    name: str
    id: int
    data: dict[str, Any]


def messages(answer: httpx.Response) -> Iterator[Message]:
    """The messages of a stream, as they come."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "id" in fields:
                yield Message(
                    fields.get("event", ""), int(fields["id"]), json.loads(fields.get("data", "{}"))
                )
            fields = {}
