"""How the sessions of viewers end, and who may end them and read the cause."""

from __future__ import annotations

import asyncio
import gc
import math
import select
import socket
from pathlib import Path

import pytest

from api.nodes.live_wire import error_record
from api.requests.problems import ErrorRecord
from api.webrtc.client import MediaClient
from api.webrtc.messages import MoveSession, ReadSession, Reply, read_message, written
from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket, bound_port
from api.webrtc.viewer_session import ViewerSession
from domain.clock import SystemClock
from domain.errors import Forbidden, NotFound, SightlineError, SourceTimeout, StoreError
from domain.media.held_gop import MemoryLimit
from domain.paths.local_sockets import listening
from tests.api.webrtc.aiortc_viewer import PATIENCE_S, AiortcViewer
from tests.api.webrtc.media_host import Host, feed, run
from tests.recorded import PLAIN, packets_of


def test_a_viewer_that_leaves_disturbs_no_other_and_its_session_ends(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        packets = packets_of(PLAIN)
        await stream.put(packets[:3])
        staying, _ = await host.viewer(stream)
        leaving, opened = await host.viewer(stream)
        await asyncio.gather(staying.until(1), leaving.until(1))
        feeding = asyncio.create_task(feed(stream, packets[3:150]))
        await leaving.until(20)
        await leaving.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await opened.ended is None
        await feeding
        pictures = await staying.until(140)
        assert pictures == list(range(len(pictures)))
        assert staying.has_no_hole

    run(tmp_path, work)


def test_the_end_of_a_stream_ends_its_sessions_with_the_cause(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream, opened = await host.watched()
        silence = SourceTimeout("camera gate gives no video")
        await host.link.send_records(stream.number, error_record(silence))
        async with asyncio.timeout(PATIENCE_S):
            error = await opened.ended
        assert str(error) == "camera gate gives no video"
        with pytest.raises(SightlineError, match="camera gate gives no video"):
            await host.viewer(stream)

    run(tmp_path, work)


def test_the_cause_of_an_end_can_be_read_by_the_viewer_and_no_other(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        _, opened = await host.watched()
        state = await host.link.read(opened.name, "ada", "gate")
        assert (state.is_sub, state.is_reduced, state.skipped, state.problem) == (
            False,
            False,
            0,
            None,
        )
        host.link.close_session(opened.name, Forbidden("the right has ended"))
        ended = await host.link.read(opened.name, "ada", "gate")
        assert ended.problem == ErrorRecord.of(Forbidden("the right has ended"))
        for owner, camera in (("eve", "gate"), ("ada", "school")):
            with pytest.raises(NotFound):
                await host.link.read(opened.name, owner, camera)

    run(tmp_path, work)


def test_a_session_ends_with_its_api_process(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        _, opened = await host.watched()
        other = MediaClient(tmp_path / "media")
        link = await other.link()
        await host.client.close()
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await opened.ended, StoreError)
            while True:
                try:
                    await link.change(opened.name, "ada", "gate", None, None)
                except NotFound:
                    break
        await other.close()

    run(tmp_path, work)


def test_another_api_process_ends_a_session_for_its_person_only(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        _, opened = await host.watched()
        other = MediaClient(tmp_path / "media")
        link = await other.link()
        for owner, camera in (("bob", "gate"), ("ada", "yard")):
            with pytest.raises(NotFound, match="no session"):
                await link.change(opened.name, owner, camera, None, None)
        await link.change(opened.name, "ada", "gate", None, None)
        async with asyncio.timeout(PATIENCE_S):
            assert await opened.ended is None
        await other.close()

    run(tmp_path, work)


def test_sessions_are_freed_when_they_end_and_not_by_the_garbage_collector(
    tmp_path: Path,
) -> None:
    """The media process collects garbage rarely, and each session keeps pictures of ten seconds."""

    async def work(host: Host) -> None:
        stream, sub, silent = host.stream(), host.stream(is_sub=True), host.stream(is_sub=True)
        packets = packets_of(PLAIN)
        await stream.put(packets[:3])
        await sub.put(packets[:3])
        for other in (sub, silent):
            viewer, opened = await host.viewer(stream, has_substream=True)
            await viewer.until(1)
            host.link.send(MoveSession(session=opened.name, stream=other.number))
            if other is sub:
                await sub.put(packets[3:5])
                await opened.moved.wait()
            await viewer.close()
            async with asyncio.timeout(PATIENCE_S):
                await opened.ended
        other_viewer = AiortcViewer()
        host.stack.push_async_callback(other_viewer.close)
        offer = await other_viewer.offer()
        for _ in range(3):
            opened = await host.open(stream, offer)
            await host.link.change(opened.name, "ada", "gate", None, None)
        assert sum(isinstance(one, ViewerSession) for one in gc.get_objects()) == 0

    gc.collect()
    gc.disable()
    try:
        run(tmp_path, work)
    finally:
        gc.enable()


def test_a_connection_without_sessions_is_closed_and_the_service_ends(tmp_path: Path) -> None:
    """It ends by itself, and the listening socket stays open for the next one."""

    async def work() -> None:
        udp = UdpSocket(bound_port("127.0.0.1", 0))
        with listening(tmp_path / "media", 8) as listener:
            service = MediaService(udp, MemoryLimit(64 << 20), SystemClock())
            serving = asyncio.create_task(service.run(listener, idle_s=0.3))
            client = MediaClient(tmp_path / "media", idle_s=0.3)
            link = await client.link()
            with pytest.raises(NotFound):
                await link.change("none", "ada", "gate", None, None)
            assert await client.link() is link
            async with asyncio.timeout(PATIENCE_S):
                await serving
            assert link.has_ended
            assert listener.fileno() >= 0
            udp.close()
            await client.close()

    asyncio.run(work())


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_at_the_idle_end_is_served_or_waits(tmp_path: Path, turns: int) -> None:
    """It comes so many turns of the event loop before the service stops accepting connections."""

    connected = asyncio.Event()

    class Service(MediaService):
        is_idle = True

        async def _idle(self, idle_s: float) -> None:
            if not self.is_idle:
                await super()._idle(idle_s)
            self.is_idle = False
            api.connect(str(tmp_path / "media"))
            connected.set()
            for _ in range(turns):
                await asyncio.sleep(0)

    async def work(udp: UdpSocket) -> bool:
        """Return whether the connection was served."""
        service = Service(udp, MemoryLimit(64 << 20), SystemClock())
        serving = asyncio.create_task(service.run(listener, idle_s=math.inf))
        await connected.wait()
        reader, writer = await asyncio.open_unix_connection(sock=api)
        writer.write(written(ReadSession(request="1", session="no", owner="ada", camera="gate")))
        answer = asyncio.create_task(read_message(reader))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wait({serving, answer}, return_when=asyncio.FIRST_COMPLETED)
            return answer.done() and isinstance(answer.result(), Reply)
        finally:
            for task in (serving, answer):
                task.cancel()
            await asyncio.gather(serving, answer, return_exceptions=True)
            writer.close()

    with listening(tmp_path / "media", 8) as listener, socket.socket(socket.AF_UNIX) as api:
        udp = UdpSocket(bound_port("127.0.0.1", 0))
        is_served = asyncio.run(work(udp))
        udp.close()
        assert is_served or select.select([listener], [], [], 0)[0], "the next process serves it"
