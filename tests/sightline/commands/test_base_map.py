"""`sightline map check`, and the start of a site with a wrong map file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.base_map.pmtiles import TileType
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline import site_context
from sightline.cli import main
from sightline.confinement.policy import ProcessArguments, ProcessKind, access_of
from tests.api.base_map.written_map import write_map

TILES = {(1, 0, 0): b"north", (1, 0, 1): b"south", (1, 1, 1): b"south"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_map(tmp_path / "city.pmtiles", TILES, leaf_entries=1)


def test_a_good_file_is_described(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: no fault; 3 tiles of image/png, zoom 1 to 1\n"
    assert main(["map", "check", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tile_count"], found["attribution"]) == (3, None)
    assert found["schema"] is None


@pytest.mark.parametrize(
    ("layers", "schema", "says"),
    [
        (["earth", "water", "roads", "places"], "protomaps", "in the schema of Protomaps"),
        (["streets"], "unknown", "the schema of its vector tiles is unknown, so maps show all"),
    ],
)
def test_the_schema_of_vector_tiles_is_stated(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    layers: list[str],
    schema: str,
    says: str,
) -> None:
    metadata = {"vector_layers": [{"id": name} for name in layers]}
    file = write_map(tmp_path / "city.pmtiles", TILES, kind=TileType.VECTOR, metadata=metadata)
    assert main(["map", "check", str(file)]) == 0
    assert says in capsys.readouterr().out
    assert main(["map", "check", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["media_type"], found["schema"]) == ("application/vnd.mapbox-vector-tile", schema)


@pytest.mark.parametrize(
    ("fields", "schema"),
    [(["pmap:kind", "name"], "unknown"), (["kind", "name"], "protomaps")],
)
def test_a_former_version_of_the_schema_of_protomaps_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: list[str], schema: str
) -> None:
    """It has the same layers, whose features have `pmap:kind`, so none of them would be drawn."""
    names = ("earth", "water", "roads", "places")
    layers = [{"id": name, "fields": dict.fromkeys(fields, "String")} for name in names]
    metadata = {"vector_layers": layers}
    file = write_map(tmp_path / "city.pmtiles", TILES, kind=TileType.VECTOR, metadata=metadata)
    assert main(["map", "check", str(file)]) == 0
    says = "in a former version of the schema of Protomaps" in capsys.readouterr().out
    assert says is (schema == "unknown")
    assert main(["map", "check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == schema


def test_a_damaged_leaf_is_found_by_the_check(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(file.read_bytes())
    leaves = int.from_bytes(data[40:48], "little")
    data[leaves] ^= 0xFF
    file.write_bytes(data)
    assert main(["map", "check", str(file)]) == 1
    error = capsys.readouterr().err
    assert "is damaged: a directory cannot be expanded" in error
    assert "copy or make the file again" in error


def test_a_site_with_a_wrong_map_file_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal comes before anything is made in the data folder."""
    other = write_map(tmp_path / "streets.pmtiles", TILES, kind=TileType.AVIF)
    monkeypatch.setenv("SIGHTLINE_MAP_FILE", str(other))
    assert main(["api", "--data", str(tmp_path / "data"), "--port", "1"]) == 1
    assert "tiles of the kind AVIF; a file with vector tiles" in capsys.readouterr().err


def test_an_api_whose_map_was_damaged_runs_without_it(file: Path) -> None:
    file.write_bytes(b"")
    base_map, warnings = site_context._base_map(Settings(map_file=file))
    assert (base_map, warnings) == (None, (site_context.MAP_WARNING,))
    assert site_context._base_map(Settings()) == (None, ())


def test_only_the_api_may_read_the_file(file: Path, tmp_path: Path) -> None:
    arguments = ProcessArguments("one", Layout(tmp_path / "data"))
    settings = Settings(map_file=file)
    readers = {kind for kind in ProcessKind if file in access_of(kind, arguments, settings).reads}
    assert readers == {ProcessKind.API}
