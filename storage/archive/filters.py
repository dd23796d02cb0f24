"""The filters of the archive's catalogue on the disk of one process. The slice of a day that has a
plate is fetched when it is first needed.

The filters of a year of a city have gigabytes: too much to hold in memory, or to fetch before an
answer.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataLoss, NotFound
from domain.paths.object_keys import catalogue_object
from storage.archive.bloom import SLICES, may_hold, slice_of
from storage.archive.day import Day
from storage.clients.s3 import ObjectStore
from storage.clients.sparse_files import SparseFiles

FETCHERS = 8


class Filters:
    """The filters of each day and version in a file of its own. It is thread-safe."""

    def __init__(self, objects: ObjectStore, folder: Path) -> None:
        self._objects = objects
        self._folder = folder
        self._files = SparseFiles()
        folder.mkdir(parents=True, exist_ok=True)

    def lacks(self, day: Day, keys: Iterable[str]) -> bool:
        """Return whether a query of a day for these keys fetches something."""
        parts = day.slices(slice_of(key) for key in keys)
        return bool(parts) and self._files.lacks(self._path(day), parts)

    def fetch(self, days: Sequence[Day], keys: Sequence[str]) -> None:
        """Fetch the missing slices of these keys. Raises ObjectsUnavailable, NotFound, DataLoss."""
        lacking = [day for day in days if self.lacks(day, keys)]
        if lacking:
            with ThreadPoolExecutor(FETCHERS) as pool:
                list(
                    pool.map(
                        lambda day: self._fetch_slices(day, {slice_of(key) for key in keys}),
                        lacking,
                    )
                )

    def read(self, day: Day) -> bytes:
        """Return all filters of a day. Raises the errors of `fetch`."""
        self._fetch_slices(day, range(SLICES))
        return self._path(day).read_bytes()

    def may_hold(self, day: Day, keys: Collection[str]) -> NDArray[np.bool_]:
        """Return for each filter of a day whether it may hold any of these keys. Raises the errors
        of `fetch`.
        """
        self._fetch_slices(day, {slice_of(key) for key in keys})
        try:
            file = os.open(self._path(day), os.O_RDONLY)
        except FileNotFoundError as error:
            raise NotFound("the filters of {day} were replaced meanwhile", day=day.day) from error
        try:
            return may_hold(
                lambda number: os.pread(file, day.slice_bytes, number * day.slice_bytes),
                day.blocks,
                keys,
            )
        finally:
            os.close(file)

    def forget_all_but(self, days: Collection[Day]) -> None:
        """Delete those of other versions than these."""
        kept = {self._path(day) for day in days}
        for path in self._folder.iterdir():
            if path not in kept:
                self._files.forget(path)

    def _fetch_slices(self, day: Day, slices: Iterable[int]) -> None:
        key = catalogue_object(day.day, day.version)

        def read(offset: int, length: int) -> bytes:
            return b"".join(self._objects.read(key, day.filters_at + offset, length))

        try:
            self._files.fetch(self._path(day), day.slice_bytes * SLICES, day.slices(slices), read)
        except DataLoss as error:
            raise DataLoss(
                "the filters in {key} are damaged; run `sightline index rebuild`: {error}",
                key=key,
                error=error,
            ) from error

    def _path(self, day: Day) -> Path:
        return self._folder / f"{day.day}-{day.version}.filters"
