"""The active watches in a form that finds those of thousands that match an event, without comparing
each. Pure.

A whole plate is looked up, and so is each reading that a fuzzy watch accepts for its plate.
Patterns are grouped by the fixed places from either end. Each of these few groups needs one
look-up, and only the patterns found are matched completely.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.events.event import Event
from domain.events.misreadings import Match, MatchKind, match_of, misreadings_of, other_provinces
from domain.events.watches import Watch
from domain.plates import is_wildcard, plate_expression
from storage.index.plate_query import found_by


@dataclass(frozen=True, slots=True)
class _Mask:
    """The fixed places of a pattern: from the front and, if it has a `*`, from the back."""

    front: tuple[int, ...]
    back: tuple[int, ...]
    least: int
    """The length of the shortest plate that has all of them."""

    @classmethod
    def of(cls, pattern: str) -> _Mask:
        head, star, rest = pattern.partition("*")
        tail = rest.rpartition("*")[2] if star else ""
        front = tuple(i for i, character in enumerate(head) if character != "?")
        back = tuple(i - len(tail) for i, character in enumerate(tail) if character != "?")
        return cls(front, back, max(len(head), len(tail)))

    def key(self, text: str) -> str:
        return "".join(text[i] for i in (*self.front, *self.back))


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    watch: Watch


class WatchIndex:
    def __init__(self, watches: Iterable[Watch]) -> None:
        self.watches = {watch.id: watch for watch in watches}
        self._exact: dict[str, list[Watch]] = defaultdict(list)
        self._fuzzy: dict[str, list[Watch]] = defaultdict(list)
        self._patterns: dict[_Mask, dict[str, list[_Pattern]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for watch in self.watches.values():
            self._enter(watch)

    def _enter(self, watch: Watch) -> None:
        if is_wildcard(watch.plate):
            expression = plate_expression(watch.plate)
            if expression is not None:
                mask = _Mask.of(watch.plate)
                # The pattern has its fixed characters where a plate would: `*` between them shifts
                # nothing at either end.
                self._patterns[mask][mask.key(watch.plate)].append(_Pattern(expression, watch))
        elif watch.fuzzy:
            for reading in (
                watch.plate,
                *misreadings_of(watch.plate),
                *other_provinces(watch.plate),
            ):
                self._fuzzy[reading].append(watch)
        else:
            self._exact[watch.plate].append(watch)

    def matches(self, event: Event) -> list[tuple[Watch, Match]]:
        """Return the watches that match an event, each once, and why. No watch matches a face."""
        if event.kind != "vehicle" or event.plate is None:
            return []
        texts = found_by(event)
        found: dict[str, tuple[Watch, Match]] = {}
        for watch, match in (*self._by_text(texts), *self._by_misreading(event, texts)):
            found.setdefault(watch.id, (watch, match))
        return list(found.values())

    def _by_text(self, texts: tuple[str, ...]) -> Iterator[tuple[Watch, Match]]:
        for text in texts:
            for watch in self._exact.get(text, ()):
                yield watch, Match(MatchKind.EXACT, f"read as {text}")
            for mask, table in self._patterns.items():
                for pattern in table.get(mask.key(text), ()) if len(text) >= mask.least else ():
                    if pattern.expression.fullmatch(text):
                        yield (
                            pattern.watch,
                            Match(
                                MatchKind.EXACT, f"read as {text}, which fits {pattern.watch.plate}"
                            ),
                        )

    def _by_misreading(self, event: Event, texts: tuple[str, ...]) -> Iterator[tuple[Watch, Match]]:
        assert event.plate is not None
        for text in (*texts, *(other.text for other in event.plate.alternatives)):
            for watch in self._fuzzy.get(text, ()):
                match = match_of(event, watch.plate, texts)
                if match is not None:
                    yield watch, match
