"""The memory of the API for responses whose clients do not read on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from benchmarks.recordings.client import Client, read_past_head, to_tenth
from benchmarks.site import CLOCK

FILLED_S = 2.0
"""After this time all buffers between the API and the clients are full."""


def memory_of_responses(
    memory_bytes: Callable[[], int], clients: Sequence[Client]
) -> dict[str, object]:
    """Return the memory of each of several open responses, of which the clients read no further
    than the first picture. The files, which are cached, were made before.

    `memory_bytes` returns that of the processes which serve them.
    """
    for client in clients:
        client.open(method="HEAD")[0].close()
    before, head = memory_bytes(), 0
    with ExitStack() as opened:
        for client in clients:
            connection, response, _ = client.open()
            opened.callback(connection.close)
            head = read_past_head(response)
        CLOCK.sleep(FILLED_S)
        each = (memory_bytes() - before) / len(clients)
    return {
        "responses": len(clients),
        "head_mb": to_tenth(head / 1e6),
        "each_mb": to_tenth(each / 1e6),
    }
