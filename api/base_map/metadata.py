"""The metadata of a map file: whom the map is from, and the schema of its vector tiles."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.base_map.pmtiles import Damaged

_MOST_ATTRIBUTION = 200
_MOST_MARKUP = 4_000
"""The characters of an attribution that are read, with its markup."""
_TAG = re.compile(r"<[^<>]*>")


class TileSchema(StrEnum):
    """Which layers vector tiles have, and how their features are described."""

    PROTOMAPS = "protomaps"
    """https://docs.protomaps.com/basemaps/layers, version 4."""
    OPENMAPTILES = "openmaptiles"
    """https://openmaptiles.org/schema/."""
    UNKNOWN = "unknown"


_LAYERS: Mapping[TileSchema, frozenset[str]] = {
    TileSchema.PROTOMAPS: frozenset({"earth", "water", "roads", "places"}),
    TileSchema.OPENMAPTILES: frozenset({"water", "transportation", "place"}),
}
"""The layers by which a schema is recognised."""


@dataclass(frozen=True, slots=True)
class MapMetadata:
    """What is read of the metadata."""

    attribution: str
    """Whom the map is from, as plain text; empty if it names nobody."""
    schema: TileSchema


def parse_metadata(data: bytes) -> MapMetadata:
    """Return the metadata of an expanded JSON text. Raises Damaged if it is none."""
    try:
        metadata = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"its metadata is no JSON: {error}") from error
    if not isinstance(metadata, dict):
        return MapMetadata("", TileSchema.UNKNOWN)
    return MapMetadata(_plain(metadata.get("attribution")), _schema(metadata.get("vector_layers")))


def _plain(named: object) -> str:
    text = html.unescape(_TAG.sub("", named[:_MOST_MARKUP])) if isinstance(named, str) else ""
    # JSON may have half of a surrogate pair, which no answer of the API can have.
    text = text.encode("utf-8", "replace").decode()
    return " ".join(text.split())[:_MOST_ATTRIBUTION]


def _schema(vector_layers: object) -> TileSchema:
    """Return the schema of the layers that the specification of PMTiles requires to be listed."""
    if not isinstance(vector_layers, list):
        return TileSchema.UNKNOWN
    ids = [layer.get("id") for layer in vector_layers if isinstance(layer, dict)]
    names = {name for name in ids if isinstance(name, str)}
    return next((schema for schema, own in _LAYERS.items() if own <= names), TileSchema.UNKNOWN)
