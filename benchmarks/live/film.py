"""The film that every camera of the benchmarks of live video sends, and the registry of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from simulator import Simulator

WIDTH_PX, HEIGHT_PX, FPS, BITS_PER_S = 1280, 720, 25, 1_000_000
FILM_S, GOP_S = 20, 2
SMALL_WIDTH_PX, SMALL_HEIGHT_PX, SMALL_BITS_PER_S = 640, 360, 250_000
"""The sub-stream."""


def film(file: Path) -> Path:
    """Encode moving noise of about 1 Mbit/s."""
    return _film(file, WIDTH_PX, HEIGHT_PX, BITS_PER_S)


def small_film(file: Path) -> Path:
    """Encode a sub-stream of about 250 kbit/s."""
    return _film(file, SMALL_WIDTH_PX, SMALL_HEIGHT_PX, SMALL_BITS_PER_S)


def _film(file: Path, width_px: int, height_px: int, bits_per_s: int) -> Path:
    random = np.random.default_rng(1)
    ground = random.integers(60, 196, (height_px, width_px, 3), np.uint8)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.bit_rate = bits_per_s
        gop = str(GOP_S * FPS)
        stream.options = {"preset": "veryfast", "bf": "0", "g": gop, "sc_threshold": "0"}
        stream.options |= {"maxrate": str(bits_per_s), "bufsize": str(bits_per_s)}
        for number in range(FILM_S * FPS):
            picture = np.roll(ground, 4 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return file


def registry(simulator: Simulator, cameras: int, substream: str | None = None) -> dict[str, object]:
    """Return the registry of a site. `substream` is the simulated camera that sends the sub-stream
    of all cameras.
    """
    smaller = {} if substream is None else {"substream": {"url": simulator.url(substream)}}
    entries = [
        smaller
        | {
            "id": f"camera-{number}",
            "name": f"camera-{number}",
            "class": "A",
            "area": "a",
            "location": {"lon": 111.5, "lat": 32.5},
            "url": simulator.url(f"camera-{number}"),
        }
        for number in range(cameras)
    ]
    return {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": entries}
