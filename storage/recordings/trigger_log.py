"""The log of triggers, and which parts of a camera's recording they keep.

triggers/<camera>/<yyyymmdd of the start>.jsonl has lines such as
{"source": "motion", "start_ns": …, "end_ns": …, "reason": ""}

Any process of the node appends to it, all processes read it, and whole days are deleted. A line
that a power cut left incomplete is logged and ignored.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.clock import NS_PER_S
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.recordings.triggers import LONGEST_NS, Trigger
from domain.settings import Settings
from storage.clients.append_only_file import append_line
from storage.clients.append_reader import AppendReader
from storage.recordings.recorded_ranges import Range, clip, merge

_TRIGGER = TypeAdapter(Trigger)
_MOST_DAYS = 4_000
_DAY_FILE = re.compile(r".{8}\.jsonl")
_log = logging.getLogger(__name__)


def is_kept(start_ns: int, end_ns: int, ranges: Sequence[Range]) -> bool:
    """Return whether a segment overlaps a kept range. It is then kept as a whole, because a segment
    is never cut.
    """
    return any(
        start_ns < kept_end_ns and kept_start_ns < end_ns for kept_start_ns, kept_end_ns in ranges
    )


class TriggerLog:
    """The triggers of a node. It is thread-safe; what was read of a day is cached, and only later
    lines are read. A day whose file was cut or replaced is read again.
    """

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self._root = layout.triggers
        self._before_ns = round(settings.trigger_before_s * NS_PER_S)
        self._after_ns = round(settings.trigger_after_s * NS_PER_S)
        self._days: dict[Path, _Day] = {}
        self._lock = threading.Lock()

    def add(self, trigger: Trigger, durable: bool = True) -> None:
        """Log a trigger: it survives every process when this returns, and with `durable` also a
        power cut. Raises StoreError.
        """
        line = {name: value for name, value in asdict(trigger).items() if name != "camera_id"}
        try:
            append_line(
                self._file(trigger.camera_id, trigger.start_ns),
                json.dumps(line, ensure_ascii=False).encode(),
                durable=durable,
            )
        except OSError as error:
            raise StoreError(
                "a trigger of {camera} cannot be logged: {error}",
                camera=trigger.camera_id,
                error=error,
            ) from error

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Trigger, ...]:
        """Return the triggers that overlap [from_ns, to_ns), by start."""
        files = self._files(camera_id)
        if not files:
            return ()
        first, last = day_of(from_ns - LONGEST_NS), day_of(to_ns)
        found = [
            trigger
            for file in files
            if first <= file.stem <= last
            for trigger in self._read(file, camera_id)
            if trigger.start_ns < to_ns and trigger.end_ns >= from_ns
        ]
        return tuple(sorted(found, key=lambda trigger: trigger.start_ns))

    def kept_ranges(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Range, ...]:
        """Return the parts of [from_ns, to_ns) that are kept, by start: the triggers with the
        seconds before and after them, joined.
        """
        triggers = self.between(camera_id, from_ns - self._after_ns, to_ns + self._before_ns)
        widened = (
            (trigger.start_ns - self._before_ns, trigger.end_ns + self._after_ns)
            for trigger in triggers
        )
        return tuple(merge(clip(widened, from_ns, to_ns), within_ns=0))

    def forget_before(self, camera_id: str, wall_ns: int) -> None:
        """Delete the days that ended before `wall_ns`, the longest trigger included."""
        for file in self._files(camera_id):
            if file.stem < day_of(wall_ns - LONGEST_NS):
                file.unlink(missing_ok=True)
                with self._lock:
                    self._days.pop(file, None)

    def _file(self, camera_id: str, wall_ns: int) -> Path:
        return self._root / camera_id / f"{day_of(wall_ns)}.jsonl"

    def _files(self, camera_id: str) -> list[Path]:
        """Return the files of a camera, the oldest first.

        It is called several times a second for each camera on demand, most of which have none.
        """
        folder = f"{self._root}/{camera_id}"
        try:
            with os.scandir(folder) as found:
                names = sorted(entry.name for entry in found)
        except FileNotFoundError:
            return []
        return [Path(folder, name) for name in names if _DAY_FILE.fullmatch(name)]

    def _read(self, file: Path, camera_id: str) -> Sequence[Trigger]:
        with self._lock:
            if len(self._days) > _MOST_DAYS:
                self._days.clear()
            return self._days.setdefault(file, _Day(file, camera_id)).read()


class _Day:
    """The triggers of one file."""

    def __init__(self, file: Path, camera_id: str) -> None:
        self._file = file
        self._camera_id = camera_id
        self._lines = AppendReader(file)
        self._triggers: tuple[Trigger, ...] = ()

    def read(self) -> Sequence[Trigger]:
        """Return the triggers of all whole lines. Raises OSError."""
        lines, is_whole = self._lines.read()
        parsed = (_parsed(line, self._file, self._camera_id) for line in lines.splitlines())
        read = tuple(trigger for trigger in parsed if trigger is not None)
        self._triggers = read if is_whole else self._triggers + read
        return self._triggers


def _parsed(line: bytes, file: Path, camera_id: str) -> Trigger | None:
    try:
        return _TRIGGER.validate_python({"camera_id": camera_id, **json.loads(line)})
    except (ValueError, TypeError, ValidationError):
        _log.warning("a line of %s is no trigger; it keeps nothing", file)
        return None
