"""Playlists and cuts in a browser and in FFmpeg start at the requested moment and pass gaps."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.an_hour_ago import CAMERA, Record, record_twice, span
from tests.api.chromium import result_in_chromium
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

PAGE = """<!doctype html><video muted></video><script>
const video = document.querySelector("video");
const shade = () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const paper = canvas.getContext("2d");
  paper.drawImage(video, 0, 0, 8, 8);
  return paper.getImageData(4, 4, 1, 1).data[0];
};
const event = (target, name) => new Promise(resolve => target.addEventListener(name, resolve, {once: true}));
let drawnAt = -1;  // the moment of the picture that can be drawn: after a seek the video may still have the previous one, or none
const onFrame = (_, picture) => { drawnAt = picture.mediaTime; video.requestVideoFrameCallback(onFrame); };
video.requestVideoFrameCallback(onFrame);
const shown = async () => {
  for (let n = 0; Math.abs(video.currentTime - drawnAt) > 0.11 && n < 200; n++) await new Promise(resolve => setTimeout(resolve, 25));
  return [video.currentTime, shade()];
};
const at = async seconds => {
  const moved = event(video, "seeked");
  video.currentTime = seconds;
  await moved;
  return shown();
};
const post = said => fetch("said", {method: "POST", body: JSON.stringify(said)});
const say = work => work().catch(error => ({error: String(error)})).then(post);
"""  # noqa: E501
FILE = """say(async () => {
  video.src = URL.createObjectURL(await (await fetch("%(address)s")).blob());
  return {first: await shown(), later: await at(2), lasts: video.duration};
});
</script>"""
LIST = """say(async () => {
  const list = %(playlist)s, parts = list.segments;
  const asked = (Date.parse(list.from) - Date.parse(list.zero)) / 1000;
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await event(source, "sourceopen");
  const buffer = source.addSourceBuffer(parts[0].mime);
  const append = async address => {
    const bytes = await (await fetch("%(site)s" + address)).arrayBuffer();
    const done = event(buffer, "updateend");
    buffer.appendBuffer(bytes);
    await done;
  };
  await append(parts[0].head);
  for (const part of parts) await append(part.media);
  source.endOfStream();
  const ranges = [...Array(buffer.buffered.length).keys()].map(n => [buffer.buffered.start(n), buffer.buffered.end(n)]);
  const first = await at(asked);
  const hole = ranges[0][1];
  await at(hole - 0.3);
  await video.play();
  const played = [];
  while (!video.ended && played.length < 400) {  // over the hole as a player does: to the next range, once the first has run out
    played.push([video.currentTime, shade()]);
    if (ranges.length > 1 && video.currentTime > hole - 0.15 && video.currentTime < ranges[1][0]) video.currentTime = ranges[1][0];
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return {first, ranges, after: played.find(([time]) => time >= ranges[1][0]), ended: video.ended};
});
</script>"""  # noqa: E501


@pytest.fixture
def recorded(site: Site, record: Record) -> Site:
    """Record eight seconds, leave a gap of six, and record four seconds more.

    The shade of a frame is eight times its number in the segment.
    """
    record_twice(site, record)
    return site


def test_a_cut_begins_at_the_requested_moment_in_a_browser(recorded: Site, tmp_path: Path) -> None:
    """1.5 s lies half a second after a keyframe: a player that began there would show picture
    10.
    """
    (tmp_path / "cut.mp4").write_bytes(recorded.get(f"{CAMERA}/recording?{span(1.5, 7.5)}").content)
    said = result_in_chromium(PAGE + FILE % {"address": "cut.mp4"}, tmp_path)
    assert "error" not in said, said
    assert said["first"] == [0, pytest.approx(15 * 8, abs=6)]
    assert said["later"] == [2, pytest.approx(35 * 8 % 255, abs=6)]
    assert said["lasts"] == pytest.approx(6, abs=0.11)


def test_a_playlist_plays_in_a_browser_from_the_requested_moment_and_over_its_gap(
    recorded: Site, tmp_path: Path
) -> None:
    playlist = recorded.get(f"{CAMERA}/playlist?{span(1.5, 18)}")
    said = result_in_chromium(
        PAGE + LIST % {"playlist": playlist.text, "site": recorded.url}, tmp_path
    )
    assert "error" not in said, said
    assert said["first"] == [1.5, pytest.approx(15 * 8, abs=6)]
    assert said["ranges"] == [
        [pytest.approx(0, abs=0.01), pytest.approx(8, abs=0.11)],
        [14, pytest.approx(18, abs=0.11)],
    ]
    assert said["after"][0] == pytest.approx(14, abs=0.5)
    assert said["ended"]


def test_ffmpeg_plays_a_cut_from_the_requested_moment(
    recorded: Site, tmp_path: Path, ffmpeg: str
) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(recorded.get(f"{CAMERA}/recording?{span(1.5, 18)}").content)
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(cut),
        "-vf",
        "scale=1:1",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    shades = list(
        subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True).stdout
    )
    assert shades[:2] == [pytest.approx(15 * 8, abs=6), pytest.approx(16 * 8, abs=6)]
    assert len(shades) == 25 + 40 + 40
