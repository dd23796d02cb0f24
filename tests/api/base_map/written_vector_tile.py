"""Writes vector tiles (MVT, version 2) for the tests, as the specification describes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.api.base_map.written_map import varint

EXTENT = 4096
Property = str | int | float | bool
Points = Sequence[tuple[int, int]]
Shape = Literal["point", "line", "area"]
_TYPES: Mapping[Shape, int] = {"point": 1, "line": 2, "area": 3}
_MOVE_TO, _LINE_TO, _CLOSE_PATH = 1, 2, 7
_VARINT, _EIGHT_BYTES, _LENGTH = 0, 1, 2


@dataclass(frozen=True)
class Feature:
    """A feature of one or more parts: points, lines, or rings without their last point."""

    shape: Shape
    parts: Sequence[Points]
    properties: Mapping[str, Property] = field(default_factory=dict)


def vector_tile(layers: Mapping[str, Sequence[Feature]]) -> bytes:
    """Return a tile of these layers."""
    return b"".join(_message(3, _layer(name, features)) for name, features in layers.items())


def _layer(name: str, features: Sequence[Feature]) -> bytes:
    keys: dict[str, int] = {}
    values: dict[tuple[type, Property], int] = {}
    written = b"".join(_message(2, _feature(feature, keys, values)) for feature in features)
    return b"".join(
        (
            _number(15, 2),
            _message(1, name.encode()),
            written,
            *(_message(3, key.encode()) for key in keys),
            *(_message(4, _value(value)) for _, value in values),
            _number(5, EXTENT),
        )
    )


def _feature(
    feature: Feature, keys: dict[str, int], values: dict[tuple[type, Property], int]
) -> bytes:
    tags = [
        number
        for key, value in feature.properties.items()
        for number in (
            keys.setdefault(key, len(keys)),
            values.setdefault((type(value), value), len(values)),
        )
    ]
    return b"".join(
        (
            _message(2, _packed(tags)),
            _number(3, _TYPES[feature.shape]),
            _message(4, _packed(_geometry(feature))),
        )
    )


def _geometry(feature: Feature) -> list[int]:
    commands: list[int] = []
    x = y = 0
    for first, *others in feature.parts:
        for command, points in ((_MOVE_TO, [first]), (_LINE_TO, others)):
            if not points:
                continue
            commands.append(len(points) << 3 | command)
            for to_x, to_y in points:
                commands += [_zigzag(to_x - x), _zigzag(to_y - y)]
                x, y = to_x, to_y
        if feature.shape == "area":
            commands.append(1 << 3 | _CLOSE_PATH)
    return commands


def _value(value: Property) -> bytes:
    if isinstance(value, bool):
        return _number(7, value)
    if isinstance(value, int):
        return _number(6, _zigzag(value))
    if isinstance(value, float):
        return varint(3 << 3 | _EIGHT_BYTES) + struct.pack("<d", value)
    return _message(1, value.encode())


def _zigzag(number: int) -> int:
    return -2 * number - 1 if number < 0 else 2 * number


def _packed(numbers: Iterable[int]) -> bytes:
    return b"".join(map(varint, numbers))


def _number(name: int, value: int) -> bytes:
    return varint(name << 3 | _VARINT) + varint(value)


def _message(name: int, content: bytes) -> bytes:
    return varint(name << 3 | _LENGTH) + varint(len(content)) + content
