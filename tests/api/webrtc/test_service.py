"""A media process and its viewers over UDP: aiortc decodes what they receive."""

from __future__ import annotations

import asyncio
import gc
import math
import select
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.nodes.live_wire import LiveWriter, error_record
from api.requests.problems import ErrorRecord
from api.webrtc.client import MediaClient, MediaLink, SessionEvents
from api.webrtc.messages import (
    CloseStream,
    MoveSession,
    OpenSession,
    OpenStream,
    ReadSession,
    Reply,
    read_message,
    written,
)
from api.webrtc.service import MediaService
from api.webrtc.udp_socket import UdpSocket, bound_port
from api.webrtc.viewer_session import ViewerSession
from domain.clock import NS_PER_S, SystemClock
from domain.errors import (
    BadInput,
    Forbidden,
    NotFound,
    RecordChanged,
    SightlineError,
    SourceTimeout,
    SourceUnsupported,
    StoreError,
)
from domain.media.held_gop import MemoryLimit
from domain.media.packets import Packet
from domain.media.viewer_metrics import LIVE_DATAGRAMS_REFUSED
from domain.paths.local_sockets import listening
from ingest.live.fragmenter import Fragmenter
from ingest.live.sound_fragmenter import SoundFragmenter
from tests.api.webrtc.aiortc_viewer import PATIENCE_S, AiortcViewer
from tests.api.webrtc.protocols.test_stun import check_of
from tests.recorded import B_FRAMES, HEVC, PLAIN, Material, packets_of, sound_of

HOSTS = ("127.0.0.1",)


@dataclass
class Sent:
    """One stream of a test's API process."""

    link: MediaLink
    number: int
    fragmenter: Fragmenter = field(default_factory=Fragmenter)
    writer: LiveWriter = field(default_factory=LiveWriter)

    async def put(self, packets: list[Packet]) -> None:
        """Send the pictures one by one."""
        for packet in packets:
            fragment = self.fragmenter.fragment(packet)
            assert fragment is not None
            await self.link.send_records(self.number, self.writer.records([fragment]))


@dataclass
class Opened:
    """A session of a test."""

    name: str
    reply: Reply
    ended: asyncio.Future[SightlineError | None]
    wishes: list[bool]
    moved: asyncio.Event


class Host:
    """A media process, and one API process of it."""

    def __init__(self, udp: UdpSocket, client: MediaClient, link: MediaLink) -> None:
        self.udp = udp
        self.client = client
        self.link = link
        self.stack = AsyncExitStack()
        self._sessions = 0

    def stream(self, camera: str = "gate", is_sub: bool = False) -> Sent:
        number = self.link.new_stream()
        self.link.send(OpenStream(stream=number, camera=camera, name="sub" if is_sub else "main"))
        return Sent(self.link, number)

    def sound(self, camera: str = "gate") -> int:
        number = self.link.new_stream()
        self.link.send(OpenStream(stream=number, camera=camera, name="sound"))
        return number

    async def open(
        self, stream: Sent, offer: str, has_substream: bool = False, sound: int | None = None
    ) -> Opened:
        self._sessions += 1
        name = f"session-{self._sessions}"
        ended: asyncio.Future[SightlineError | None] = asyncio.get_running_loop().create_future()
        wishes: list[bool] = []
        moved = asyncio.Event()
        message = OpenSession(
            session=name,
            owner="ada",
            camera="gate",
            stream=stream.number,
            sound=sound,
            has_substream=has_substream,
            offer=offer,
            hosts=HOSTS,
        )
        events = SessionEvents(ended.set_result, wishes.append, moved.set)
        reply = await self.link.open(message, events)
        return Opened(name, reply, ended, wishes, moved)

    async def viewer(
        self, stream: Sent, has_substream: bool = False
    ) -> tuple[AiortcViewer, Opened]:
        """Open a viewer, which is closed at the end of the test."""
        viewer = AiortcViewer()
        self.stack.push_async_callback(viewer.close)
        opened = await self.open(stream, await viewer.offer(), has_substream)
        await viewer.accept(opened.reply.text)
        return viewer, opened


@asynccontextmanager
async def media_host(folder: Path) -> AsyncIterator[Host]:
    udp = UdpSocket(bound_port("127.0.0.1", 0))
    service = MediaService(udp, MemoryLimit(64 << 20), SystemClock())
    listener = listening(folder / "media", 8)
    serving = asyncio.create_task(service.run(listener))
    client = MediaClient(folder / "media")
    host = Host(udp, client, await client.link())
    try:
        async with host.stack:
            yield host
    finally:
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()
        udp.close()


def run(folder: Path, work: Callable[[Host], Coroutine[None, None, None]]) -> None:
    async def all_of_it() -> None:
        async with media_host(folder) as host, asyncio.timeout(60):
            await work(host)

    asyncio.run(all_of_it())


async def feed(stream: Sent, packets: list[Packet]) -> None:
    """Send pictures as a camera does, somewhat faster."""
    for packet in packets:
        await stream.put([packet])
        await asyncio.sleep(0.01)


def test_a_viewer_decodes_every_picture_from_the_held_keyframe_on(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        packets = packets_of(PLAIN)
        await stream.put(packets[:40])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
        await feed(stream, packets[40:100])
        pictures = await viewer.until(70)
        assert pictures == list(range(25, 25 + len(pictures)))
        assert viewer.has_no_hole
        assert not opened.ended.done()

    run(tmp_path, work)


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


@pytest.mark.parametrize(
    ("material", "sentence"),
    [
        (HEVC, "camera gate sends H.265.*set the video codec of the camera"),
        (B_FRAMES, "camera gate sends B-frames.*switch off B-frames in the video settings"),
    ],
)
def test_a_stream_that_webrtc_cannot_show_is_refused_with_the_setting_to_change(
    tmp_path: Path, material: Material, sentence: str
) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        await stream.put(packets_of(material)[:10])
        with pytest.raises(SourceUnsupported, match=sentence):
            await host.viewer(stream)

    run(tmp_path, work)


def test_the_end_of_a_stream_ends_its_sessions_with_the_cause(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        await stream.put(packets_of(PLAIN)[:5])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
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
        stream = host.stream()
        await stream.put(packets_of(PLAIN)[:5])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
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


def test_a_viewer_hears_the_camera_and_the_end_of_the_sound_ends_nothing_else(
    tmp_path: Path,
) -> None:
    async def work(host: Host) -> None:
        stream, sound = host.stream(), host.sound()
        packets = packets_of(PLAIN)
        await stream.put(packets[:5])
        writer, fragmenter = LiveWriter(), SoundFragmenter()
        sounds = sound_of("pcm_alaw", packets[0], 2.0)
        fragments = [one for packet in sounds if (one := fragmenter.fragment(packet))]
        await host.link.send_records(sound, writer.records(fragments[:1]))
        viewer = AiortcViewer()
        host.stack.push_async_callback(viewer.close)
        opened = await host.open(stream, await viewer.offer(has_sound=True), sound=sound)
        await viewer.accept(opened.reply.text)
        await viewer.until(1)
        await host.link.send_records(sound, writer.records(fragments[1:40]))
        await viewer.until_heard(8000 // 4)
        assert (await host.link.read(opened.name, "ada", "gate")).sound_problem is None
        gone = NotFound("camera {camera} sends no sound any more", camera="gate")
        await host.link.send_records(sound, error_record(gone))
        state = await host.link.read(opened.name, "ada", "gate")
        assert state.sound_problem == ErrorRecord.of(gone)
        await feed(stream, packets[5:20])
        await viewer.until(15)
        heard = viewer.samples
        await host.link.send_records(sound, LiveWriter().records(fragments[40:80]))
        await viewer.until_heard(heard + 8000 // 4)
        assert (await host.link.read(opened.name, "ada", "gate")).sound_problem is None
        host.link.send(CloseStream(stream=sound))

    run(tmp_path, work)


def test_a_session_ends_with_its_api_process(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        await stream.put(packets_of(PLAIN)[:5])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
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
        stream = host.stream()
        await stream.put(packets_of(PLAIN)[:5])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
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


def test_candidates_are_ignored_and_new_credentials_restart_ice(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        packets = packets_of(PLAIN)
        await stream.put(packets[:3])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)

        async def change(fragment: str, tag: str | None) -> Reply:
            return await host.link.change(opened.name, "ada", "gate", fragment, tag)

        candidate = "a=candidate:1 1 udp 9 192.0.2.1 9 typ host\r\n"
        reply = await change(candidate, opened.reply.tag)
        assert (reply.text, reply.tag) == ("", opened.reply.tag)
        restarted = await change("a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n", None)
        assert "a=ice-pwd:" in restarted.text
        assert "127.0.0.1" in restarted.text
        assert restarted.tag != opened.reply.tag
        with pytest.raises(RecordChanged):
            await change(candidate, opened.reply.tag)
        with pytest.raises(BadInput):
            await change("a=ice-ufrag:wxyz\r\n", None)
        # The former credentials are valid until the new ones are used.
        await feed(stream, packets[3:30])
        await viewer.until(25)
        assert not opened.ended.done()

    run(tmp_path, work)


def test_a_session_continues_with_the_sub_stream(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream, sub = host.stream(), host.stream(is_sub=True)
        packets, other = packets_of(PLAIN), packets_of(Material(gop=10))
        await stream.put(packets[:3])
        viewer, opened = await host.viewer(stream, has_substream=True)
        await viewer.until(1)
        host.link.send(MoveSession(session=opened.name, stream=sub.number))
        await stream.put(packets[3:6])
        assert not opened.moved.is_set()
        assert not (await host.link.read(opened.name, "ada", "gate")).is_sub
        await sub.put(other[10:12])
        async with asyncio.timeout(PATIENCE_S):
            await opened.moved.wait()
        assert (await host.link.read(opened.name, "ada", "gate")).is_sub
        host.link.send(CloseStream(stream=stream.number))
        await feed(sub, other[12:60])
        pictures = await viewer.until(40)
        assert pictures[-1] > 30
        assert viewer.has_no_hole

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


def test_an_offer_that_is_none_is_refused(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        await stream.put(packets_of(PLAIN)[:2])
        with pytest.raises(BadInput, match="v=0"):
            await host.open(stream, "hello")

    run(tmp_path, work)


def test_a_flood_of_datagrams_costs_a_viewer_nothing(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        packets = packets_of(PLAIN)
        await stream.put(packets[:3])
        viewer, opened = await host.viewer(stream)
        await viewer.until(1)
        name = opened.reply.tag.strip('"').encode()
        forged = check_of().replace(b"server", name[:6])
        before = refused()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
            flooder.connect(("127.0.0.1", host.udp.port))
            for packet in packets[3:100]:
                for data in (b"", b"\x00" * 20, forged, b"\x16" * 90, b"\x80\xc9" * 30, b"\xff"):
                    flooder.send(data)
                await stream.put([packet])
                await asyncio.sleep(0.005)
        pictures = await viewer.until(95)
        assert pictures == list(range(len(pictures)))
        assert viewer.has_no_hole
        assert refused() - before >= 5 * 97

    run(tmp_path, work)


def refused() -> float:
    causes = ("stun", "address", "rtcp", "rtp", "unknown")
    return float(sum(LIVE_DATAGRAMS_REFUSED.labels(cause)._value.get() for cause in causes))


def test_the_times_of_sender_reports_are_those_of_the_camera(tmp_path: Path) -> None:
    async def work(host: Host) -> None:
        stream = host.stream()
        packets = packets_of(PLAIN)
        await stream.put(packets[:3])
        viewer, _ = await host.viewer(stream)
        await viewer.until(1)
        await feed(stream, packets[3:10])
        await viewer.until(9)
        (receiver,) = viewer.connection.getReceivers()
        async with asyncio.timeout(PATIENCE_S):
            while not any(
                one.type == "remote-outbound-rtp" for one in (await receiver.getStats()).values()
            ):
                await asyncio.sleep(0.01)
        (report,) = (
            one for one in (await receiver.getStats()).values() if one.type == "remote-outbound-rtp"
        )
        first_s = packets[0].wall_ns / NS_PER_S
        assert first_s <= report.remoteTimestamp.timestamp() <= first_s + 1

    run(tmp_path, work)


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
