"""The base map: who gets its tiles, which may be cached, and what a site without one answers."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.base_map.pmtiles import Compression, TileType
from api.base_map.tile_archive import TileArchive
from domain.people import Role
from domain.settings import Settings
from tests.api.base_map.written_map import write_map

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

PICTURE = b"\xff\xd8 a picture"


@pytest.fixture
def mapped(open_site: OpenSite, tmp_path: Path) -> Iterator[Site]:
    file = write_map(
        tmp_path / "city.pmtiles",
        {(4, 3, 5): PICTURE, (7, 100, 50): PICTURE},
        kind=TileType.JPEG,
        metadata={"attribution": "the survey"},
    )
    with closing(TileArchive(file)) as archive:
        yield open_site(base_map=archive)


def test_any_signed_in_person_gets_a_tile_which_a_browser_may_keep(mapped: Site) -> None:
    for role in (Role.OPERATOR, Role.AUDITOR):
        answer = mapped.get(_tile(mapped, "4/3/5"), role, reason=None)
        assert (answer.status_code, answer.content) == (200, PICTURE)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, max-age=86400"
    assert mapped.audit_lines() == [], "a map has no data of the site"
    refused = mapped.http.get(f"{mapped.url}/v1/map/tiles/4/3/5")
    assert (refused.status_code, refused.headers["Cache-Control"]) == (401, "no-store")


def test_a_tile_is_cached_only_under_the_version_of_its_file(mapped: Site) -> None:
    """A page that was opened before the file was replaced asks under the version before."""
    for path in (
        "/v1/map/tiles/4/3/5",
        "/v1/map/tiles/4/3/6",
        "/v1/map/tiles/4/3/5?v=0123456789ab",
    ):
        assert mapped.get(path).headers["Cache-Control"] == "no-store", path


def test_another_file_has_another_version(tmp_path: Path) -> None:
    """A copy has the same one, so that several processes of the API agree."""

    def version(name: str, picture: bytes) -> str:
        file = write_map(tmp_path / name, {(4, 3, 5): picture}, kind=TileType.JPEG)
        with closing(TileArchive(file)) as archive:
            return archive.version

    first = version("city.pmtiles", PICTURE)
    assert first == version("copy.pmtiles", PICTURE)
    assert first != version("city.pmtiles", PICTURE[::-1]), "a file of the same size"


def _tile(site: Site, place: str) -> str:
    """Return the address of a tile as the site states it."""
    template: str = site.http.get(f"{site.url}/v1/site").json()["map_tiles"]
    return template.replace("{z}/{x}/{y}", place)


def test_a_vector_tile_is_sent_as_it_is_in_the_file(open_site: OpenSite, tmp_path: Path) -> None:
    """A client that does not accept gzip gets the tile without it."""
    stored = gzip.compress(PICTURE, mtime=0)
    layers = [{"id": name} for name in ("water", "transportation", "place")]
    file = write_map(
        tmp_path / "city.pmtiles",
        {(4, 3, 5): stored},
        kind=TileType.VECTOR,
        tile_compression=Compression.GZIP,
        metadata={"vector_layers": layers},
    )
    with closing(TileArchive(file)) as archive:
        site = open_site(base_map=archive)
        assert site.http.get(f"{site.url}/v1/site").json()["map_schema"] == "openmaptiles"
        url = f"{site.url}/v1/map/tiles/4/3/5"
        token = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}"}
        for accepted, encoding in (("gzip, br", "gzip"), ("identity", None)):
            with site.http.stream(
                "GET", url, headers=token | {"Accept-Encoding": accepted}
            ) as answer:
                raw = b"".join(answer.iter_raw())
            assert raw == (stored if encoding else PICTURE)
            assert answer.headers.get("Content-Encoding") == encoding
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"


def test_where_the_map_has_no_picture_the_answer_is_empty(mapped: Site) -> None:
    answer = mapped.get("/v1/map/tiles/4/3/6")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("tile", "says"),
    [
        ("4/16/0", "less than 16"),
        ("4/0/16", "y: "),
        ("25/0/0", "24"),
        ("4/-1/0", "x"),
        ("a/0/0", "z"),
    ],
)
def test_a_tile_that_cannot_be_is_refused(mapped: Site, tile: str, says: str) -> None:
    answer = mapped.get(f"/v1/map/tiles/{tile}")
    assert (answer.status_code, says in answer.text) == (400, True), answer.text


def test_a_site_states_where_its_map_is(mapped: Site) -> None:
    site = mapped.http.get(f"{mapped.url}/v1/site").json()
    assert re.fullmatch(r"/v1/map/tiles/\{z\}/\{x\}/\{y\}\?v=[0-9a-f]{12}", site["map_tiles"])
    assert (site["map_zooms"], site["map_schema"]) == ([4, 7], None)
    assert site["map_attribution"] == "the survey"


def test_a_site_without_a_map_file_says_so(site: Site) -> None:
    answer = site.get("/v1/map/tiles/0/0/0")
    assert (answer.status_code, "SIGHTLINE_MAP_FILE" in answer.text) == (404, True)


def test_two_base_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="SIGHTLINE_MAP_TILES another"):
        Settings(map_tiles="/{z}/{x}/{y}", map_file=Path("city.pmtiles"))
