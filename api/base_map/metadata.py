"""The metadata of a map file: the source of the map, and the schema of its vector tiles."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Set
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
_FORMER_KIND = "pmap:kind"
"""The field that Protomaps had before version 4, with the same layers, instead of `kind`."""


@dataclass(frozen=True, slots=True)
class MapMetadata:
    """What is read of the metadata."""

    attribution: str
    """Return the source of the map as plain text, or an empty text if it names none."""
    schema: TileSchema
    is_former_protomaps: bool = False
    """Whether the schema is unknown because it is that of Protomaps before version 4."""


NO_METADATA = MapMetadata("", TileSchema.UNKNOWN)


def parse_metadata(data: bytes) -> MapMetadata:
    """Return the metadata of an expanded JSON text. Raises Damaged if it is none."""
    try:
        metadata = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"its metadata is no JSON: {error}") from error
    if not isinstance(metadata, dict):
        return NO_METADATA
    attribution, fields = _plain(metadata.get("attribution")), _fields(metadata)
    schema = _schema(fields.keys())
    if schema is TileSchema.PROTOMAPS and _FORMER_KIND in fields["roads"]:
        return MapMetadata(attribution, TileSchema.UNKNOWN, is_former_protomaps=True)
    return MapMetadata(attribution, schema)


def _plain(named: object) -> str:
    text = html.unescape(_TAG.sub("", named[:_MOST_MARKUP])) if isinstance(named, str) else ""
    # JSON may have half of a surrogate pair, which no answer of the API can have.
    text = text.encode("utf-8", "replace").decode()
    return " ".join(text.split())[:_MOST_ATTRIBUTION]


def _fields(metadata: dict[str, object]) -> dict[str, frozenset[str]]:
    """Return the fields of the layers, which the specification of PMTiles requires to be listed."""
    layers = metadata.get("vector_layers")
    found: dict[str, frozenset[str]] = {}
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and isinstance(name := layer.get("id"), str):
            fields = layer.get("fields")
            found[name] = frozenset(fields if isinstance(fields, dict) else ())
    return found


def _schema(layers: Set[str]) -> TileSchema:
    return next((schema for schema, own in _LAYERS.items() if own <= layers), TileSchema.UNKNOWN)
