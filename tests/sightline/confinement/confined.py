"""Runs attacks in processes that are confined or not, and says how each ended.

It is started as `python -m tests.sightline.confinement.confined`, and its arguments are `confined`
or `free`, a folder, two ports and the attacks. The rules allow it to listen on the first port only.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from domain.settings import Settings
from sightline.confinement.landlock import LEAST_ABI, Access, abi_version
from sightline.confinement.launch import confine
from sightline.confinement.system_calls import architecture
from sightline.processes.ports import free_ports

requires_confinement = pytest.mark.skipif(
    architecture() is None or abi_version() < LEAST_ABI,
    reason="this kernel has no Landlock of ABI 2 or later",
)
FOLDERS = ("readable", "writable", "listed", "forbidden")


@cache
def outcomes(attacks: tuple[str, ...], is_confined: bool) -> dict[str, str]:
    """Return for each attack `done`, `PermissionError` or `other error`.

    Each runs in a child of one process, and in folders of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        for index, _ in enumerate(attacks):
            for name in FOLDERS:
                (Path(folder) / str(index) / name).mkdir(parents=True)
                (Path(folder) / str(index) / name / "file").write_text(name)
        how = "confined" if is_confined else "free"
        ports = map(str, free_ports(2))
        words = (sys.executable, "-m", "tests.sightline.confinement.confined", how, folder, *ports)
        with socket.socket(socket.AF_UNIX) as outside:
            outside.bind(abstract_address(os.getpid()))
            outside.listen()
            done = subprocess.run((*words, *attacks), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(attacks, json.loads(done.stdout), strict=True))


def abstract_address(pid: int) -> str:
    """Return the address of the abstract Unix socket of a test, which is in no folder."""
    return f"\0sightline confinement {pid}"


def libc_call(number: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _access(root: Path, attacks: list[str], port: int) -> Access:
    folders = [root / str(index) for index, _ in enumerate(attacks)]
    return Access(
        lists=tuple(folder / "listed" for folder in folders),
        reads=(
            *(folder / "readable" for folder in folders),
            *map(Path, (sys.prefix, sys.base_prefix, "/usr", "/proc")),
        ),
        writes=tuple(folder / "writable" for folder in folders),
        listens=(port,),
    )


def _outcome(attack: str, names: dict[str, object]) -> str:
    """Run an attack in a child process; one that executes another program ends with 0."""
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # the output of an attack must not mix with the outcomes
        try:
            exec(attack, names)
        except PermissionError:
            os._exit(1)
        except BaseException as error:  # noqa: BLE001 - the child must not continue as its parent
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    codes = {0: "done", 1: "PermissionError"}
    return codes.get(os.waitstatus_to_exitcode(status), "other error")


def main() -> None:
    how, folder, port, other_port, *attacks = sys.argv[1:]
    root = Path(folder)
    shared: dict[str, object] = {
        "os": os,
        "socket": socket,
        "subprocess": subprocess,
        "Path": Path,
        "libc_call": libc_call,
        "X86": platform.machine() == "x86_64",
        "PARENT": os.getppid(),
        "PORT": int(port),
        "OTHER_PORT": int(other_port),
        "ABSTRACT": abstract_address(os.getppid()),
    }
    if how == "confined":
        report = confine("test", _access(root, attacks, int(port)), Settings())
        assert not report.sentences(), report
    found = []
    for index, attack in enumerate(attacks):
        folders = {name.upper(): str(root / str(index) / name) for name in FOLDERS}
        found.append(_outcome(attack, {**shared, **folders}))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
