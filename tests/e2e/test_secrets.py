"""A running site keeps its secrets: no process has those of another one, and no file is open.

A worker is the process that parses what cameras send, so it has the passwords of its cameras alone.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from sightline.cluster.roster import read_roster
from sightline.privileges.store_users import StoreUser
from sightline.processes.instance import instance_secrets
from simulator import SimCamera, Simulator
from tests.e2e.conftest import Site, camera, descendants
from tests.e2e.small import small_video
from tests.waiting import wait_for

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
    own = instance_secrets(site.layout)
    stores = {
        user: {own.stores.redis_password(user), own.stores.s3_credentials(user)[1]}
        for user in StoreUser
    }
    known = {CAMERA, UNRELATED, *own.model_dump().values(), *chain(*stores.values())}
    expected = {
        "sightline.forking.server": set(),
        "sightline.live_process": set(),
        "sightline.media_process": set(),
        "sightline.worker": stores[StoreUser.NODE],
        "sightline.api_process": stores[StoreUser.API],
    }
    in_memory: dict[str, list[set[str]]] = {}
    with site.media_process():
        for pid in descendants(site.process_id):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            environ = Path(f"/proc/{pid}/environ").read_bytes()
            assert not [secret for secret in known if secret.encode() in command + environ]
            kind = next((name for name in expected if name.encode() in command), None)
            if kind is not None:
                # The worker that has the camera also has its password.
                in_memory.setdefault(kind, []).append(_found_in(pid, known - {CAMERA}))
    assert in_memory == {
        kind: [secrets] * len(in_memory[kind]) for kind, secrets in expected.items()
    }
    assert len(in_memory["sightline.worker"]) == 2
    _assert_private(site.layout.root)


def _assert_private(root: Path) -> None:
    """Check that files are private.

    SeaweedFS sets the mode of its `.vif` files itself; their folder is private.
    """
    found = [root, *root.rglob("*")]
    opened = [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert [path for path in opened if path.suffix != ".vif" and not path.is_symlink()] == []


def _passwords(names: set[str]) -> set[str]:
    return {f"password-of-{name}" for name in names}


def _memory(pid: int) -> Iterator[bytes]:
    """Yield the parts of a process's memory that it can write."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match and not line.endswith("[vvar]"):
                start, end = int(match[1], 16), int(match[2], 16)
                memory.seek(start)
                yield memory.read(end - start)


def _found_in(pid: int, texts: set[str]) -> set[str]:
    return {text for part in _memory(pid) for text in texts if text.encode() in part}


def test_a_worker_knows_the_passwords_of_its_own_cameras_and_follows_a_change(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    """The whole memory of each worker is searched; its environment and open files are parts."""
    names = {"north", "south", "late"}
    video = small_video(tmp_path)
    cameras = [
        SimCamera(name, video, user="admin", password=f"password-of-{name}")
        for name in sorted(names)
    ]
    with Simulator(cameras) as simulator:
        entries = [camera(name, simulator.url(name), credentials=name) for name in sorted(names)]
        site = make_site(entries, {"SIGHTLINE_WORKERS": "2"})
        secrets = site.folder / "camera_secrets.yaml"
        right = {name: {"user": "admin", "password": f"password-of-{name}"} for name in names}
        secrets.touch(0o600)
        secrets.write_text(json.dumps({**right, "late": {"user": "admin", "password": "no"}}))
        site.start()
        for name in ("north", "south"):
            wait_for(f"{name} live", partial(_has_state, site, name, "live"))
        wait_for("refusal", partial(_has_state, site, "late", "wrong_password"))
        secrets.write_text(json.dumps(right))
        wait_for("late camera live", partial(_has_state, site, "late", "live"))

        for index in range(2):
            own = {one.camera.id for one in read_roster(site.layout, index).cameras}
            assert own
            assert own != names
            pid = site.pid("sightline.worker", f"--index {index}")
            assert _found_in(pid, _passwords(names)) == _passwords(own)
            opened = [path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir()]
            assert secrets not in opened


def _has_state(site: Site, name: str, state: str) -> bool:
    return bool(site.get(f"/v1/cameras/{name}").json().get("state") == state)
