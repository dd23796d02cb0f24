"""The compiled depacketiser: its memory safety and its build. `test_compiled_depacketise.py` shows
that its results equal those of Python.
"""

from __future__ import annotations

import struct
import subprocess
import threading
from pathlib import Path
from random import Random

import pytest

from ingest.packets.native.build import FLAGS, SOURCE, build, compilers, library_path
from ingest.packets.native.depacketiser import NativeDepacketiser, unavailable_reason
from simulator.rtp import Codec, payloads

HARSH = (
    "-std=c11",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)
RECORDS = 20_000


def stream(random: Random, codec: Codec) -> bytes:
    """A few pictures with small and large NAL units, as a connection delivers them."""
    packets: list[bytes] = []
    slice_header = b"\x41\x9a" if codec is Codec.H264 else b"\x02\x01\xd0"
    for picture in range(random.randint(1, 4)):
        nals = [
            slice_header + random.randbytes(random.choice((1, 5, 40, 300)))
            for _ in range(random.randint(1, 4))
        ]
        parts = payloads(codec, nals, 60)
        for part in parts:
            rtp = (
                struct.pack(
                    ">BBHII", 0x80, (part is parts[-1]) << 7 | 96, len(packets), 3600 * picture, 7
                )
                + part
            )
            packets.append(struct.pack(">BBH", 0x24, 0, len(rtp)) + rtp)
    return b"".join(packets)


def damaged(random: Random, data: bytes) -> bytes:
    """Change, remove or insert bytes, cut the data short, or replace it by random bytes."""
    buffer = bytearray(data)
    for _ in range(random.choice((0, 1, 2, 8))):
        at = random.randrange(len(buffer))
        buffer[at : at + random.choice((0, 1, 1, 1, 3))] = (
            random.randbytes(random.choice((0, 1, 1, 1, 3))) or b"\0"
        )
    return bytes(buffer[: random.choice((len(buffer), random.randrange(len(buffer) + 1)))])


@pytest.fixture(scope="module")
def harsh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that fails at the first read or write outside its buffers."""
    folder = tmp_path_factory.mktemp("harsh")
    empty, program = folder / "empty.c", folder / "take_all"
    empty.write_text("int main(void) { return 0; }")
    for compiler in compilers():
        command = [*compiler, *HARSH, "-o", str(program)]
        if subprocess.run([*command, str(empty)], check=False).returncode == 0:
            subprocess.run([*command, str(Path(__file__).with_name("take_all.c"))], check=True)
            return program
    pytest.skip("no C compiler with sanitizers is here")


def test_no_bytes_lead_to_access_outside_the_buffers(harsh: Path) -> None:
    random, records = Random(1), bytearray()
    for number in range(RECORDS):
        codec = random.choice((Codec.H264, Codec.HEVC))
        data = (
            damaged(random, stream(random, codec))
            if number % 8
            else random.randbytes(random.randrange(200))
        )
        rooms = (
            (4096, 64, 64)
            if number % 4
            else (random.randrange(1, 400), random.randrange(1, 4), random.randrange(1, 6))
        )
        records += struct.pack("=6I", codec is Codec.HEVC, 0, len(data), *rooms) + data
    done = subprocess.run([harsh], input=bytes(records), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    taken = [[int(part) for part in line.split()] for line in done.stdout.splitlines()]
    assert len(taken) == RECORDS
    assert sum(units for _, _, units, _, _ in taken) > RECORDS / 2, (
        "most were stopped at their first packet, and nothing was proved"
    )


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    compiler = next(compilers(), None)
    if compiler is None:
        pytest.skip("no C compiler with sanitizers is here")
    subprocess.run(
        [*compiler, *FLAGS, "-Werror", "-Wconversion", "-o", str(tmp_path / "it.so"), str(SOURCE)],
        check=True,
    )


def test_a_build_of_another_source_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "depacketise.c"
    other.write_text(SOURCE.read_text("utf-8") + "\n")
    before = library_path()
    monkeypatch.setattr("ingest.packets.native.build.SOURCE", other)
    assert library_path().name != before.name


def test_without_a_compiler_the_reason_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.packets.native.build.compilers", lambda: iter(()))
    assert build(tmp_path / "it.so") == "there is no C compiler"
    monkeypatch.setattr(
        "ingest.packets.native.build.compilers",
        lambda: iter([["false"], [str(tmp_path / "absent")]]),
    )
    assert "absent" in build(tmp_path / "it.so")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_build_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ingest.packets.native.depacketiser.library_path", lambda: tmp_path / "it.so"
    )
    assert "was not built" in unavailable_reason.__wrapped__()


def _anonymous_kb() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(bool(unavailable_reason()), reason="the compiled code was not built")
def test_the_output_buffers_of_a_thread_take_memory_only_for_what_they_hold() -> None:
    grown_kb: list[int] = []

    def take_nothing() -> None:
        before_kb = _anonymous_kb()
        NativeDepacketiser("h264", 96, 0).take(bytearray(64), 0, 0, 0, 0, None)
        grown_kb.append(_anonymous_kb() - before_kb)

    thread = threading.Thread(target=take_nothing)
    thread.start()
    thread.join()
    assert grown_kb[0] < 1000
