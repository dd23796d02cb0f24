"""Messages of a command that serves, on standard error, in colour where that is a terminal.

`rich` does more. What it writes to when it prints would be memory of the supervisor alone, for as
long as the site runs (`docs/decisions/0015-fork-server.md`).
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum

from domain.log import escaped


class Colour(StrEnum):
    """A colour, by its number in the control sequence of a terminal."""

    RED = "31"
    YELLOW = "33"


def print_message(text: str, colour: Colour | None = None) -> None:
    """Print a message. Control characters in it are shown as escapes, apart from line breaks."""
    shown = escaped(text, {"\n": "\n"})
    if colour is not None and sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        shown = f"\x1b[{colour}m{shown}\x1b[0m"
    print(shown, file=sys.stderr, flush=True)
