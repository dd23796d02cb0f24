"""`sightline map`: check the file of a base map."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from contextlib import closing

from api.base_map.metadata import TileSchema
from api.base_map.tile_archive import TileArchive

_SCHEMA_NOTES: Mapping[TileSchema | None, str] = {
    TileSchema.PROTOMAPS: ", in the schema of Protomaps",
    TileSchema.OPENMAPTILES: ", in the schema of OpenMapTiles",
    TileSchema.UNKNOWN: "; the schema of its vector tiles is unknown, so maps show all their lines "
    "and areas thinly, and no names",
}
_FORMER_NOTE = (
    ", in a former version of the schema of Protomaps, so maps show all their lines and areas "
    "thinly, and no names; extract the file from a build of version 4"
)


def check(args: argparse.Namespace) -> int:
    """Check every directory of a map file and print what it has. Raises BadInput."""
    with closing(TileArchive(args.file)) as archive:
        header, tile_count = archive.header, archive.check()
        found = {
            "media_type": archive.media_type,
            "schema": archive.schema,
            "min_zoom": header.min_zoom,
            "max_zoom": header.max_zoom,
            "tile_count": tile_count,
            "attribution": archive.attribution or None,
        }
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    note = _FORMER_NOTE if archive.is_former_protomaps else _SCHEMA_NOTES.get(archive.schema, "")
    print(
        f"{args.file}: no fault; {tile_count} tiles of {archive.media_type}, zoom "
        f"{header.min_zoom} to {header.max_zoom}{note}"
    )
    return 0
