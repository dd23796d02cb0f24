"""Live video by WebRTC of a whole instance: a simulated camera, and a browser that shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest

from simulator import SimCamera, Simulator
from tests.api.chromium import result_in_chromium
from tests.e2e.conftest import REASON, Site, camera
from tests.recorded import HEIGHT_PX, WIDTH_PX, numbered_picture
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PICTURES, KEYFRAME_EVERY = 500, 50
"""The pictures of the film, which is sent again and again."""
PLAYER = Path(__file__).parents[2] / "docs" / "examples" / "whep-player.js"
PAGE = """<!doctype html><video muted autoplay></video><script>%(player)s
const video = document.querySelector("video"), canvas = document.createElement("canvas");
canvas.width = 128; canvas.height = 96;
const paper = canvas.getContext("2d", {willReadFrequently: true});
const numberIn = frame => {
  paper.drawImage(frame, 0, 0, 128, 96);
  const row = paper.getImageData(0, 48, 128, 1).data;
  return [...Array(12).keys()].reduce((sum, bit) => sum + (row[4 * (10 * bit + 5)] > 128 ? 1 << bit : 0), 0);
};
const frames = [], shown = [], ends = [];
const onFrame = (_, {width, height, presentedFrames, rtpTimestamp}) => {
  shown.push({number: numberIn(video), width, height, presentedFrames, rtpTimestamp});
  video.requestVideoFrameCallback(onFrame);
};
video.requestVideoFrameCallback(onFrame);
const readAll = async track => {
  const reader = new MediaStreamTrackProcessor({track, maxBufferSize: 100}).readable.getReader();
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    frames.push({number: numberIn(value), at_us: value.timestamp});
    value.close();
  }
};
const received = async connection => {
  for (const one of (await connection.getStats()).values()) if (one.type === "inbound-rtp") return one;
};
const until = async (what, holds) => {
  for (let n = 0; !holds(); n++) {
    if (n > 600) throw new Error(`${what}: ${frames.length} frames`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};
const work = async () => {
  const clickedAt = performance.now();
  const player = await playWhep(video, "%(url)s", %(headers)s, () => ends.push("end"));
  readAll(video.srcObject.getVideoTracks()[0]);
  await until("the first picture", () => shown.length > 0);
  const first_ms = performance.now() - clickedAt;
  await until("pictures of four seconds", () => frames.length > 100);
  const statistics = await received(player.connection);
  const ended = await player.close();
  return {frames, shown, ends, first_ms, statistics, ended: ended.status};
};
work().catch(error => ({error: error.detail || String(error)})).then(
  said => fetch("said", {method: "POST", body: JSON.stringify(said)}));
</script>"""  # noqa: E501


def _film(file: Path) -> Path:
    """Encode pictures that show their numbers, from 1 on. A keyframe comes every 2 s."""
    with av.open(str(file), "w") as container:
        options = {"preset": "ultrafast", "bf": "0", "g": str(KEYFRAME_EVERY), "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        for number in range(PICTURES):
            picture = numbered_picture(1 + number)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file


def test_a_browser_shows_a_camera_by_webrtc(make_site: Callable[..., Site], tmp_path: Path) -> None:
    film = _film(tmp_path / "film.mp4")
    with Simulator([SimCamera("main", film)]) as simulator:
        site = make_site([camera("gate", simulator.url("main"))])
        site.start()
        wait_for("the camera", lambda: site.get("/v1/cameras/gate").json().get("state") == "live")
        headers = {"Authorization": f"Bearer {site.token()}", **REASON}
        page = PAGE % {
            "player": PLAYER.read_text("utf-8"),
            "url": f"http://127.0.0.1:{site.port}/v1/cameras/gate/whep",
            "headers": json.dumps(headers),
        }
        result = result_in_chromium(page, tmp_path)
        assert "error" not in result, result
        assert result["ended"] == 200
        _check_received(result["frames"], result["statistics"])
        _check_shown(result["shown"])
        lines = _audit_lines(site)
        assert [one["phase"] for one in lines if one["route"] == "camera.whep"] == [
            "intent",
            "outcome",
            "viewed",
        ]


def _check_received(frames: list[dict[str, int]], statistics: dict[str, int]) -> None:
    """Every picture arrives, and is delivered once and in order.

    A browser that is late because the machine is busy does not decode what it received before a
    keyframe that has arrived, too. So a picture may be left out only directly before a keyframe.
    """
    numbers = [frame["number"] for frame in frames]
    steps = [(later - one) % PICTURES for one, later in pairwise(numbers)]
    at_steps = list(zip(numbers[1:], steps, strict=True))
    assert all(step == 1 or number % KEYFRAME_EVERY == 1 for number, step in at_steps), numbers
    assert all(0 < step <= KEYFRAME_EVERY for step in steps), numbers
    assert statistics["packetsLost"] == 0
    # The browser may answer with statistics that are 50 ms old.
    assert statistics["framesReceived"] >= 1 + sum(steps) - 2, statistics


def _check_shown(shown: list[dict[str, int]]) -> None:
    """The page shows pictures in order. It leaves one out if its main thread is busy, which is the
    browser's own choice: `_check_received` has shown that it received all of them.
    """
    assert {(one["width"], one["height"]) for one in shown} == {(WIDTH_PX, HEIGHT_PX)}
    assert all(one["number"] for one in shown), "no picture is black"
    steps = [(later["number"] - one["number"]) % PICTURES for one, later in pairwise(shown)]
    assert all(step < PICTURES // 2 for step in steps), "no picture is shown again"
    assert len({one["number"] for one in shown}) > 10


def _audit_lines(site: Site) -> list[dict[str, str]]:
    def lines() -> list[dict[str, str]]:
        return [
            json.loads(line)
            for file in sorted((site.data / "audit").glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]

    wait_for("the end in the audit log", lambda: any(one["phase"] == "viewed" for one in lines()))
    return lines()
