"""Confines this process, and then runs one of Sightline's modules in it.

The fork server runs its `main`, or it is started as `python -m sightline.confinement.launch MODULE
ARGUMENTS…`. It then precedes the import of the module, because libraries start threads when they
are imported, and Landlock restricts only threads that start later.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.cluster.roster import read_roster
from sightline.confinement import landlock, seccomp
from sightline.confinement.capabilities import drop_capabilities
from sightline.confinement.policy import ProcessArguments, ProcessKind, access_of, data_folders
from sightline.confinement.report import ConfinementReport, remember
from sightline.confinement.system_calls import (
    Architecture,
    architecture,
    set_no_new_privileges,
)

SWITCHED_OFF = "SIGHTLINE_CONFINEMENT switches it off"


def main() -> None:
    kind, words = ProcessKind(sys.argv[1]), sys.argv[2:]
    arguments = _relevant(kind, words)
    settings, layout = Settings(), arguments.layout
    access = access_of(kind, arguments, settings)
    prepare(layout, access)
    with _report_file(layout, arguments.name) as file:
        remember(confine(arguments.name, access, settings), file)
    sys.argv[1:] = words
    importlib.import_module(kind).main()


def confine(name: str, access: landlock.Access, settings: Settings) -> ConfinementReport:
    """Confine this process for good, as far as the kernel can, and return what is in force.

    A kernel that lacks a mechanism, or refuses it, does not keep cameras from being recorded.
    """
    if not settings.confinement:
        return _unconfined(name, SWITCHED_OFF)
    try:
        set_no_new_privileges()
    except OSError as error:
        return _unconfined(name, f"the kernel refuses `no_new_privs`: {error.strerror}")
    known = architecture()
    abi, why_no_landlock = _restrict_files(access)
    return ConfinementReport(
        process=name,
        landlock=why_no_landlock,
        landlock_abi=abi,
        capabilities=_why_not(drop_capabilities, known),
        seccomp=_why_not(seccomp.install, known),
    )


def _unconfined(name: str, why: str) -> ConfinementReport:
    return ConfinementReport(process=name, landlock=why, seccomp=why, capabilities=why)


def _restrict_files(access: landlock.Access) -> tuple[int, str]:
    """Return the ABI version, and why files are not restricted."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        return 0, f"{threads} threads had been started before"
    try:
        abi = landlock.restrict(access)
    except OSError as error:
        return 0, f"the kernel refuses it: {error.strerror}"
    if abi < landlock.LEAST_ABI:
        return abi, f"the kernel has ABI {abi}, and {landlock.LEAST_ABI} is needed"
    return abi, ""


def _why_not(restrict: Callable[[Architecture], None], known: Architecture | None) -> str:
    """Restrict this process, and return why that failed; empty if it did not."""
    if known is None:
        return "this architecture is not supported"
    try:
        restrict(known)
    except OSError as error:
        return f"the kernel refuses it: {error.strerror}"
    return ""


def _relevant(kind: ProcessKind, words: Sequence[str]) -> ProcessArguments:
    """Read the arguments of the module that matter here; the module reads all of them itself."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--name", default=kind.rpartition(".")[2].removesuffix("_process"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    known, _ = parser.parse_known_args(words)
    layout = Layout(known.data)
    if kind is ProcessKind.WORKER:
        files = _camera_authorities(layout, known.index)
        return ProcessArguments(f"{known.name}-{known.index}", layout, known.port, files)
    files = tuple(file for file in (known.tls_cert, known.tls_key) if file is not None)
    return ProcessArguments(known.name, layout, known.port, files)


def _camera_authorities(layout: Layout, worker: int) -> tuple[Path, ...]:
    """Return the files of certificates that the registry names for the cameras of a worker."""
    cameras = [one.camera for one in read_roster(layout, worker).cameras]
    return tuple({Path(one.tls.ca) for one in cameras if one.tls is not None and one.tls.ca})


def prepare(layout: Layout, access: landlock.Access) -> None:
    """Make the folders that rules are for, and use one of the data folder for temporary files."""
    for folder in (*access.writes, *data_folders(layout)):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(layout.temporary)


@contextmanager
def _report_file(layout: Layout, name: str) -> Iterator[IO[str] | None]:
    try:
        file = (layout.confinement / f"{name}.json").open("w", encoding="utf-8")
    except OSError as error:
        print(f"the report of the confinement cannot be written: {error}", file=sys.stderr)
        yield None
        return
    with file:
        yield file


if __name__ == "__main__":
    main()
