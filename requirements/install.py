"""Runs pip and shows how far it is: `python install.py STEP LOCK_FILE PIP_ARGUMENT...`.

What pip prints is shown only where it fails. It needs nothing but the standard library.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SILENCE_S = "60"
"""How long pip waits for a server that has stopped sending."""
_BEGUN = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
_SHOWN_EVERY = 10
"""Packages, where the output is no terminal."""


def main(step: str, lock_file: str, *arguments: str) -> int:
    total = sum("==" in line for line in Path(lock_file).read_text("utf-8").splitlines())
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["--timeout", SILENCE_S, *arguments]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert pip.stdout is not None
    said = list(_shown(step, total, pip.stdout))
    code = pip.wait()
    if code:
        print("".join(said), file=sys.stderr)
        print(
            f"{step}: pip failed. Where the package index did not answer: look at the network "
            "and the proxy, then run the command again; what was downloaded is kept.",
            file=sys.stderr,
        )
    else:
        print(f"{step}: done", flush=True)
    return code


def _shown(step: str, total: int, lines: Iterator[str]) -> Iterator[str]:
    """Pass pip's lines on while it is shown how many packages were begun."""
    is_terminal = sys.stdout.isatty()
    begun = 0
    for line in lines:
        yield line
        if found := _BEGUN.match(line):
            begun += 1
            text = f"{step}: {begun} of {total} ({found[1]})"
            if is_terminal:
                print(f"\r\x1b[K{text}", end="", flush=True)
            elif begun % _SHOWN_EVERY == 0:
                print(text, flush=True)
        elif line.startswith("Installing collected packages") and is_terminal:
            print(f"\r\x1b[K{step}: installing", end="", flush=True)
    if is_terminal:
        print("\r\x1b[K", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
