"""Enters namespaces of network and mounts without root, so that a test can break a machine of its
own, and runs commands there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_MARK = "SIGHTLINE_FAULTS_INSIDE"
_RULES = "add table inet faults; add chain inet faults in { type filter hook input priority 0; }; "


def is_inside() -> bool:
    return os.environ.get(_MARK) == "1"


def why_not() -> str:
    """Why no namespace can be had here; empty where one can."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "unshare and ip are not installed"
    tried = subprocess.run(
        ("unshare", "-rnm", "ip", "link", "set", "lo", "up"),
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


def enter(arguments: Sequence[str]) -> None:
    """Begin this program again inside; does not return."""
    command = (
        "unshare",
        "-rnm",
        "sh",
        "-c",
        'ip link set lo up && exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "benchmarks.faults",
        *arguments,
    )
    os.execvpe(command[0], command, {**os.environ, _MARK: "1"})  # noqa: S606 (this program itself)


@contextmanager
def dropping(*rules: str) -> Iterator[None]:
    """Packets that match a rule of nftables (`tcp sport 554`) vanish without a word."""
    _nft(_RULES + "".join(f"add rule inet faults in {rule} drop; " for rule in rules))
    try:
        yield
    finally:
        _nft("delete table inet faults")


def _nft(script: str) -> None:
    subprocess.run(
        ("nft", "-f", "-"), input=script.replace("; ", "\n") + "\n", text=True, check=True
    )


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", folder), check=True)
    try:
        yield
    finally:
        subprocess.run(("umount", "-l", folder), check=True)


@contextmanager
def hosts_file(file: Path) -> Iterator[None]:
    """`file`, which may be written again, is where this machine's names are looked up."""
    subprocess.run(("mount", "--bind", file, "/etc/hosts"), check=True)
    try:
        yield
    finally:
        subprocess.run(("umount", "-l", "/etc/hosts"), check=True)
