"""A child receives the newest message through its standard input, also after a restart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.clock import SystemClock
from sightline.processes.child import Child, ChildSpec
from sightline.processes.message_pipe import MessagePipe, MessageReader
from tests.waiting import wait_for

COPIES_INPUT = (
    sys.executable,
    "-c",
    "import os, sys\nfor line in sys.stdin: os.write(1, line.encode())",
)
LISTS_OPEN_FILES = (
    "/bin/sh",
    "-c",
    "ls -l /proc/self/fd",
)


@pytest.fixture
def pipe() -> Iterator[MessagePipe]:
    pipe = MessagePipe()
    yield pipe
    pipe.close()


@pytest.fixture
def reader(pipe: MessagePipe) -> Iterator[int]:
    descriptor = pipe.open()
    yield descriptor
    os.close(descriptor)


def test_a_child_gets_each_message_and_its_successor_the_newest(
    pipe: MessagePipe, tmp_path: Path
) -> None:
    child = Child(ChildSpec("child", COPIES_INPUT, tmp_path / "log", messages=pipe), SystemClock())
    pipe.send(b"one")
    child.start()
    wait_for("the first message", lambda: "one" in child.log_tail())
    pipe.send(b"two")
    pipe.send(b"two")
    wait_for("the second message", lambda: "two" in child.log_tail())
    child.kill()
    child.join()
    child.spec.log.write_bytes(b"")
    child.start()
    wait_for("the newest message", lambda: child.log_tail() == "two\n")
    child.stop()
    assert b"two" not in Path(f"/proc/{os.getpid()}/environ").read_bytes()


def test_another_child_cannot_read_the_pipe(pipe: MessagePipe, tmp_path: Path) -> None:
    """No other child inherits an end of it, so its end is seen when the reader ends."""
    reader = pipe.open()
    inode = os.fstat(reader).st_ino
    other = Child(ChildSpec("other", LISTS_OPEN_FILES, tmp_path / "log"), SystemClock())
    other.start()
    other.join()
    os.close(reader)
    assert "/dev/null" in other.log_tail()
    assert f"pipe:[{inode}]" not in other.log_tail()


def test_a_reader_gets_the_newest_of_several_messages_once(pipe: MessagePipe, reader: int) -> None:
    messages = MessageReader(reader)
    assert messages.newest() is None
    for text in (b"one", b"two", b"three"):
        pipe.send(text)
    assert messages.newest() == b"three"
    assert messages.newest() is None


def test_a_message_larger_than_the_pipe_arrives_in_parts(pipe: MessagePipe, reader: int) -> None:
    """The sender never waits, and a newer message does not cut one that is under way."""
    messages = MessageReader(reader)
    large, newer = b"x" * (1 << 20), b"y" * (1 << 18)
    pipe.send(large)
    pipe.send(newer)
    found: list[bytes] = []

    def is_complete() -> bool:
        message = messages.newest()
        pipe.send(newer)
        if message is not None:
            found.append(message)
        return newer in found

    wait_for("the newer message", is_complete)
    assert set(found) <= {large, newer}


def test_a_pipe_whose_reader_ended_refuses_nothing(pipe: MessagePipe) -> None:
    os.close(pipe.open())
    pipe.send(b"lost")
    descriptor = pipe.open()
    assert MessageReader(descriptor).newest() == b"lost"
    os.close(descriptor)


def test_a_reader_without_a_sender_has_no_message() -> None:
    with Path("/dev/null").open("rb") as nothing:
        assert MessageReader(nothing.fileno()).newest() is None
