"""Exports that a command makes: their progress, their file, and how they are continued."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.exports.local_export import LocalExport
from api.exports.models import ExportAsked
from domain.errors import BadInput, ExportGone, NotFound, QueryInvalid
from domain.people import Role
from tests.api.exports.export_site import ExportSite, asked, open_export_site, unpacked

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@pytest.fixture(scope="module")
def module_exports(open_module_site: OpenSite) -> ExportSite:
    return open_export_site(open_module_site)


@pytest.fixture
def exports(module_exports: ExportSite) -> ExportSite:
    module_exports.restart()
    module_exports.record("east-gate")
    return module_exports


class Local:
    """A local export, and what it reported."""

    def __init__(self, exports: ExportSite) -> None:
        self.reported: list[tuple[str, float]] = []
        self.export = LocalExport(
            exports.site.context, lambda what, part: self.reported.append((what, part))
        )

    def create(self, *ranges: tuple[str, float, float]) -> str:
        body = ExportAsked.model_validate(asked(*ranges))
        return self.export.create(body, "local:root", "2026-118").id


def test_a_local_export_is_written_as_the_api_sends_it(exports: ExportSite, tmp_path: Path) -> None:
    local, out = Local(exports), tmp_path / "out.zip"
    export_id = local.create(("east-gate", 1, 11), ("east-gate", 2, 3))
    record = local.export.read(export_id, threading.Event())
    assert local.export.write(record, out) == out.stat().st_size
    assert local.reported[-1] == ("write", 1.0)
    assert len(unpacked(out.read_bytes()).namelist()) == 5
    shown = exports.read(export_id, Role.INVESTIGATOR)
    assert (shown["person"], shown["case"]) == ("local:root", "2026-118")
    assert exports.download(shown, Role.INVESTIGATOR).content == out.read_bytes()
    with pytest.raises(BadInput, match="exists already"):
        local.export.write(record, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out.zip"]


def test_a_part_that_was_written_is_continued(exports: ExportSite, tmp_path: Path) -> None:
    local, out = Local(exports), tmp_path / "out.zip"
    record = local.export.read(local.create(("east-gate", 1, 11)), threading.Event())
    local.export.write(record, out)
    whole = out.read_bytes()
    for length in (0, 1000, len(whole)):
        out.rename(tmp_path / f".out.zip.{record.id}.part")
        with (tmp_path / f".out.zip.{record.id}.part").open("r+b") as part:
            part.truncate(length)
        local.reported.clear()
        local.export.write(record, out)
        assert out.read_bytes() == whole
        assert all(part > length / len(whole) for _, part in local.reported)


def test_a_stopped_reading_is_continued_by_another_process(exports: ExportSite) -> None:
    first, second, stop = Local(exports), Local(exports), threading.Event()
    export_id = first.create(("east-gate", 1, 11))
    stop.set()
    assert first.export.read(export_id, stop).state == "waiting"
    assert second.export.read(export_id, threading.Event()).state == "ready"


def test_what_cannot_be_exported_is_refused_with_a_sentence(exports: ExportSite) -> None:
    local = Local(exports)
    with pytest.raises(NotFound, match="there is no camera"):
        local.create(("never-gate", 1, 11))
    with pytest.raises(QueryInvalid, match="lies in the future"):
        local.create(("east-gate", 86_000, 86_400))
    with pytest.raises(ExportGone, match="nothing is recorded"):
        local.export.read(local.create(("east-gate", 500, 600)), threading.Event())
    with pytest.raises(NotFound, match="there is no export"):
        local.export.read("20261130-00000000", threading.Event())
