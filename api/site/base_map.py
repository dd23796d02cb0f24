"""The route of the base map: pictures of a map file, which have no data of the site."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from api.access.api_context import Context
from api.base_map.pmtiles import MOST_ZOOM
from api.requests.numbers import WholeNumber
from domain.errors import NotFound, QueryInvalid

TILE_ADDRESS = "/v1/map/tiles/{z}/{x}/{y}"
CACHED = "private, max-age=86400"
"""A browser keeps a tile for a day. Shared caches keep none, because it needs a sign-in."""
Zoom = Annotated[
    WholeNumber, Path(alias="z", ge=0, le=MOST_ZOOM, description="zoom of Web Mercator")
]
Column = Annotated[
    WholeNumber, Path(alias="x", ge=0, description="from the west, less than 2 to the z")
]
Row = Annotated[
    WholeNumber, Path(alias="y", ge=0, description="from the north, less than 2 to the z")
]


def read_map_tile(context: Context, zoom: Zoom, column: Column, row: Row) -> Response:
    """Return a picture of the base map, or 204 where the map has none."""
    if context.base_map is None:
        raise NotFound("this site has no map file; SIGHTLINE_MAP_FILE names one")
    for name, value in (("x", column), ("y", row)):
        if value >= 1 << zoom:
            raise QueryInvalid(name, f"must be less than {1 << zoom} at zoom {zoom}")
    picture = context.base_map.tile(zoom, column, row)
    headers = {"Cache-Control": CACHED}
    if picture is None:
        return Response(status_code=204, headers=headers)
    return Response(picture, media_type=context.base_map.media_type, headers=headers)
