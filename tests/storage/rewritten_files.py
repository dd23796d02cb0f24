"""The ways in which a log that is being read may change other than by appended lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The first lines of a file stay, and others follow them."""

    kept: int
    added: int
    is_replaced: bool
    """Whether another file gets its name. Otherwise the file is cut and written again."""

    def lines(self, before: Sequence[bytes], other: Sequence[bytes]) -> list[bytes]:
        """Return the lines afterwards, of those before and of others; none has its end."""
        return [*before[: self.kept], *other[: self.added]]

    def apply(self, file: Path, lines: Sequence[bytes]) -> None:
        """Let the file have these lines."""
        data = b"".join(line + b"\n" for line in lines)
        if self.is_replaced:
            new = file.with_name("new")
            new.write_bytes(data)
            new.replace(file)
        else:
            file.write_bytes(data)


REWRITES = [
    Rewrite(kept, added, is_replaced)
    for kept, added in ((1, 0), (1, 1), (1, 3), (0, 0), (0, 2))
    for is_replaced in (True, False)
]
"""For a file of two lines, which is longer, as long or shorter afterwards."""
