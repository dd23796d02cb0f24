"""A feed as server-sent events: first the missed arrivals, then the new ones, with heartbeats.

docs/api.md describes the messages. The id of every message, also of a heartbeat, is the number to
resume from, so that a client with a narrow filter does not repeat what it skipped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request

from api.access.standing_access import CHECK_EVERY_S, FollowerAccess
from api.feeds.hub import (
    PAGE,
    Arrival,
    ArrivalFilter,
    FeedGap,
    Follower,
    Hub,
    LeftOut,
    Live,
    Message,
)
from api.requests.streams import GeneratedStream
from domain.clock import rfc3339
from domain.errors import IndexUnavailable, QueryInvalid

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 10.0
LONGEST_S = 3600
"""The longest duration of a response.

Then the client reconnects: its right is checked again, and the access is written to the audit log.
"""
RETRY_MS = 2000
_NS_PER_NUMBER = 1000
_CHUNK = 64


def resume_from(request: Request, after: int | None) -> int | None:
    """Return the number to resume from: `Last-Event-ID` if the request has it, else `after`.

    A browser sends that header when it reconnects to the same URL.
    """
    last_id = request.headers.get("Last-Event-ID", "").strip()
    if not last_id:
        return after
    if not (last_id.isascii() and last_id.isdigit() and len(last_id) <= 16):
        raise QueryInvalid("Last-Event-ID", "must be the id of a message of this feed")
    return int(last_id)


@dataclass(frozen=True, slots=True)
class FeedStart:
    """What a client requests of a feed."""

    wants: ArrivalFilter
    after: int | None
    """The number to resume from; None: from now on."""
    seconds: float
    """The duration of the response."""


async def answer(hub: Hub, name: str, start: FeedStart, access: FollowerAccess) -> GeneratedStream:
    """Respond with a feed. Raises IndexUnavailable where Redis does not respond.

    A later outage of Redis is reported in the stream.
    """
    await hub.start()
    stream = _Stream(hub, name, start, access)
    return GeneratedStream(stream.chunks(), {"X-Accel-Buffering": "no"}, MEDIA_TYPE)


class _Stream:
    def __init__(self, hub: Hub, name: str, start: FeedStart, access: FollowerAccess) -> None:
        self._hub = hub
        self._name = name
        self._wants = start.wants
        self._after = start.after
        self._seconds = start.seconds
        self._access = access
        self._sent = 0

    async def chunks(self) -> AsyncGenerator[bytes]:
        ends_s = asyncio.get_running_loop().time() + self._seconds
        with self._hub.held():
            self._sent = self._hub.number if self._after is None else self._after
            yield b"retry: %d\n\n" % RETRY_MS + self._text([Live(True, self._sent)])
            try:
                async with aclosing(self._missed()) as missed:
                    async for chunk in missed:
                        yield chunk
            except IndexUnavailable:
                return  # the client reconnects with its last id
            # Nothing is awaited between the last read of missed arrivals and this, so no arrival
            # is lost between the two.
            follower = self._hub.join(self._wants, self._sent)
            try:
                async with aclosing(self._arriving(follower, ends_s)) as arriving:
                    async for chunk in arriving:
                        yield chunk
            finally:
                self._hub.leave(follower)

    async def _missed(self) -> AsyncGenerator[bytes]:
        """Yield the arrivals before this connection, and those during their transmission."""
        last = self._sent + 1 if self._after is not None else self._sent
        while self._sent < max(last, self._hub.number):
            if await self._access.is_ended():
                return
            visible = self._access.visible
            chunks, is_last = await self._missed_page()
            if is_last:
                last = self._sent
            for before, chunk in chunks:
                if await self._access.is_ended():
                    return
                if self._access.visible != visible:
                    # The client has not read for long, and the page is of another scope.
                    self._sent = before
                    break
                yield chunk

    async def _missed_page(self) -> tuple[list[tuple[int, bytes]], bool]:
        """Return the next page as texts, each with the last number before it, and whether it is the
        last page.

        The events of a page take seven times the memory of its text, and a follower that does not
        read holds what is returned here for as long as it is connected.
        """
        page = await self._hub.read(self._sent, PAGE)
        chunks = []
        if self._sent < page.known_from:
            chunks.append((self._sent, self._text([FeedGap(self._sent, page.known_from)])))
        matching = [one for one in page.items if self._wants(one)]
        chunks += [
            (self._sent, self._text(matching[at : at + _CHUNK]))
            for at in range(0, len(matching), _CHUNK)
        ]
        is_last = len(page.items) < PAGE
        self._sent = page.last if is_last else page.items[-1].number
        return chunks, is_last

    async def _arriving(self, follower: Follower, ends_s: float) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        heartbeat_s = loop.time() + HEARTBEAT_S
        while not self._hub.is_ending and (left_s := ends_s - loop.time()) > 0:
            number = follower.number
            wait_s = min(heartbeat_s - loop.time(), CHECK_EVERY_S, left_s)
            messages = await follower.next_messages(max(0.0, wait_s))
            if await self._access.is_ended():
                return  # the client reconnects, and is refused
            if not messages and loop.time() < min(heartbeat_s, ends_s):
                continue
            heartbeat_s = loop.time() + HEARTBEAT_S
            for start in range(0, len(messages), _CHUNK):
                # The client may not have read for long, and the scope may have changed since.
                if await self._access.is_ended():
                    return
                text = self._text(self._permitted(messages[start : start + _CHUNK]))
                if text:
                    yield text
            if not messages:
                self._sent = max(self._sent, number)
                yield b": alive\nid: %d\n\n" % self._sent

    def _permitted(self, messages: Iterable[Message]) -> list[Message]:
        return [one for one in messages if not isinstance(one, Arrival) or self._wants(one)]

    def _text(self, messages: Iterable[Message]) -> bytes:
        return "".join(map(self._one, messages)).encode()

    def _one(self, message: Message) -> str:
        content = message_content(message, self._name, self._sent)
        self._sent = max(self._sent, content.number)
        return f"id: {self._sent}\nevent: {content.name}\ndata: {content.data}\n\n"


class MessageContent(NamedTuple):
    """The fields of a server-sent event."""

    number: int
    name: str
    data: str


def message_content(message: Message, feed_event: str, sent: int) -> MessageContent:
    """Return the content of a message; `sent` is the last number that was sent before it."""
    match message:
        case Arrival():
            return MessageContent(message.number, feed_event, message.data)
        case LeftOut():
            return MessageContent(message.to, "summary", _summary(message))
        case FeedGap():
            return MessageContent(message.to, "gap", _range(message.from_, message.to))
        case Live():
            status = json.dumps({"live": message.live, "arrival": sent})
            return MessageContent(sent, "status", status)


def _summary(left: LeftOut) -> str:
    return _range(left.from_, left.to, left_out=left.by_kind.total(), by_kind=left.by_kind)


def _range(from_: int, to: int, **more: object) -> str:
    times = {"from_at": rfc3339(from_ * _NS_PER_NUMBER), "to_at": rfc3339(to * _NS_PER_NUMBER)}
    return json.dumps({"from": from_, "to": to, **times, **more})
