"""The product runs with the packages of `requirements/run.txt` alone, as `make run` installs them.

The tests run with more packages, so an import of one of those would not fail there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import httpx
import pytest

from sightline.processes.ports import free_ports
from tests.e2e.conftest import descendants, is_running
from tests.waiting import PATIENCE_S, wait_for

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "run.txt"
PACKAGES = ("domain", "storage", "ingest", "analytics", "api", "sightline", "simulator")
NEEDS_MORE = {"simulator.make_assets"}
"""Makes files that are committed, with fontTools."""
IMPORT_ALL = """
import importlib, sys, warnings
warnings.simplefilter("error")
failed = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed.append(f"{name}: {error}")
sys.exit("\\n".join(failed) or 0)
"""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def _normalized(name: str) -> str:
    """Return the name of a package as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked_names() -> set[str]:
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text("utf-8"), re.MULTILINE)
    return set(map(_normalized, locked))


def _place(distribution: Distribution, site_packages: Path) -> None:
    """Link the files of a distribution, or copy them to another file system.

    Symbolic links would lead out of the folders that a confined process may read.
    """
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        target = Path(os.path.normpath(site_packages / file))
        if not source.is_file() or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """Return the Python of an environment with this checkout and the locked packages alone."""
    folder = tmp_path_factory.mktemp("site") / "venv"
    venv.create(folder, symlinks=True)
    found = folder / "bin" / "python"
    paths = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(subprocess.check_output((found, "-c", paths), text=True).strip())
    assert site_packages.is_relative_to(folder)
    locked = _locked_names()
    assert len(locked) > 30
    for distribution in distributions():
        if _normalized(distribution.name) in locked:
            _place(distribution, site_packages)
    (site_packages / "checkout.pth").write_text(f"{ROOT}\n")
    shutil.copytree(models_folder, folder / "share" / "sightline" / "models")
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    """Return the variables without those that add packages, or change where things are."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "SIGHTLINE_", "VIRTUAL_ENV"))
    } | {"PYTHONNOUSERSITE": "1"}


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":  # it would run
                yield ".".join(parts).removesuffix(".__init__")


def test_each_module_can_be_imported(
    python: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    names = [name for name in _modules() if name not in NEEDS_MORE]
    assert len(names) > 500
    done = subprocess.run(
        (python, "-c", IMPORT_ALL, *names),
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_demo_starts_and_ends(
    python: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    data = tmp_path / "demo"
    command = (python, "-m", "sightline", "demo", "--data", data, "--port", str(port))
    log = tmp_path / "demo.log"
    with log.open("wb") as errors:
        demo = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=environment, cwd=tmp_path, start_new_session=True,
        )  # fmt: skip
    assert demo.stdout is not None
    try:
        address = demo.stdout.readline().removeprefix("console: ").strip()
        assert address.startswith(f"http://127.0.0.1:{port}/"), log.read_text()
        page = httpx.get(address.partition("#")[0], trust_env=False, timeout=PATIENCE_S)
        assert page.status_code == 200
        assert "<html" in page.text
        processes = descendants(demo.pid)
        assert len(processes) >= 7, "simulator, fork server, two stores, live, worker, API"
    finally:
        os.killpg(demo.pid, signal.SIGINT)  # what a terminal sends for Ctrl-C
        code = demo.wait(PATIENCE_S)
        demo.stdout.close()
    assert code == 0, log.read_text()
    wait_for("the end of all processes", lambda: not any(map(is_running, processes)))
    assert not _commands_with(str(data))


def _commands_with(text: str) -> list[str]:
    """Return the command lines of all processes that contain `text`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # the process has ended
            continue
        if text in line:
            found.append(line)
    return found
