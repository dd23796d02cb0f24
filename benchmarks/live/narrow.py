"""Measures what Chromium shows of a camera by WebRTC if its path is too narrow.

    python -m benchmarks.live.narrow [--seconds 40] [--parts 1.5 0.8 0.4] [--queues-ms 40 500]

Chromium is in a network namespace. From the start, the path to it carries a part of the bit rate of
the main stream, and queues packets for some time before it drops them. The camera has a sub-stream
of a quarter of that bit rate. The picture is frozen in intervals of more than 200 ms between two
pictures, counted from the first picture. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.browser import is_available, result_of_page
from benchmarks.live.costs import tickets
from benchmarks.live.film import FILM_S, WIDTH_PX
from benchmarks.live.network import (
    ViewerNetwork,
    missing_for_network,
    narrow_path,
    viewer_network,
)
from benchmarks.live.site import WATCHED, watched_site
from benchmarks.live.times import PLAYERS, percentile
from benchmarks.machine import OUT, machine
from benchmarks.site import BenchSite

FROZEN_MS = 200.0
PAGE = """<!doctype html><video muted autoplay></video><script>%(player)s
const video = document.querySelector("video");
const work = async () => {
  const opened = performance.now();
  const player = await playWhep(video, "%(whep)s", {});
  const pictures = [];
  let began = 0;
  await new Promise(resolve => {
    const note = (now, {width, rtpTimestamp}) => {
      if (!began) {
        began = now;
        setTimeout(resolve, 1000 * %(seconds)d);
      }
      const delay_ms = (90 * Date.now() - rtpTimestamp) %% 2 ** 32 / 90;
      pictures.push([now - began, width, delay_ms]);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
  const ended = performance.now() - began;
  let packets = {};
  for (const one of (await player.connection.getStats()).values()) {
    if (one.type === "inbound-rtp") packets = one;
  }
  const {packetsReceived, packetsLost, nackCount, pliCount} = packets;
  const first = {first_picture_ms: Math.round(began - opened)};
  return {pictures, ended, more: {...first, packetsReceived, packetsLost, nackCount, pliCount}};
};
work().catch(error => ({error: error.detail || String(error)})).then(
  result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""

Shown = tuple[float, int, float]
"""The time of a picture in ms since the first one, its width, and its delay from the camera."""


def frozen_ms(times_ms: list[float], ended_ms: float) -> float:
    """Return how long the picture was frozen, up to the end."""
    bounds = [*times_ms, ended_ms]
    gaps = [later - one for one, later in itertools.pairwise(bounds)]
    return sum(gap for gap in gaps if gap > FROZEN_MS)


def summary(pictures: list[Shown], ended_ms: float) -> dict[str, object]:
    """Return what the viewer saw."""
    times_ms = [one[0] for one in pictures]
    widths = [one[1] for one in pictures]
    smaller_ms = [at_ms for at_ms, width, _ in pictures if width < WIDTH_PX]
    return {
        "frozen_percent": round(100 * frozen_ms(times_ms, ended_ms) / ended_ms, 1),
        "frozen_s": round(frozen_ms(times_ms, ended_ms) / 1000, 1),
        "longest_freeze_s": round(_longest_ms(times_ms, ended_ms) / 1000, 1),
        "delay_ms_p95": round(percentile([one[2] for one in pictures], 0.95)),
        "substream_after_s": round(smaller_ms[0] / 1000, 1) if smaller_ms else None,
        "changes": sum(one != later for one, later in itertools.pairwise(widths)),
        "pictures": len(pictures),
    }


def _longest_ms(times_ms: list[float], ended_ms: float) -> float:
    bounds = [*times_ms, ended_ms]
    return max(later - one for one, later in itertools.pairwise(bounds))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    report: dict[str, object] = {"seconds": options.seconds}
    with (
        viewer_network() as network,
        watched_site(folder, network.server, has_substream=True) as site,
    ):
        rate = (folder / "film.mp4").stat().st_size * 8 // FILM_S
        report["main_stream_bits_per_s"] = rate
        for part in options.parts:
            for queue_ms in options.queues_ms:
                name = f"path_{part}_queue_{queue_ms}_ms"
                pages = folder / name
                pages.mkdir()
                with narrow_path(network, round(part * rate), queue_ms):
                    report[name] = _watched(site, network, pages, options.seconds)
    return report


def _watched(
    site: BenchSite, network: ViewerNetwork, folder: Path, seconds: int
) -> dict[str, object]:
    page = PAGE % {
        "player": (PLAYERS / "whep-player.js").read_text("utf-8"),
        "whep": site.url + tickets(site, WATCHED)["whep"],
        "seconds": seconds,
    }
    result = result_of_page(page, folder, seconds + 60.0, network.server, network.inside)
    if "error" in result:
        raise RuntimeError(result["error"])
    more: dict[str, object] = result["more"]
    return summary(result["pictures"], result["ended"]) | more


def missing() -> str:
    """Return why this cannot be measured; empty if nothing is missing."""
    if not is_available():
        return "the Debian package chromium is absent"
    if not shutil.which("tc"):
        return "the Debian package iproute2 is absent"
    return missing_for_network()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.narrow")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--parts", type=float, nargs="+", default=[1.5, 0.8, 0.4])
    parser.add_argument("--queues-ms", type=int, nargs="+", default=[40, 500])
    options = parser.parse_args()
    if missing():
        sys.stdout.write(f"the measurement is skipped: {missing()}\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options)
    OUT.mkdir(exist_ok=True)
    (OUT / "live-narrow.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
