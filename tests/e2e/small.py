"""A small video for tests in which the content does not matter."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

FPS = 25


def small_video(folder: Path) -> Path:
    """Encode ten seconds of small frames in H.264, with a keyframe a second and no B-frames."""
    file = folder / "small.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FPS, options={"bf": "0", "g": str(FPS), "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(10 * FPS):
            container.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(
                        np.full((96, 128, 3), number % 256, np.uint8), format="bgr24"
                    )
                )
            )
        container.mux(stream.encode())
    return file
