"""How soon Chromium shows a picture of live video, with and without a media process that runs, and
how old the picture on the screen is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.browser import result_of_page

BROWSER_WITHIN_S = 300.0
PLAYERS = Path(__file__).parents[2] / "docs" / "examples"
PAGE = """<!doctype html><body><script>%(players)s
const pause_ms = ms => new Promise(resolve => setTimeout(resolve, ms));
const shown = video => new Promise(resolve => video.requestVideoFrameCallback((_, about) => resolve(about)));
const newVideo = () => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = video.autoplay = true;
  return video;
};
const routes = {
  websocket: video => {
    const player = playLive(video, "%(address)s");
    const time_ms = ({mediaTime}) => 1000 * (player.shownAt_s() - video.currentTime + mediaTime);
    return {close: () => player.close(), delay_ms: about => Date.now() - time_ms(about)};
  },
  webrtc: video => {
    const player = playWhep(video, "%(whep)s", {});
    // The RTP timestamp is the wall time in 1/90,000 s, without its upper bits.
    const ticks = ({rtpTimestamp}) => (90 * Date.now() - rtpTimestamp) %% 2 ** 32;
    return {close: async () => (await player).close(), delay_ms: about => ticks(about) / 90};
  },
};
const clicked = async (route, openings, prepare) => {
  const click_ms = [];
  for (let n = 0; n < openings; n++) {
    await prepare();
    await pause_ms(300 + 2000 * Math.random());  // a new place between two keyframes
    const began = performance.now(), video = newVideo(), player = route(video);
    await shown(video);
    click_ms.push(performance.now() - began);
    await player.close();
    video.remove();
  }
  return click_ms;
};
const endMedia = () => fetch("end_media_process", {method: "POST"});
const measured = async route => {
  const click_ms = await clicked(route, %(openings)d, () => {}), screen_ms = [];
  const video = newVideo(), player = route(video);
  await shown(video);
  await pause_ms(3000);  // the live edge is reached
  const ends = performance.now() + 1000 * %(seconds)d;
  while (performance.now() < ends) screen_ms.push(player.delay_ms(await shown(video)));
  await player.close();
  video.remove();
  return {click_ms, screen_ms};
};
const work = async () => {
  const results = {};
  for (const [name, route] of Object.entries(routes)) results[name] = await measured(route);
  results.webrtc.cold_click_ms = await clicked(routes.webrtc, %(cold_openings)d, endMedia);
  return results;
};
work().catch(error => ({error: error.detail || String(error)})).then(
  result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""  # noqa: E501


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of all are at most. Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Openings:
    """How often each route is opened, and how often WebRTC without a media process that runs."""

    usual: int
    cold: int
    end_media_process: Callable[[], None]
    """Ends the media process. It returns when the process has ended."""


def times(
    url: str, paths: Mapping[str, str], folder: Path, openings: Openings, seconds: float
) -> dict[str, object]:
    """Return the times of both routes in ms. `paths` are those of a ticket of live video."""
    page = PAGE % {
        "players": "\n".join(file.read_text("utf-8") for file in sorted(PLAYERS.glob("*.js"))),
        "address": url.replace("http", "ws") + paths["address"],
        "whep": url + paths["whep"],
        "openings": openings.usual,
        "cold_openings": openings.cold,
        "seconds": seconds,
    }
    pages = folder / "page"
    pages.mkdir()
    actions = {"end_media_process": openings.end_media_process}
    result = result_of_page(page, pages, BROWSER_WITHIN_S, actions=actions)
    if "error" in result:
        raise RuntimeError(result["error"])
    return {
        f"{route}_{name}_p{part}": round(percentile(values, part / 100))
        for route, named in result.items()
        for name, values in named.items()
        if values
        for part in (50, 95)
    }
