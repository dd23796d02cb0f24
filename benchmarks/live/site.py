"""The site of the benchmarks of live video: one camera, and no limits on viewers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.live.costs import start, tickets
from benchmarks.live.film import film, registry, small_film
from benchmarks.site import BenchSite
from simulator import SimCamera, Simulator

WATCHED = "camera-0"
SDP = "application/sdp"
LIMITS = {
    "SIGHTLINE_LIVE_VIEWS_PER_PERSON": "256",
    "SIGHTLINE_LIVE_VIEWS_PER_CAMERA": "256",
    "SIGHTLINE_PERSON_REQUESTS_PER_S": "0",
    "SIGHTLINE_ADDRESS_REQUESTS_PER_S": "0",
}


@contextmanager
def watched_site(
    folder: Path,
    host: str = "127.0.0.1",
    settings: dict[str, str] | None = None,
    has_substream: bool = False,
) -> Iterator[BenchSite]:
    """Run a site that records `WATCHED`, whose film is `folder`/film.mp4."""
    cameras = [SimCamera(WATCHED, film(folder / "film.mp4"))]
    substream = f"{WATCHED}-sub" if has_substream else None
    if substream is not None:
        cameras.append(SimCamera(substream, small_film(folder / "small.mp4")))
    with Simulator(cameras) as simulator:
        environment = os.environ | LIMITS | (settings or {})
        entries = registry(simulator, 1, substream)
        site = BenchSite(folder / "site", entries, environment, host)
        try:
            start(site, [WATCHED])
            yield site
        finally:
            site.close()


def viewers(site: BenchSite) -> int:
    """Return how many viewers of live video the site counts."""
    answer = site.get("/metrics")
    assert answer is not None
    lines = answer.text.splitlines()
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in lines
        if line.startswith("sightline_live_viewers{")
    )


class WhepClient:
    """Opens and ends WHEP sessions of a camera."""

    def __init__(self, site: BenchSite, camera: str = WATCHED) -> None:
        self._site = site
        self._camera = camera
        self._http = httpx.Client(timeout=30, trust_env=False)

    def open(self, offer: str) -> tuple[str, str]:
        """Return the URL of a new session, and the answer to the offer."""
        url = self._site.url + tickets(self._site, self._camera)["whep"]
        answer = self._http.post(url, content=offer, headers={"Content-Type": SDP})
        answer.raise_for_status()
        return self._site.url + answer.headers["Location"], answer.text

    def end(self, session: str) -> None:
        self._http.delete(session).raise_for_status()
