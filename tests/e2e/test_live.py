"""Live video of a whole instance: simulated cameras, a browser that shows them, and real times."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from simulator import CodecChange, SimCamera, Simulator
from simulator.sound import TONE_HZ
from tests.api.chromium import result_in_chromium
from tests.api.live.live_client import Viewer, viewing
from tests.e2e.conftest import REASON, Site, camera
from tests.e2e.sound_pages import webrtc_page, websocket_page
from tests.recorded import number_in, numbered_picture
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
FPS = 25
SUB_FIRST = 2048
"""The first number that the sub-stream shows: it distinguishes the pictures from those of the main
stream.
"""
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CLOCK_ERROR_S = 3600
PAGE = """<!doctype html><video muted></video><script>%(player)s
const now_ms = Date.now.bind(Date);
Date.now = () => now_ms() + 1000 * %(clock_error_s)d;
const video = document.querySelector("video"), canvas = document.createElement("canvas");
canvas.width = 128; canvas.height = 96;
const paper = canvas.getContext("2d", {willReadFrequently: true});
const numberIn = frame => {
  paper.drawImage(frame, 0, 0, 128, 96);
  const row = paper.getImageData(0, 48, 128, 1).data;
  return [...Array(12).keys()].reduce((sum, bit) => sum + (row[4 * (10 * bit + 5)] > 128 ? 1 << bit : 0), 0);
};
const frames = [], messages = [];
const onFrame = () => {
  const frame = new VideoFrame(video);  // a picture together with its own time
  const behind_s = now_ms() / 1000 - player.shownAt_s();
  frames.push({number: numberIn(frame), media_s: frame.timestamp / 1e6, behind_s});
  frame.close();
  video.requestVideoFrameCallback(onFrame);
};
video.requestVideoFrameCallback(onFrame);
const player = playLive(video, "%(address)s", message => messages.push(message));
const until = async (what, holds) => {
  for (let n = 0; !holds(); n++) {
    if (n > 700) throw new Error(`${what}: ${JSON.stringify(messages.filter(one => one.type !== "delay" && one.type !== "timing"))}, ${frames.length} frames`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};
const last = () => frames.at(-1);
const work = async () => {
  await until("the live edge", () => frames.length > 25 && last().behind_s < 1);
  const mainFrames = frames.length;
  player.change("sub");
  await until("the sub-stream", () => last().number >= %(sub_first)d);
  const until_s = last().media_s + 0.4;
  await until("more of it", () => last().media_s > until_s);
  player.change("main");
  await until("the main stream", () => last().number < %(sub_first)d);
  player.close();
  return {frames, mainFrames, messages};
};
work().catch(error => ({error: String(error)})).then(result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""  # noqa: E501


def numbered_video(
    file: Path, codec: str = "libx264", gop: int = FPS, first: int = 1, scale: int = 1
) -> Path:
    """Encode 20 s of pictures that show their numbers, from `first` on; none of them is black."""
    x265 = {"x265-params": f"keyint={gop}:min-keyint={gop}:log-level=none:pools=1:bframes=0"}
    x264 = {"bf": "0", "g": str(gop), "sc_threshold": "0"}
    with av.open(str(file), "w") as container:
        stream = container.add_stream(
            codec,
            rate=FPS,
            options={"preset": "ultrafast"} | (x264 if codec == "libx264" else x265),
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128 * scale, 96 * scale, "yuv420p"
        for number in range(20 * FPS):
            picture = numbered_picture(first + number).reformat(128 * scale, 96 * scale)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "main": numbered_video(folder / "main.mp4", gop=2 * FPS),
        "sub": numbered_video(folder / "sub.mp4", first=SUB_FIRST),
        "hevc": numbered_video(folder / "hevc.mp4", "libx265"),
        "large": numbered_video(folder / "large.mp4", scale=2),
    }


@pytest.fixture(scope="module")
def simulator(films: dict[str, Path]) -> Iterator[Simulator]:
    cameras = [
        SimCamera("main", films["main"], sound="aac"),
        SimCamera("talk", films["main"], sound="pcma"),
        SimCamera("sub", films["sub"]),
        SimCamera("hevc", films["hevc"]),
        SimCamera("shop", films["sub"]),
        SimCamera(
            "changing",
            films["main"],
            mode="on_play",
            faults=(CodecChange(at_s=4, file=films["large"]),),
        ),
    ]
    with Simulator(cameras) as running:
        yield running


@pytest.fixture(scope="module")
def site(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory, models_folder: Path
) -> Iterator[Site]:
    gate = camera("gate", simulator.url("main"), substream={"url": simulator.url("sub")})
    entries = [
        gate,
        camera("talk", simulator.url("talk")),
        camera("hevc", simulator.url("hevc")),
        camera("shop", simulator.url("shop"), record="on_demand") | {"class": "C"},
        camera("changing", simulator.url("changing"), record="on_demand") | {"class": "C"},
    ]
    site = Site(tmp_path_factory.mktemp("site"), entries)
    try:
        site.start()
        names = ("gate", "talk", "hevc")
        wait_for("live cameras", lambda: {_state(site, name) for name in names} == {"live"})
        yield site
    finally:
        site.close()


def _state(site: Site, name: str) -> Any:
    return site.get(f"/v1/cameras/{name}").json().get("state")


def _address(site: Site, name: str) -> str:
    answer = site.get(f"/v1/cameras/{name}/live/ticket")
    return f"ws://127.0.0.1:{site.port}{answer.json()['address']}"


def _numbers(viewer: Viewer) -> list[int]:
    file = io.BytesIO(viewer.heads[0] + b"".join(one.data for one in viewer.fragments))
    with av.open(file, "r", format="mp4") as container:
        return [number_in(picture) for picture in container.decode(video=0)]


def test_a_browser_shows_live_video_and_changes_the_stream(site: Site, tmp_path: Path) -> None:
    page = PAGE % {
        "player": "".join(
            (EXAMPLES / name).read_text("utf-8") for name in ("live-sound.js", "live-player.js")
        ),
        "address": _address(site, "gate"),
        "sub_first": SUB_FIRST,
        "clock_error_s": CLOCK_ERROR_S,
    }
    result = result_in_chromium(page, tmp_path)
    assert "error" not in result, result
    frames, messages = result["frames"], result["messages"]
    inits = [(one["stream"], one["cause"]) for one in messages if one["type"] == "init"]
    assert inits == [("main", "start"), ("sub", "viewer"), ("main", "viewer")]
    assert all(frame["number"] for frame in frames), "no picture is black"
    assert [one["type"] for one in messages].count("timing") >= 1
    delays_s = [one["delay_s"] for one in messages if one["type"] == "delay"]
    assert delays_s
    assert all(abs(delay_s) < CLOCK_ERROR_S / 2 for delay_s in delays_s), "the clock is corrected"
    # Between two pictures of one stream, the number and the media time advance together.
    main = [frame for frame in frames[: result["mainFrames"]] if frame["number"] < SUB_FIRST]
    steps = [
        (later["number"] - one["number"], (later["media_s"] - one["media_s"]) * FPS)
        for one, later in pairwise(main)
        if later["number"] > one["number"]
    ]
    assert len(steps) > 10
    assert [pytest.approx(count, abs=0.6) for count, _ in steps] == [ticks for _, ticks in steps]


def test_a_browser_decodes_g711_by_webrtc(site: Site, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{site.port}/v1/cameras/talk/whep?sound=1"
    page = webrtc_page(address, {"Authorization": f"Bearer {site.token()}", **REASON})
    result = result_in_chromium(page, tmp_path)
    assert "error" not in result, result
    assert result["heard"]["mime"] == "audio/PCMA"
    assert result["heard"]["packetsLost"] == 0


def test_a_browser_decodes_aac_by_media_source_extensions(site: Site, tmp_path: Path) -> None:
    page = websocket_page(f"{_address(site, 'gate')}&sound=1", TONE_HZ)
    result = result_in_chromium(page, tmp_path)
    assert "error" not in result, result
    assert [one["mime"] for one in result["inits"]] == ['audio/mp4; codecs="mp4a.40.2"']


def test_pictures_of_h265_arrive_whole(site: Site) -> None:
    with viewing(_address(site, "hevc"), {}) as viewer:
        viewer.read_until(lambda one: len(one.fragments) >= 40)
    (init,) = viewer.of_type("init")
    assert init["mime"].startswith('video/mp4; codecs="hvc1.1.6.L')
    numbers = _numbers(viewer)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert init["wall_source"] == "sender"


def test_a_camera_on_demand_is_pulled_for_its_viewer(site: Site) -> None:
    assert _state(site, "shop") == "idle"
    with viewing(_address(site, "shop"), {}) as viewer:
        viewer.read_until(lambda one: len(one.fragments) >= 10)
        wait_for("the state", lambda: _state(site, "shop") == "live")
    assert _numbers(viewer)[0] >= SUB_FIRST


def test_new_parameters_in_the_middle_give_a_new_initialisation_segment(site: Site) -> None:
    with viewing(_address(site, "changing"), {}) as viewer:
        viewer.read_until(lambda one: len(one.heads) == 2)
        viewer.fragments.clear()
        viewer.read_until(lambda one: len(one.fragments) >= 10)
    assert [(one["cause"], one["width_px"]) for one in viewer.of_type("init")] == [
        ("start", 128),
        ("parameters", 256),
    ]
    file = io.BytesIO(viewer.heads[1] + b"".join(one.data for one in viewer.fragments))
    with av.open(file, "r", format="mp4") as container:
        assert {picture.width for picture in container.decode(video=0)} == {256}


def test_a_view_is_in_the_audit_log_after_the_end_of_the_process(site: Site) -> None:
    """It stops the site, so it is the last test of this module."""
    headers = {"Authorization": f"Bearer {site.token()}", "X-Reason": "a view until the stop"}
    address = f"ws://127.0.0.1:{site.port}/v1/cameras/gate/live"
    with viewing(address, headers) as viewer:
        viewer.read_until(lambda one: len(one.fragments) >= 10)
        site.stop()
        viewer.read_to_end()
    assert viewer.closed == (1012, ""), "the API ends before the live process of the node"
    lines = [
        json.loads(line)
        for file in sorted((site.data / "audit").glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    views = [one for one in lines if one.get("reason") == "a view until the stop"]
    assert [one["phase"] for one in views] == ["access", "viewed"]
    assert views[0]["request"] == views[1]["request"]
