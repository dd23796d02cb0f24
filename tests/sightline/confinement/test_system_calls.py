"""The numbers of system calls are those of the kernel's headers, for both architectures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sightline.confinement.system_calls import ARCHITECTURES

_DEFINITION = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b")
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
NEWER = {"fchmodat2"}
"""Calls that the headers of Debian 12 do not have yet."""


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_headers(machine: str) -> None:
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip("Debian package absent: linux-libc-dev")
    known = {name: int(number) for name, number in _DEFINITION.findall(header.read_text())}
    ours = ARCHITECTURES[machine].numbers
    assert len(ours) > 50
    assert ours.keys() - known.keys() <= NEWER
    assert {name: known.get(name, number) for name, number in ours.items()} == ours
