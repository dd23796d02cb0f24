"""A media process and its viewers over UDP: aiortc decodes what they receive."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from api.nodes.live_wire import LiveWriter, error_record
from api.requests.problems import ErrorRecord
from api.webrtc.messages import CloseStream, MoveSession, Reply
from domain.clock import NS_PER_S
from domain.errors import BadInput, NotFound, RecordChanged, SourceUnsupported
from domain.media.viewer_metrics import LIVE_DATAGRAMS_REFUSED
from ingest.live.sound_fragmenter import SoundFragmenter
from tests.api.webrtc.aiortc_viewer import PATIENCE_S, AiortcViewer
from tests.api.webrtc.media_host import Host, feed, run
from tests.api.webrtc.protocols.test_stun import check_of
from tests.recorded import B_FRAMES, HEVC, PLAIN, Material, packets_of, sound_of


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
