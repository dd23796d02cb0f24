"""The time zone of the city is known on a machine without a time zone database too."""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.settings import Settings

UseDatabases = Callable[..., None]


@pytest.fixture
def use_databases() -> Iterator[UseDatabases]:
    """Return a function that sets the folders in which the machine's own databases are."""
    before = zoneinfo.TZPATH

    def use(*folders: Path) -> None:
        zoneinfo.reset_tzpath(folders)
        ZoneInfo.clear_cache()

    yield use
    zoneinfo.reset_tzpath(before)
    ZoneInfo.clear_cache()


def _offset(name: str) -> timedelta | None:
    return datetime(2026, 12, 1, tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset()


def test_a_machine_without_a_database_has_that_of_the_package(use_databases: UseDatabases) -> None:
    use_databases()
    assert Settings(time_zone="Asia/Urumqi").time_zone == "Asia/Urumqi"
    assert _offset(Settings().time_zone) == timedelta(hours=8)


def test_the_database_of_the_machine_is_preferred(
    use_databases: UseDatabases, tmp_path: Path
) -> None:
    (tmp_path / "Asia").mkdir()
    with as_file(files("tzdata.zoneinfo") / "UTC") as utc:
        shutil.copy(utc, tmp_path / "Asia" / "Shanghai")
    use_databases(tmp_path)
    assert _offset("Asia/Shanghai") == timedelta(0)
    assert _offset("Asia/Urumqi") == timedelta(hours=6)


@pytest.mark.parametrize("name", ["Peking", "Asia", "Asia/Shanghai; x", "../zoneinfo/UTC", ""])
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="such as Asia/Shanghai"):
        Settings(time_zone=name)
