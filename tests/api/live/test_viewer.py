"""The order of what one viewer receives, without a node: the broadcast is fed by hand."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from starlette.types import Message

from api.live.channels import LiveChannels, LiveSubscription
from api.live.viewer import LiveTarget, LiveView
from api.webrtc.congestion.recovery import RETURN_AFTER_S
from api.websockets.handshakes import ServerSocket
from domain.clock import NS_PER_S, ManualClock
from domain.errors import SourceTimeout
from domain.media.held_gop import MemoryLimit
from domain.media.live_stream import LiveBroadcast, LiveFragment, LiveInit, LiveQueue
from domain.media.packets import WallSource
from tests.waiting import PATIENCE_S

INIT = LiveInit('video/mp4; codecs="avc1.64001f"', "h264", 8, 8, b"init")
CLOCK = ManualClock()
TARGET = LiveTarget("gate", has_substream=False, is_sub=False, request_id="1", language="en")


class OneChannel(LiveChannels):
    """A channel that the test feeds."""

    def __init__(self) -> None:
        self.broadcast = LiveBroadcast(CLOCK, MemoryLimit(1 << 20))

    def join(
        self, camera_id: str, stream: str, ready: asyncio.Event, from_held: bool = True
    ) -> LiveSubscription:
        return Subscription(self.broadcast, self.broadcast.join(ready, from_held), stream == "sub")


class Subscription(LiveSubscription):
    def __init__(self, broadcast: LiveBroadcast, queue: LiveQueue, is_sub: bool) -> None:
        self.queue, self.is_sub, self._broadcast = queue, is_sub, broadcast

    def close(self) -> None:
        self._broadcast.leave(self.queue)


def fragment(number: int) -> LiveFragment:
    return LiveFragment(INIT, b"picture", number == 0, number, number, WallSource.SENDER, number)


class _Permitted:
    """The access of a person who may see everything."""

    async def check(self) -> None:
        """Permit everything."""

    def may_read_events(self) -> bool:
        return True


async def _watched(channels: OneChannel) -> list[Message]:
    """Serve a view until it ends by itself; return what was sent."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("the client sends nothing")

    socket = ServerSocket(receive, send)
    async with asyncio.timeout(PATIENCE_S):
        await LiveView(socket, channels, TARGET, _Permitted(), CLOCK).run()
    return sent


def test_pictures_that_wait_at_the_end_of_the_stream_are_sent_before_the_problem() -> None:
    async def work() -> list[Message]:
        channels = OneChannel()
        view = asyncio.create_task(_watched(channels))
        await asyncio.sleep(0)
        channels.broadcast.put(fragment(0))
        channels.broadcast.put(fragment(1))
        channels.broadcast.end(SourceTimeout("the camera is silent"))
        return await view

    sent = asyncio.run(work())
    texts = [json.loads(one["text"]) for one in sent if one.get("text")]
    assert [one["type"] for one in texts] == ["init", "timing", "problem"]
    assert [one["bytes"] for one in sent if one.get("bytes")] == [b"init", b"picturepicture"]
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 4503)


def test_a_slow_viewer_of_the_sub_stream_still_gets_the_main_stream_that_it_requests() -> None:
    """Pictures of the sub-stream that were skipped withdraw no request of the viewer."""

    async def work() -> list[bool]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        socket = ServerSocket(asyncio.Queue[Message]().get, send)
        target = replace(TARGET, has_substream=True, is_sub=True)
        view = LiveView(socket, OneChannel(), target, _Permitted(), CLOCK)
        view._request(is_sub=False, cause="viewer")
        requested = view._pending
        await view._report_skipped(5)
        await view._report_skipped(5)
        assert len(sent) == 2, "both are reported"
        return [requested is not None, view._pending is requested]

    assert asyncio.run(work()) == [True, True]


def test_a_viewer_with_the_sub_stream_gets_the_main_stream_back_when_it_keeps_up() -> None:
    async def work() -> list[bool]:
        async def send(message: Message) -> None:
            assert message["type"] == "websocket.send"

        clock = ManualClock()
        socket = ServerSocket(asyncio.Queue[Message]().get, send)
        view = LiveView(
            socket, OneChannel(), replace(TARGET, has_substream=True), _Permitted(), clock
        )
        await view._report_skipped(5)
        await view._report_skipped(5)
        assert view._pending is not None
        assert view._pending.is_sub
        view._current, view._pending = view._pending, None
        wanted = []
        for _ in range(int(RETURN_AFTER_S) + 3):
            clock.advance(1)
            await view._report_timing(fragment(0))
            wanted.append(view._pending is not None)
        assert view._pending is not None
        assert not view._pending.is_sub
        assert view._switch_cause == "recovered"
        return wanted

    wanted = asyncio.run(work())
    assert wanted.index(True) == RETURN_AFTER_S


def test_a_stream_whose_timeline_is_behind_the_other_is_changed_to_after_a_while() -> None:
    """Each of its keyframes is 0.3 s earlier than the pictures that were sent meanwhile."""

    async def work() -> list[bool]:
        async def send(message: Message) -> None:
            assert message["type"] == "websocket.send"

        def keyframe(media_ns: int) -> LiveFragment:
            return replace(fragment(0), media_ns=media_ns)

        clock, channels = ManualClock(), OneChannel()
        socket = ServerSocket(asyncio.Queue[Message]().get, send)
        target = replace(TARGET, has_substream=True, is_sub=True)
        view = LiveView(socket, channels, target, _Permitted(), clock)
        view._request(is_sub=False, cause="viewer")
        requested = view._pending
        assert requested is not None
        changed = []
        for second in range(5):
            view._shown_ns = second * NS_PER_S + 3 * NS_PER_S // 10
            channels.broadcast.put(keyframe(second * NS_PER_S))
            await view._change_stream(requested)
            changed.append(view._current is requested)
            clock.advance(1)
            if changed[-1]:
                break
        return changed

    assert asyncio.run(work()) == [False, False, False, True]
