"""A download breaks off when its person may no longer receive it, and a `Range` goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.access.api_context import SiteRegistry
from domain.camera_scope import CameraScope
from domain.people import Right, Role
from storage.site.people import People
from tests.api.access.test_privacy_masks import masked_registry
from tests.api.access.test_standing_access import CHANGES
from tests.api.cameras.held_reading import HeldReading
from tests.api.cameras.recorded_site import Record, address, at
from tests.api.cameras.test_recordings_of_nodes import another_node
from tests.security.raw_http import connected, read_to_end, request_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

NARROWED = "the scope narrowed"
UNMASKED = "the right to see unmasked video taken back"
ENDS: dict[str, Callable[[People, str], object]] = {
    **CHANGES,
    NARROWED: lambda people, name: people.change(name, scope=CameraScope(cameras=("school",))),
    UNMASKED: lambda people, name: people.change(name, grants=()),
}


def _received(
    open_site: OpenSite,
    record: Record,
    folder: Path,
    after_first: Callable[[Site], None],
) -> tuple[Site, bytes, int]:
    """Download three segments, and call `after_first` when the first one was read; return the site,
    the received body, and the length that its header states. The camera has a privacy mask.
    """
    reading, registry = HeldReading(free_count=1), masked_registry()
    site = open_site(node_client=reading, registry=lambda: SiteRegistry(registry))
    person = site.context.people.by_token(site.tokens[Role.OPERATOR])
    assert person is not None
    site.context.people.change(person.name, grants=(Right.UNMASKED_VIEW,))
    with another_node(site, folder) as (layout, node):
        for start_s in (0, 4, 8):
            record(layout, "east-gate", at(start_s), 4)
        site.hold("east-gate", "node-2", node)
        with connected(site.url) as connection:
            connection.sendall(request_of(site, address(1, 11), role=Role.OPERATOR))
            wait_for("second segment", lambda: reading.opened == 2)
            after_first(site)
            reading.released.set()
            head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return site, body, int(lines[b"content-length"])


@pytest.mark.parametrize("end", ENDS)
def test_a_download_ends_with_the_access_of_its_person(
    open_site: OpenSite,
    record: Record,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    end: str,
) -> None:
    def change(site: Site) -> None:
        person = site.context.people.by_token(site.tokens[Role.OPERATOR])
        assert person is not None
        ENDS[end](site.context.people, person.name)
        wait_for("end", lambda: "no longer permit it" in caplog.text)

    site, body, length_bytes = _received(open_site, record, tmp_path / "node-2", change)
    assert len(body) < length_bytes
    again = site.get(address(1, 11), Role.OPERATOR, Range=f"bytes={len(body)}-")
    assert again.status_code in (401, 403, 404)


def test_a_download_goes_on_while_its_person_may_receive_it(
    open_site: OpenSite, record: Record, tmp_path: Path
) -> None:
    def change(site: Site) -> None:
        person = site.context.people.by_token(site.tokens[Role.OPERATOR])
        assert person is not None
        site.context.people.add_token(person.name, "another")

    _, body, length_bytes = _received(open_site, record, tmp_path / "node-2", change)
    assert len(body) == length_bytes
