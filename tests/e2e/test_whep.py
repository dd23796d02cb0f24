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
PLAYER = Path(__file__).parents[2] / "docs" / "examples" / "whep-player.js"
PAGE = """<!doctype html><video muted autoplay></video><script>%(player)s
const video = document.querySelector("video"), canvas = document.createElement("canvas");
canvas.width = 128; canvas.height = 96;
const paper = canvas.getContext("2d", {willReadFrequently: true});
const number = () => {
  paper.drawImage(video, 0, 0, 128, 96);
  const row = paper.getImageData(0, 48, 128, 1).data;
  return [...Array(12).keys()].reduce((sum, bit) => sum + (row[4 * (10 * bit + 5)] > 128 ? 1 << bit : 0), 0);
};
const frames = [], ends = [];
const onFrame = (_, {width, height}) => {
  frames.push({number: number(), width, height});
  video.requestVideoFrameCallback(onFrame);
};
video.requestVideoFrameCallback(onFrame);
const until = async (what, holds) => {
  for (let n = 0; !holds(); n++) {
    if (n > 600) throw new Error(`${what}: ${frames.length} frames`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};
const work = async () => {
  const clickedAt = performance.now();
  const player = await playWhep(video, "%(url)s", %(headers)s, () => ends.push("end"));
  await until("the first picture", () => frames.length > 0);
  const first_ms = performance.now() - clickedAt;
  await until("pictures of three seconds", () => frames.length > 75);
  const ended = await player.close();
  return {frames, ends, first_ms, ended: ended.status};
};
work().catch(error => ({error: error.detail || String(error)})).then(
  said => fetch("said", {method: "POST", body: JSON.stringify(said)}));
</script>"""  # noqa: E501


def _film(file: Path) -> Path:
    """Encode 20 s of pictures that show their numbers, from 1 on, with a keyframe every 2 s."""
    with av.open(str(file), "w") as container:
        options = {"preset": "ultrafast", "bf": "0", "g": "50", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        for number in range(500):
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
        frames = result["frames"]
        assert {(frame["width"], frame["height"]) for frame in frames} == {(128, 96)}
        numbers = [frame["number"] for frame in frames]
        assert all(numbers), "no picture is black"
        # The browser may leave out pictures on a busy machine, and shows none twice or late.
        forward = [later - one for one, later in pairwise(numbers) if later != one]
        assert sum(step < 0 for step in forward) <= 1, "only the film begins again"
        assert len(set(numbers)) > 30, numbers
        assert sum(0 < step <= 3 for step in forward) > 10, numbers
        lines = _audit_lines(site)
        assert [one["phase"] for one in lines if one["route"] == "camera.whep"] == [
            "intent",
            "outcome",
            "viewed",
        ]


def _audit_lines(site: Site) -> list[dict[str, str]]:
    def lines() -> list[dict[str, str]]:
        return [
            json.loads(line)
            for file in sorted((site.data / "audit").glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]

    wait_for("the end in the audit log", lambda: any(one["phase"] == "viewed" for one in lines()))
    return lines()
