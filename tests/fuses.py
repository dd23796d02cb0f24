"""Stores that end the process at the n-th call: what is left then must be whole, and running
again must finish it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domain.clock import ManualClock
from storage.clients.redis import Command, Redis, Reply, Word
from storage.clients.s3 import ObjectStat, ObjectStore, ObjectStream
from storage.events.journal import Journal, JournalLine


class Killed(BaseException):
    """What the test does to the process; nothing may catch it."""


class Fuse:
    """Ends the process at the n-th call of a store, just before or just after what is
    behind it.
    """

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after = at, after
        self.blown = False

    def pass_through(self, action: Callable[[], object]) -> object:
        self.left -= 1
        if self.left == 0:
            self.blown = True
            if self.after:
                action()
            raise Killed
        return action()


class FusedObjects(ObjectStore):
    def __init__(self, store: ObjectStore, fuse: Fuse) -> None:
        self.__dict__.update(store.__dict__)
        self.fuse = fuse

    def put(self, key: str, data: bytes, content_type: str) -> None:
        self.fuse.pass_through(lambda: super(FusedObjects, self).put(key, data, content_type))

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        return self.fuse.pass_through(
            lambda: super(FusedObjects, self).put_new(key, data, content_type)
        )  # type: ignore[return-value]

    def put_file(self, key: str, path: Path, content_type: str) -> ObjectStat:
        return self.fuse.pass_through(
            lambda: super(FusedObjects, self).put_file(key, path, content_type)
        )  # type: ignore[return-value]

    def stat(self, key: str) -> ObjectStat | None:
        return self.fuse.pass_through(lambda: super(FusedObjects, self).stat(key))  # type: ignore[return-value]

    def read(self, key: str, offset: int = 0, length: int | None = None) -> ObjectStream:
        return self.fuse.pass_through(lambda: super(FusedObjects, self).read(key, offset, length))  # type: ignore[return-value]

    def delete(self, key: str) -> None:
        self.fuse.pass_through(lambda: super(FusedObjects, self).delete(key))

    def __del__(self) -> None:
        """The connections are the store's own."""


class FusedRedis(Redis):
    def __init__(self, redis: Redis, fuse: Fuse) -> None:
        self.__dict__.update(redis.__dict__)
        self.fuse = fuse

    def do(self, *command: Word) -> Reply:
        return self.fuse.pass_through(lambda: super(FusedRedis, self).do(*command))

    def do_all(self, commands: list[Command], atomic: bool = False) -> list[Reply]:  # type: ignore[override]
        return self.fuse.pass_through(lambda: super(FusedRedis, self).do_all(commands, atomic))  # type: ignore[return-value]


class FusedJournal(Journal):
    def __init__(self, folder: Path, clock: ManualClock, fuse: Fuse) -> None:
        super().__init__(folder, clock)
        self.fuse = fuse

    def append(self, line: JournalLine) -> None:
        self.fuse.pass_through(lambda: super(FusedJournal, self).append(line))
