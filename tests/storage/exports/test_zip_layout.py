"""The ZIP layout, read by zipfile and unzip, also beyond 4 GB."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.exports.zip_layout import MemberBytes, ZipLayout, ZipMember
from tests.examples import examples

AT_S = 1_764_000_000
GB = 1 << 30


def member(name: str, content: bytes) -> ZipMember:
    return ZipMember(name, len(content), zlib.crc32(content), AT_S)


def bytes_of(layout: ZipLayout, contents: list[bytes], first: int, length: int) -> bytes:
    found = b""
    for part in layout.parts(first, length):
        if isinstance(part, MemberBytes):
            part = contents[part.member][part.offset : part.offset + part.length_bytes]
        found += part
    return found


@given(
    contents=st.lists(st.binary(max_size=60), max_size=5),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
@settings(max_examples=examples(100), deadline=None)
def test_any_ranges_joined_are_the_whole_that_zipfile_reads(
    contents: list[bytes], cuts: list[int]
) -> None:
    names = [f"东门/{number}.mp4" for number in range(len(contents))]
    layout = ZipLayout([member(*pair) for pair in zip(names, contents, strict=True)])
    whole = bytes_of(layout, contents, 0, layout.size_bytes)
    assert len(whole) == layout.size_bytes
    edges = sorted({0, layout.size_bytes, *(cut % layout.size_bytes for cut in cuts)})
    joined = [bytes_of(layout, contents, first, last - first) for first, last in pairwise(edges)]
    assert b"".join(joined) == whole
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == names
        assert [opened.read(name) for name in names] == contents


def sparse_file(path: Path, members: list[ZipMember], contents: dict[int, bytes]) -> ZipLayout:
    """Write a ZIP file whose large members are holes: it uses a few blocks of the disk."""
    layout, at = ZipLayout(members), 0
    with path.open("wb") as file:
        for part in layout.parts(0, layout.size_bytes):
            data = part if isinstance(part, bytes) else contents.get(part.member)
            if data is not None:
                file.seek(at)
                file.write(data)
            at += _length(part)
    return layout


def _length(part: bytes | MemberBytes) -> int:
    return len(part) if isinstance(part, bytes) else part.length_bytes


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 10 GB: a member above 4 GB, one that begins above 4 GB, and small ones."""
    small = b"the manifest"
    members = [
        member("manifest.json", small),
        ZipMember("a.mp4", 5 * GB, 0, AT_S),
        ZipMember("b.mp4", 5 * GB + 1, 0, AT_S),
        member("c.mp4", small),
    ]
    path = tmp_path / "large.zip"
    layout = sparse_file(path, members, {0: small, 3: small})
    assert path.stat().st_size == layout.size_bytes
    return path


def test_zipfile_reads_what_lies_beyond_4_gb(large: Path) -> None:
    with zipfile.ZipFile(large) as opened:
        sizes = [(one.filename, one.file_size) for one in opened.infolist()]
        assert sizes[1:3] == [("a.mp4", 5 * GB), ("b.mp4", 5 * GB + 1)]
        assert opened.read("c.mp4") == b"the manifest"
        with opened.open("b.mp4") as stream:
            assert stream.read(4) == bytes(4)


@pytest.mark.parametrize("program", ["unzip", "7z"])
def test_other_programs_read_what_lies_beyond_4_gb(large: Path, program: str) -> None:
    found = shutil.which(program) or shutil.which(f"{program}z")  # Debian 12 calls it 7zz
    if found is None:
        pytest.skip(f"{program} is not installed")
    options = (
        ["-p", str(large), "c.mp4"] if program == "unzip" else ["e", "-so", str(large), "c.mp4"]
    )
    done = subprocess.run([found, *options], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"the manifest"), done.stderr


def test_a_time_before_1980_is_shown_as_1980() -> None:
    layout = ZipLayout([ZipMember("a", 0, 0, 0)])
    with zipfile.ZipFile(io.BytesIO(bytes_of(layout, [b""], 0, layout.size_bytes))) as opened:
        assert opened.infolist()[0].date_time[:3] == (1980, 1, 1)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        ZipLayout([member("a", b""), member("a", b"")])
