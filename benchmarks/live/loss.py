"""Measures how long the picture of Chromium is frozen when the network loses packets.

    python -m benchmarks.live.loss [--seconds 60]

Chromium watches one camera by WebRTC, while nftables drops a part of the datagrams that the media
process sends, chosen at random. The frozen time is that of the statistics of WebRTC: the intervals
between pictures that are three times as long as usual, or longer than usual by 150 ms. JSON goes to
`benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.browser import is_available, result_of_page
from benchmarks.live.costs import tickets
from benchmarks.live.site import WATCHED, watched_site
from benchmarks.live.times import PLAYERS
from benchmarks.machine import OUT, machine
from benchmarks.site import BenchSite
from sightline.processes.ports import free_ports

PARTS_PERCENT = (0, 1, 5)
_SETTLED_S = 3
_TABLE = "sightline_benchmark"
PAGE = """<!doctype html><video muted autoplay></video><script>%(player)s
const pause_ms = ms => new Promise(resolve => setTimeout(resolve, ms));
const video = document.querySelector("video");
const work = async () => {
  const player = await playWhep(video, "%(whep)s", {});
  await new Promise(resolve => video.requestVideoFrameCallback(resolve));
  const read = async () => {
    for (const one of (await player.connection.getStats()).values()) {
      if (one.type === "inbound-rtp") return one;
    }
  };
  await pause_ms(1000 * %(settled_s)d);
  const before = await read();
  await pause_ms(1000 * %(seconds)d);
  const after = await read(), result = {};
  for (const name of ["totalFreezesDuration", "freezeCount", "framesDecoded", "packetsReceived",
                      "nackCount", "pliCount", "packetsLost"]) {
    result[name] = after[name] - before[name];
  }
  await player.close();
  return result;
};
work().catch(error => ({error: error.detail || String(error)})).then(
  result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""


@contextmanager
def losing(port: int, percent: int) -> Iterator[None]:
    """Drop a part of the datagrams from a UDP port of this machine."""
    if not percent:
        yield
        return
    drop = f"udp sport {port} numgen random mod 100 < {percent} drop"
    _nft(f"add table inet {_TABLE}")
    _nft(f"add chain inet {_TABLE} output {{ type filter hook output priority 0; }}")
    _nft(f"add rule inet {_TABLE} output {drop}")
    try:
        yield
    finally:
        _nft(f"delete table inet {_TABLE}")


def _nft(rules: str) -> None:
    subprocess.run(("nft", "-f", "-"), input=rules, check=True, capture_output=True, text=True)


def missing() -> str:
    """Return why this cannot be measured; empty if nothing is missing."""
    if not is_available():
        return "the Debian package chromium is absent"
    if os.getuid() != 0:
        return "nftables needs root"
    return "" if shutil.which("nft") else "the Debian package nftables is absent"


def measure(folder: Path, seconds: int) -> dict[str, object]:
    (port,) = free_ports(1)
    report: dict[str, object] = {"seconds": seconds}
    with watched_site(folder, settings={"SIGHTLINE_WEBRTC_PORT": str(port)}) as site:
        for percent in PARTS_PERCENT:
            pages = folder / f"page-{percent}"
            pages.mkdir()
            with losing(port, percent):
                report[f"loss_{percent}_percent"] = _watched(site, pages, seconds)
    return report


def _watched(site: BenchSite, folder: Path, seconds: int) -> dict[str, float]:
    page = PAGE % {
        "player": (PLAYERS / "whep-player.js").read_text("utf-8"),
        "whep": site.url + tickets(site, WATCHED)["whep"],
        "settled_s": _SETTLED_S,
        "seconds": seconds,
    }
    result: dict[str, float] = result_of_page(page, folder, seconds + 60.0)
    if "error" in result:
        raise RuntimeError(result["error"])
    frozen_s = result.pop("totalFreezesDuration")
    return {"frozen_percent": round(100 * frozen_s / seconds, 2), **result}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.loss")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if missing():
        sys.stdout.write(f"the measurement is skipped: {missing()}\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = machine() | measure(Path(folder), options.seconds)
    OUT.mkdir(exist_ok=True)
    (OUT / "live-loss.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
