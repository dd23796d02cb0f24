"""The receivers of WebRTC that a benchmark counts packets with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from benchmarks.live.receivers import _Receiver


@dataclass
class Packet:
    sequence_number: int
    ssrc: int = 1


def received(numbers: list[int]) -> tuple[int, int, int]:
    """Return how many packets are missing, were repeated, and arrived late."""

    async def work() -> tuple[int, int, int]:
        receiver = _Receiver()
        for number in numbers:
            await receiver._note(Packet(number), 0)
        await receiver.connection.close()
        found = receiver.counted
        return found.missing, found.duplicates, found.reordered

    return asyncio.run(work())


def test_sequence_numbers_are_counted_over_a_wrap() -> None:
    assert received([65534, 65535, 0, 1]) == (0, 0, 0)
    assert received([65534, 1, 0, 4, 2]) == (2, 0, 2), "65535 and 3"
    assert received([10, 11, 11, 9, 12]) == (0, 1, 1), "late and repeated ones are not missing"
