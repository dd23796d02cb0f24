"""The conditions of a search as SQL over a file's columns. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.events.event import Event
from domain.events.misreadings import MatchKind, misreadings_of, other_provinces
from domain.events.query import EventQuery
from domain.plates import is_wildcard
from storage.clients.duckdb import Value
from storage.index.plate_query import PlateQuery
from storage.index.search import matches

Where = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions of a search. A row that may match meets exactly one of `wheres`; a file must
    hold one of `texts`; and `accepts` decides.
    """

    wheres: tuple[Where, ...]
    texts: tuple[str, ...] | None
    accepts: Callable[[Event], bool]

    @property
    def plate(self) -> str | None:
        """The only plate of the search, for which parts of a file are enough."""
        return self.texts[0] if self.texts is not None and len(self.texts) == 1 else None

    @classmethod
    def of(cls, query: EventQuery, kind: MatchKind | None) -> Terms | None:
        """Return the terms of a query; None if nothing can match."""
        if query.plate is None:
            return cls((_restricted(query),), None, lambda event: matches(event, query))
        plate_query = (
            PlateQuery.by_pattern(query.plate)
            if kind is None
            else PlateQuery.by_match_kind(query.plate, kind)
        )
        if plate_query is None:
            return None
        accepts = plate_query.accepts
        where, values = _restricted(query)
        if is_wildcard(query.plate):
            both = (
                f"{where} AND (plate LIKE ? OR regexp_matches(others, ?))",
                (*values, like(query.plate), _among(query.plate)),
            )
            return cls((both,), None, lambda event: matches(event, query) and accepts(event))
        texts = _texts(query.plate, kind)
        return cls(
            _by_texts(where, values, texts),
            texts,
            lambda event: matches(event, query) and accepts(event),
        )


def _by_texts(where: str, values: tuple[Value, ...], texts: tuple[str, ...]) -> tuple[Where, ...]:
    """Return two conditions for a single text, each on one column: DuckDB then skips the row groups
    that cannot have it.
    """
    if len(texts) == 1:
        (text,) = texts
        other = f"{where} AND others IS NOT NULL AND contains(others, ?) AND plate <> ?"
        return ((f"{where} AND plate = ?", (*values, text)), (other, (*values, text, text)))
    plates = (
        "(list_contains(?::VARCHAR[], plate) OR (others IS NOT NULL AND "
        "list_has_any(string_split(others, ' '), ?::VARCHAR[])))"
    )
    return ((f"{where} AND {plates}", (*values, list(texts), list(texts))),)


def like(pattern: str) -> str:
    """Return a pattern in the syntax of SQL's LIKE."""
    return pattern.replace("?", "_").replace("*", "%")


def _among(pattern: str) -> str:
    """Return an expression that finds a text matching a pattern among texts separated by spaces."""
    return (
        "(^| "
        f"){re.escape(pattern).replace(re.escape('?'), '[^ ]').replace(re.escape('*'), '[^ ]*')}( "
        "|$)"
    )


def _texts(plate: str, kind: MatchKind | None) -> tuple[str, ...]:
    return (
        misreadings_of(plate)
        if kind is MatchKind.MISREADING
        else other_provinces(plate)
        if kind is MatchKind.PROVINCE
        else (plate,)
    )


def _restricted(query: EventQuery) -> Where:
    """Return conditions on columns, each at most as strict as the query's own."""
    parts: list[tuple[str, Value]] = []
    for column, value in (
        ("kind", query.kind),
        ("camera", query.camera),
        ("class", query.class_),
        ("color", query.color),
        ("direction", query.direction),
    ):
        if value is not None:
            parts.append((f"{column} = ?", str(value)))
    if query.visible.ids is not None:
        parts.append(("camera IN (SELECT unnest(?::VARCHAR[]))", sorted(query.visible.ids)))
    if query.min_confidence is not None:
        parts.append(("confidence >= ?", query.min_confidence))
    if query.lane is not None:
        parts.append(("lane = ?", query.lane))
    return " AND ".join(["TRUE", *(part for part, _ in parts)]), tuple(value for _, value in parts)
