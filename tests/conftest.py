"""Fixtures of all tests: real stores, footage and models. A skip needs an expected reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis
import pytest

from domain.clock import SystemClock
from sightline.privileges.store_secrets import StoreSecrets, valkey_url
from sightline.processes.child import Child
from sightline.processes.embedded_servers import VOLUME_SIZE_MB, seaweedfs, valkey
from sightline.processes.ports import free_ports
from tests.footage import Footage, drawn, real, version

pytest_plugins = ["tests.expected_skips"]
ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("SIGHTLINE_TEST_DATA", ROOT.parent / "shared" / "data"))
"""Real footage, which is no part of the repository: where it is, tests see it as well as the
drawn one.
"""
MODELS = Path(
    os.environ.get("SIGHTLINE_MODELS_DIR", Path(sys.prefix) / "share" / "sightline" / "models")
)
hypothesis.settings.register_profile("untimed", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile(
    "untimed"
)  # how long an example takes says how busy the machine is
STORE_SECRETS = StoreSecrets(
    "test-valkey-password", "test-access", "test-secret-key", "test-signing-key"
)


@dataclass(frozen=True, slots=True)
class S3Config:
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str = "sightline"
    secure: bool = False


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Valkey for the whole run; its url. Tests want `redis_url`, which empties it first."""
    folder = tmp_path_factory.mktemp("valkey")
    (port,) = free_ports(1)
    child = Child(valkey(folder, port, STORE_SECRETS, folder / "log"), SystemClock())
    child.start()
    child.wait_ready()
    yield valkey_url(port, STORE_SECRETS)
    child.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Config]:
    """A real SeaweedFS for the whole run."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    (port,) = free_ports(1)
    spec = seaweedfs(folder, port, STORE_SECRETS, folder / "log")
    # Each bucket has volumes of its own, and the disk has room for only so many large ones.
    large, small = f"SizeLimitMB={VOLUME_SIZE_MB}", "SizeLimitMB=64"
    spec = replace(spec, arguments=tuple(one.replace(large, small) for one in spec.arguments))
    child = Child(spec, SystemClock())
    child.start()
    child.wait_ready()
    yield S3Config(f"127.0.0.1:{port}", STORE_SECRETS.s3_access_key, STORE_SECRETS.s3_secret_key)
    child.stop()


@pytest.fixture(scope="session")
def drawn_footage(pytestconfig: pytest.Config) -> Footage:
    """Drawn once for this checkout and all its processes, and anew when what draws it has
    changed.
    """
    return drawn(pytestconfig.cache.mkdir(f"drawn-footage-{version()}"))


@pytest.fixture(scope="session", params=["drawn", "real"] if SHARED.is_dir() else ["drawn"])
def footage(request: pytest.FixtureRequest, drawn_footage: Footage) -> Footage:
    """The drawn footage, and the real footage if it is next to the checkout."""
    return drawn_footage if request.param == "drawn" else real(SHARED)


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of the public models; tests are skipped where they are absent."""
    if not (MODELS / "clp_det.onnx").exists():
        pytest.skip("models are absent: run `make install`")
    return MODELS


@pytest.fixture(scope="session")
def gst_python() -> str:
    """A Python that has GStreamer's RTSP server, or a skip where Debian's packages are absent."""
    python = "/usr/bin/python3"
    probe = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import "
        "GstRtspServer"
    )
    if (
        not Path(python).exists()
        or subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode
    ):
        pytest.skip("Debian package absent: gir1.2-gst-rtsp-server-1.0")
    return python


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """Debian's ffmpeg, the independent check, or a skip where it is absent."""
    found = shutil.which("ffmpeg")
    if found is None:
        pytest.skip("Debian package absent: ffmpeg")
    return found
