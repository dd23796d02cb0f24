"""The API serves the built console: strict policy, immutable assets, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.site.console import ConsoleFiles, read_console
from domain.settings import Settings

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

SCRIPT = b"export const answer = 42;\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> ConsoleFiles:
    """Return a console as a build leaves it."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html><title>built</title>", "utf-8")
    (tmp_path / "dist" / "secret.js").write_text("not an asset", "utf-8")
    (assets / "index-BxY1.js").write_bytes(SCRIPT)
    (assets / "index-CzQ2.css").write_text("body {}", "utf-8")
    (assets / "index-BxY1.js.map").write_text("{}", "utf-8")
    return read_console(tmp_path)


@pytest.fixture
def console_site(open_site: OpenSite, built: ConsoleFiles) -> Site:
    return open_site(console=built)


def test_the_page_has_a_strict_policy_and_is_not_cached(console_site: Site) -> None:
    answer = console_site.http.get(f"{console_site.url}/")
    assert "built" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    for directive in (
        "default-src 'self'",
        "worker-src 'self'",
        "require-trusted-types-for 'script'; trusted-types sightline-worker",
        "frame-ancestors 'none'",
    ):
        assert directive in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_assets_are_immutable_typed_and_compressed(console_site: Site) -> None:
    url = f"{console_site.url}/assets"
    script = console_site.http.get(f"{url}/index-BxY1.js", headers={"Accept-Encoding": "gzip"})
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.headers["X-Content-Type-Options"] == "nosniff"
    assert script.content == SCRIPT
    assert "default-src 'self'" in script.headers["Content-Security-Policy"], "for workers"
    assert int(script.headers["Content-Length"]) <= len(gzip.compress(SCRIPT)) + 50
    style = console_site.http.get(f"{url}/index-CzQ2.css")
    assert style.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize(
    "name", ["index-old.js", "index-BxY1.js.map", "..%2Fsecret.js", "..%2F..%2Fplain.html", "%00"]
)
def test_nothing_but_assets_is_served(console_site: Site, name: str) -> None:
    answer = console_site.http.get(f"{console_site.url}/assets/{name}")
    assert answer.status_code in (400, 404)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_site_says_its_time_zone_and_how_to_sign_in(open_site: OpenSite) -> None:
    site = open_site(settings=Settings(time_zone="Asia/Urumqi"))
    answer = site.http.get(f"{site.url}/v1/site").json()
    assert answer == {
        "time_zone": "Asia/Urumqi",
        "map_tiles": None,
        "map_zooms": None,
        "map_schema": None,
        "map_attribution": None,
        "viewer_overlay": False,
        "sign_in": ["token", "password"],
    }


def test_the_page_may_load_tiles_from_the_server_of_the_setting_only(
    open_site: OpenSite, built: ConsoleFiles
) -> None:
    tiles = "https://tiles.city:8443/{z}/{x}/{y}.png"
    site = open_site(console=built, settings=Settings(map_tiles=tiles))
    policy = site.http.get(f"{site.url}/").headers["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.city:8443 blob:;" in policy
    assert policy.count("tiles.city") == 1
    assert site.http.get(f"{site.url}/v1/site").json()["map_tiles"] == tiles


def test_tiles_of_the_site_itself_change_no_policy() -> None:
    assert Settings(map_tiles="/tiles/{z}/{x}/{y}.png").map_tiles_origin == ""


@pytest.mark.parametrize(
    "address",
    [
        "https://tiles.city/{z}/{x}.png",
        "ftp://tiles.city/{z}/{x}/{y}",
        "https://user:secret@tiles.city/{z}/{x}/{y}",
        "https://tiles.city; script-src */{z}/{x}/{y}",
        "//tiles.city/{z}/{x}/{y}",
    ],
)
def test_a_wrong_address_of_tiles_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="map_tiles"):
        Settings(map_tiles=address)


@pytest.mark.parametrize("name", ["Peking", "Asia/Shanghai; x", ""])
def test_a_wrong_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Asia/Shanghai"):
        Settings(time_zone=name)
