"""When the interpreter looks for what only points at itself: seldom, and never through what a
process loaded at its start.
"""

from __future__ import annotations

import gc


def collect_seldom(allocated: int) -> None:
    """From here on the youngest objects are looked through after so many more, and what is there by
    now never again.

    To look through all that is loaded takes a tenth of a second in which nobody is answered.
    """
    gc.collect()
    gc.set_threshold(allocated, 20, 20)
    gc.freeze()
