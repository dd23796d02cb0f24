"""The route of the base map: tiles of a map file, which have no data of the site."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.access.api_context import Context
from api.access.compression import accepts_gzip
from api.base_map.pmtiles import MOST_ZOOM
from api.base_map.tile_archive import TileArchive
from api.requests.numbers import WholeNumber
from domain.errors import NotFound, QueryInvalid

TILE_ADDRESS = "/v1/map/tiles/{z}/{x}/{y}"
CACHED = "private, max-age=86400"
"""A browser keeps a tile for a day. Shared caches keep none, because it needs a sign-in."""
NOT_CACHED = "no-store"
Zoom = Annotated[
    WholeNumber, Path(alias="z", ge=0, le=MOST_ZOOM, description="zoom of Web Mercator")
]
Column = Annotated[
    WholeNumber, Path(alias="x", ge=0, description="from the west, less than 2 to the z")
]
Row = Annotated[
    WholeNumber, Path(alias="y", ge=0, description="from the north, less than 2 to the z")
]
Version = Annotated[
    str | None,
    Query(
        alias="v",
        max_length=64,
        description="the version of the map file in `map_tiles`; without it, nothing is cached",
    ),
]


def address_of_tiles(base_map: TileArchive) -> str:
    """Return the address with the version of the file, so that no browser mixes two files."""
    return f"{TILE_ADDRESS}?v={base_map.version}"


def read_map_tile(
    request: Request,
    context: Context,
    zoom: Zoom,
    column: Column,
    row: Row,
    version: Version = None,
) -> Response:
    """Return a tile of the base map, or 204 where the map has none.

    A vector tile that is compressed in the file is sent as it is to a client that accepts gzip.
    """
    if context.base_map is None:
        raise NotFound("this site has no map file; SIGHTLINE_MAP_FILE names one")
    for name, value in (("x", column), ("y", row)):
        if value >= 1 << zoom:
            raise QueryInvalid(
                name, "must be less than {most} at zoom {zoom}", most=1 << zoom, zoom=zoom
            )
    base_map = context.base_map
    content = base_map.tile(zoom, column, row)
    cached = CACHED if version == base_map.version else NOT_CACHED
    headers = {"Cache-Control": cached, "Vary": "Accept-Encoding"}
    if content is None:
        return Response(status_code=204, headers=headers)
    if base_map.is_gzip:
        if accepts_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
        else:
            content = base_map.without_gzip(content)
    return Response(content, media_type=base_map.media_type, headers=headers)
