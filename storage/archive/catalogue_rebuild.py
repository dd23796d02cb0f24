"""Creates catalogues of the archive from its files, where they are lost, damaged or of an older
program.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import ARCHIVED_PREFIX, place_of_key
from storage.archive.archive import Archive
from storage.archive.day import ArchiveFile, Day
from storage.archive.parquet_files import describe
from storage.clients.s3 import ObjectStore

_log = logging.getLogger(__name__)


class CatalogueRebuild:
    """The archiver uses it while it holds its lock."""

    def __init__(
        self, archive: Archive, objects: ObjectStore, renew_lock: Callable[[], None]
    ) -> None:
        self._archive = archive
        self._catalogue = archive.catalogue
        self._objects = objects
        self._renew_lock = renew_lock

    def describe_old_days(self) -> int:
        """Write new catalogues of the days whose catalogue is of an older program; return how many
        were written.
        """
        return self._describe_again(day for day in self._catalogue.days().values() if day.is_old)

    def restore(self, drops_missing: bool) -> int:
        """Create the catalogues of days without a readable one; return their number. A day with an
        unreadable file is left.

        With `drops_missing`, files that are no longer in the object store leave their catalogue.
        """
        known = self._catalogue.days()
        made = self._describe_again(
            day for day in known.values() if day.is_old or not self._has_filters(day)
        )
        stored: set[str] = set()
        lost: dict[str, dict[str, str]] = {}
        for stat in self._objects.list(ARCHIVED_PREFIX):
            stored.add(stat.key)
            place = place_of_key(stat.key)
            if place is not None and self._is_lost(place[0], known):
                # They come by key, so that of an area the highest generation is the last.
                lost.setdefault(place[0], {})[place[1]] = stat.key
        for name, keys in lost.items():
            made += self._describe(Day(name, self._catalogue.version(name)), keys)
        return made + (self._drop_missing(stored) if drops_missing else 0)

    def _is_lost(self, name: str, known: Mapping[str, Day]) -> bool:
        """Return whether a day has no readable catalogue. That of a newer program is left alone."""
        return (
            name not in known
            and name not in self._catalogue.newer
            and (name in self._catalogue.damaged or not self._catalogue.version(name))
        )

    def _drop_missing(self, stored: set[str]) -> int:
        changed = 0
        for day in list(self._catalogue.days().values()):
            missing = [file for file in day.files if file.key not in stored]
            if missing:
                self._renew_lock()
                names = ", ".join(file.key for file in missing)
                _log.warning("the catalogue of %s loses files that are missing: %s", day.day, names)
                self._catalogue.change(day, [file.area for file in missing], [])
                changed += 1
        return changed

    def _describe_again(self, days: Iterable[Day]) -> int:
        """Write new catalogues of these days from their files; return how many were written."""
        return sum(
            self._describe(day, {file.area: file.key for file in day.files}) for day in list(days)
        )

    def _describe(self, day: Day, keys: Mapping[str, str]) -> bool:
        """Write a new catalogue of a day from its files; return whether these can be read."""
        self._renew_lock()
        try:
            files = [self._described(day.day, *pair) for pair in keys.items()]
        except (DataLoss, NotFound) as error:
            _log.error("there is no new catalogue of %s: %s", day.day, error)
            return False
        self._catalogue.change(day, [], files)
        return True

    def _described(self, day: str, area: str, key: str) -> tuple[ArchiveFile, bytes]:
        """Return what the catalogue says of a file that is only in the store."""
        with self._archive.writer.fetched(key) as path:
            generation = int(key.rpartition("/")[2].partition("-")[0])
            return describe(self._archive.duck, path, day, area, generation, key)

    def _has_filters(self, day: Day) -> bool:
        try:
            self._catalogue.blooms(day)
        except DataLoss:
            return False
        return True
