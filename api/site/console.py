"""Routes of the web console: its page, and the scripts and styles that the page loads.

`make install` builds them into `console/dist`. Without that build, the plain page is served.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import Path, Request
from starlette.responses import HTMLResponse, Response

from api.access.api_context import Context
from domain.errors import NotFound

HTML, SCRIPT, STYLE, SVG = "text/html", "text/javascript", "text/css", "image/svg+xml"
_TYPES = {".js": SCRIPT, ".css": STYLE, ".svg": SVG}
IMMUTABLE = "public, max-age=31536000, immutable"
"""The name of an asset has a hash of its content, so a cache may keep it for a year."""
POLICY = (
    "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; worker-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types sightline-worker"
)
"""The content security policy: only files of this site, and no text that becomes code."""
AssetName = Annotated[str, Path(max_length=100, description="the name that the page has")]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the page loads."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class ConsoleFiles:
    """The page with its content security policy, and the files that it loads, by name."""

    page: str
    policy: str
    assets: Mapping[str, Asset]


def read_console(folder: Traversable) -> ConsoleFiles:
    """Read the console that was built in `folder`, or else the plain page."""
    page = folder.joinpath("dist", "index.html")
    if not page.is_file():
        return _plain_page(folder)
    assets = {
        file.name: Asset(file.read_bytes(), media_type)
        for file in folder.joinpath("dist", "assets").iterdir()
        if (media_type := _TYPES.get(f".{file.name.rpartition('.')[2]}")) is not None
    }
    return ConsoleFiles(page.read_text("utf-8"), POLICY, assets)


def _plain_page(folder: Traversable) -> ConsoleFiles:
    """Return the plain page; its policy allows only its own script and style, by their hashes."""
    html = folder.joinpath("plain.html").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash_of(html, 'script')}; "
        f"style-src {_hash_of(html, 'style')}; img-src blob: data:; "
        "media-src blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return ConsoleFiles(html, policy, {})


def _hash_of(html: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    if match is None:
        raise ValueError(f"console/plain.html has no <{tag}>")
    return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"


@cache
def built_console() -> ConsoleFiles:
    """Return the console of this installation, which is read once."""
    return read_console(files("console"))


async def read_page(request: Request, context: Context) -> Response:
    """Return the page of the console."""
    console: ConsoleFiles = request.app.state.console
    policy = policy_with_images(console.policy, context.settings.map_tiles_origin)
    return HTMLResponse(console.page, headers={"Content-Security-Policy": policy})


def policy_with_images(policy: str, origin: str) -> str:
    """Return a content security policy that also allows images of another origin, if there is one.

    The plain page has no map, and its policy stays as it is.
    """
    return policy.replace("img-src 'self'", f"img-src 'self' {origin}") if origin else policy


async def read_asset(request: Request, name: AssetName) -> Response:
    """Return a script, style or icon of the console. It may be cached; it has no data of the site.

    A worker has the content security policy of its own script, not that of the page.
    Names change with each build, so a page that was opened before an update must be loaded again.
    """
    console: ConsoleFiles = request.app.state.console
    headers = {"Cache-Control": IMMUTABLE, "Content-Security-Policy": console.policy}
    asset = console.assets.get(name)
    if asset is None:
        raise NotFound("the console has no file {name}; load the page again", name=repr(name))
    return Response(asset.content, media_type=asset.media_type, headers=headers)
