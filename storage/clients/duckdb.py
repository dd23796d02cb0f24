"""The adapter for DuckDB: SQL over Parquet files of this disk, with bounded memory and threads.
Only this module imports `duckdb`.

Each process has a database in memory, and each call a connection, so that threads can query
concurrently. Nothing is loaded from a network. The library (27 MB, a fifth of a second) is loaded
by the first call, because most processes make none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataLoss, StoreError

if TYPE_CHECKING:
    import duckdb

MEMORY_MB = 512
THREADS = 2
Value = str | int | float | bool | list[str] | None
Columns = Mapping[str, NDArray[np.generic]]
"""Columns of one length; None in an object column and NaN in a float column are NULL."""


class DuckDb:
    def __init__(self, scratch: Path, memory_mb: int = MEMORY_MB, threads: int = THREADS) -> None:
        """Use the folder `scratch` for what does not fit into `memory_mb`."""
        self._scratch = scratch
        self._lock = threading.Lock()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads, "memory_limit": f"{memory_mb}MB", "temp_directory": str(scratch),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }  # fmt: skip

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query. Raises DataLoss if a file that it reads is damaged."""
        with self._cursor() as cursor:
            found: list[tuple[object, ...]] = cursor.execute(sql, list(values)).fetchall()
            return found

    def write(
        self,
        select: str,
        path: Path,
        incoming: Columns | None = None,
        values: Sequence[Value] = (),
        group_rows: int = 8192,
    ) -> None:
        """Write the result of `select` as a Parquet file; `incoming` is available as a table of
        that name.
        """
        copy = (
            f"COPY ({select}) TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {group_rows})"
        )
        with self._cursor() as cursor:
            if incoming is not None:
                cursor.register("incoming", incoming)
            cursor.execute(copy, list(values))

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        with self._lock:
            if self._db is None:
                self._scratch.mkdir(parents=True, exist_ok=True)
                self._db = duckdb.connect(":memory:", config=self._settings)
            return self._db.cursor()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        cursor = self._open()
        try:
            yield cursor
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                "the query needs more memory than it may have: {error}", error=error
            ) from error
        except duckdb.Error as error:
            raise DataLoss(
                "a file of the archive cannot be read or written: {error}", error=error
            ) from error
        finally:
            cursor.close()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
