"""A running site keeps its secrets: no process has those of another one, and no file is open."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Site, _descendants, camera

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CAMERA = "camera-password-7f3a"
UNRELATED = "unrelated-secret-90b2"


def test_no_child_has_a_secret_of_another_and_no_file_is_open(
    make_site: Callable[..., Site],
) -> None:
    environment = {
        "SIGHTLINE_CAMERA_GATE": f"admin:{CAMERA}",
        "AWS_SECRET_ACCESS_KEY": UNRELATED,
        "SIGHTLINE_WORKERS": "2",
    }
    url = "rtsp://127.0.0.1:9/gate"
    site = make_site([camera("gate", url, credentials="gate")], environment)
    site.start()
    own = json.loads(site.layout.secrets.read_text())
    stores = {own["valkey_password"], own["s3_access_key"], own["s3_secret_key"]}
    known = {CAMERA, UNRELATED, *own.values()}
    expected = {
        "valkey-server": set(),
        "weed": set(),
        "sightline.live_process": set(),
        "sightline.worker": {*stores, CAMERA},
        "sightline.api_process": stores,
    }
    seen: dict[str, list[set[str]]] = {}
    for pid in _descendants(site.process_id):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        kind = next(name for name in expected if name.encode() in command)
        assert not [secret for secret in known if secret.encode() in command]
        held = {secret for secret in known if secret.encode() in environ}
        seen.setdefault(kind, []).append(held)
    assert {kind: [secrets] * len(seen[kind]) for kind, secrets in expected.items()} == seen
    assert len(seen["sightline.worker"]) == 2
    _assert_private(site.layout.root)


def _assert_private(root: Path) -> None:
    """Check that files are private.

    SeaweedFS sets the mode of its `.vif` files itself; their folder is private.
    """
    found = [root, *root.rglob("*")]
    opened = [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert [path for path in opened if path.suffix != ".vif" and not path.is_symlink()] == []
