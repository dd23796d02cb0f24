"""Writes the pictures of README and docs from the screenshots of the browser tests.

`make pictures` runs those tests and starts this as `python -m tests.api.console.pictures`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

PICTURES = {
    "console-find": "newest",
    "console-results": "find-time-en-light",
    "console-journey": "journey",
    "console-outages": "outages-zh-light",
}
"""The screenshot of each picture in `docs/images`."""
MOST_BYTES = 150_000
_QUALITY = 82


def write_picture(shot: Path, picture: Path) -> None:
    """Write a screenshot as WebP. Raises SystemExit if it is absent or becomes too large."""
    pixels = cv2.imread(str(shot))
    if pixels is None:
        raise SystemExit(f"there is no screenshot {shot}; run `make pictures`")
    data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1].tobytes()
    if len(data) > MOST_BYTES:
        raise SystemExit(
            f"{picture} would have {len(data)} bytes; at most {MOST_BYTES} are allowed"
        )
    picture.write_bytes(data)


def main() -> None:
    shots, images = map(Path, sys.argv[1:])
    for name, shot in PICTURES.items():
        write_picture(shots / f"{shot}.png", images / f"{name}.webp")


if __name__ == "__main__":
    main()
