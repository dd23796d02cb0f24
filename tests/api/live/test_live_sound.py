"""The sound of live views by WebSocket: for viewers who request it, and for no others."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import av

from domain.media.packets import AudioPacket
from tests.api.live.conftest import CAMERA, LIVE, Camera
from tests.api.live.live_client import Viewer, opened, watching
from tests.recorded import PLAIN, packets_of, sound_of, with_sound
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site

WANTED = f"{LIVE}?sound=1"


def put(camera: Camera, pictures: int, sounds: int) -> list[AudioPacket]:
    """Put pictures of a camera with AAC and, once a viewer listens, its sound; return that."""
    packets = packets_of(PLAIN)[:pictures]
    sound = sound_of("aac", packets[0], 2.0)[:sounds]
    camera.put_packets(with_sound(packets, sound))
    wait_for("a listener", lambda: camera.station.fanout.sound_taps)
    for one in sound:
        camera.station.fanout.put_audio(one)
    return sound


def decoded(viewer: Viewer) -> int:
    """Return the number of samples of the sound that a viewer received."""
    with av.open(io.BytesIO(viewer.sound), "r", format="mp4") as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def test_a_viewer_hears_the_camera_on_the_timeline_of_the_pictures(
    site: Site, camera: Camera
) -> None:
    with watching(site, WANTED) as viewer:
        sound = put(camera, 5, 12)
        viewer.read_until(lambda one: one.sound.endswith(sound[-1].data))
        viewer.read_until(lambda one: len(one.fragments) == 5)
    (init,) = viewer.of_type("sound_init")
    assert (init["mime"], init["codec"]) == ('audio/mp4; codecs="mp4a.40.2"', "aac")
    assert abs(init["starts_at_s"] - viewer.fragments[0].media_s) < 0.01
    assert decoded(viewer) == 12 * 1024
    wait_for("the end", lambda: not camera.station.fanout.sound_taps)
    lines = [json.loads(line) for line in site.audit_lines()]
    views = [one for one in lines if one["route"] == "camera.live"]
    assert views[0]["terms"] == {"id": CAMERA, "sound": "1"}


def test_a_viewer_without_sound_is_sent_the_same_bytes_as_ever(site: Site, camera: Camera) -> None:
    with watching(site, LIVE) as silent, watching(site, WANTED) as viewer:
        sound = put(camera, 20, 12)
        viewer.read_until(lambda one: one.sound.endswith(sound[-1].data))
        for one in (silent, viewer):
            one.read_until(lambda one: len(one.fragments) == 20)
    with watching(site, LIVE) as other:
        other.read_until(lambda one: len(one.fragments) == 20)
    assert silent.sound == b""
    assert {one["type"] for one in silent.texts} <= {"init", "timing"}
    assert silent.heads == viewer.heads == other.heads
    assert silent.fragments == viewer.fragments == other.fragments


def test_a_camera_without_sound_is_shown_and_the_viewer_receives_the_reason(
    site: Site, camera: Camera
) -> None:
    with watching(site, WANTED, Accept_Language="en") as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.of_type("sound_problem"))
        (problem,) = viewer.of_type("sound_problem")
        assert problem["problem"]["status"] == 404
        assert f"{CAMERA} sends no sound" in problem["problem"]["detail"]
        camera.put(5)
        viewer.read_until(lambda one: len(one.fragments) == 10)
    assert viewer.sound == b""


def test_a_ticket_opens_the_sound_as_well(site: Site, camera: Camera) -> None:
    address = site.get(f"{LIVE}/ticket").json()["address"]
    with opened(site, f"{address}&sound=1", {}) as viewer:
        sound = put(camera, 2, 3)
        viewer.read_until(lambda one: one.sound.endswith(sound[-1].data))
    assert decoded(viewer) == 3 * 1024
