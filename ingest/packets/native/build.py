"""Builds the compiled depacketiser: `python -m ingest.packets.native.build`, which `make install`
runs.

It uses the system's C compiler or, without one, that of the wheel `ziglang`. It needs no headers
except the compiler's own, and no library. The file's name contains the hash of its source, so that
a build of another source is never loaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).with_name("depacketise.c")
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-nostdlib", "-Wall", "-Wextra")
"""There is no `-Werror`, because a warning of a newer compiler must not cost a node its speed. The
tests set it.
"""


def library_path() -> Path:
    """Return the path of the built library."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    return SOURCE.with_name(f"depacketise-{digest[:12]}-{platform.machine()}.so")


def compilers() -> Iterator[list[str]]:
    """Yield the available compilers, the preferred one first."""
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            yield [path]
    if importlib.util.find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc"]


def build(file: Path) -> str:
    """Build `file`. Return why it cannot be built, or an empty text."""
    why = "there is no C compiler"
    part = file.with_suffix(f".{os.getpid()}")
    for compiler in compilers():
        try:
            made = subprocess.run(
                [*compiler, *FLAGS, "-o", str(part), str(SOURCE)],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = str(error)
            continue
        if made.returncode == 0:
            part.replace(file)
            return ""
        why = f"{compiler[0]} failed: {made.stderr.strip()}"
    return why


def main() -> int:
    file = library_path()
    for old in file.parent.glob("depacketise-*.so"):
        if old != file:
            old.unlink()
    if why := build(file):
        print(f"the depacketiser cannot be built: {why}", file=sys.stderr)
        return 1
    print(f"built {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
