"""The sizes of the scripts that a page loads later, compressed as the API sends them."""

from __future__ import annotations

from collections.abc import Mapping

from api.access.compression import gzip_chunks
from api.site.console import SCRIPT, Asset, built_console

PARTS = {
    "map_bytes": ("map-canvas-",),
    "vector_tiles_bytes": ("fetch-vector-tile-", "ground-worker-"),
}
"""By the name of a figure: how the names of its scripts begin. The first map loads the first part,
and the first vector tile the second.
"""


def measure_scripts() -> dict[str, int]:
    """Return the compressed bytes of each part. Raises ValueError if the build lacks one."""
    return sizes(built_console().assets)


def sizes(assets: Mapping[str, Asset]) -> dict[str, int]:
    return {
        figure: sum(_size(assets, beginning) for beginning in beginnings)
        for figure, beginnings in PARTS.items()
    }


def _size(assets: Mapping[str, Asset], beginning: str) -> int:
    found = [
        asset
        for name, asset in assets.items()
        if name.startswith(beginning) and asset.media_type == SCRIPT
    ]
    if len(found) != 1:
        raise ValueError(f"the console has {len(found)} scripts {beginning}*.js; build it again")
    return sum(map(len, gzip_chunks(iter([found[0].content]))))
