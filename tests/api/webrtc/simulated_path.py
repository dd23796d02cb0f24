"""A simulated path to a viewer: what its estimates and reports lead to. The estimates are those of
`aiortc.rate`, which is the algorithm of Chromium.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from aiortc.rate import RemoteBitrateEstimator

from api.webrtc.congestion.control import CongestionControl
from api.webrtc.congestion.policy import CongestionAction
from api.webrtc.frame_history import BitRate
from api.webrtc.protocols.rtcp import ReceiverReport, RtcpFeedback

FPS, CLOCK_HZ = 25, 90_000
PACKET_BYTES, DELAY_S, REPORT_EVERY_S = 1190, 0.02, 0.5
WIDE_BITS_PER_S = 100e6
REDUCING = (CongestionAction.REDUCE, CongestionAction.STOP_AND_REDUCE)


@dataclass(frozen=True, slots=True)
class SimulatedPath:
    """Queues packets for at most `queue_s`, and drops the others. `bits_per_s` and
    `more_delay_s` depend on the time in s.
    """

    bits_per_s: Callable[[float], float] = lambda _: WIDE_BITS_PER_S
    queue_s: float = 0.5
    more_delay_s: Callable[[float], float] = lambda _: 0.0

    def reduced_s(self, sizes: Sequence[int]) -> float | None:
        """Return when a viewer of pictures of these sizes in bytes would get the sub-stream."""
        path, found = CongestionControl(), sorted(self._feedback(sizes), key=itemgetter(0))
        for now_s, feedback, rate in found:
            lost_part = path.measure(feedback, now_s)
            if any(one in REDUCING for one in path.actions(feedback, lost_part, rate, now_s, True)):
                return now_s
        return None

    def _feedback(self, sizes: Sequence[int]) -> list[tuple[float, RtcpFeedback, float]]:
        """Return when each feedback arrives, and the bit rate of the stream then."""
        browser, rate = RemoteBitrateEstimator(), BitRate()
        found: list[tuple[float, RtcpFeedback, float]] = []
        free_s = newest_s = reported_s = 0.0
        sent = lost = 0
        for number, size in enumerate(sizes):
            now_s = number / FPS
            rate.put(number * CLOCK_HZ // FPS, size)
            for begin in range(0, size, PACKET_BYTES):
                sent += 1
                if free_s - now_s > self.queue_s:
                    lost += 1
                    continue
                part = min(PACKET_BYTES, size - begin)
                free_s = max(free_s, now_s) + 8 * part / self.bits_per_s(now_s)
                newest_s = max(newest_s, free_s + DELAY_S + self.more_delay_s(now_s))
                stamp = int(now_s * (1 << 18)) & 0xFFFFFF
                estimate = browser.add(int(newest_s * 1000), stamp, part, 1)
                if estimate is not None:
                    feedback = RtcpFeedback(estimate_bits_per_s=estimate[0])
                    found.append((newest_s + DELAY_S, feedback, rate.bits_per_s))
            if now_s - reported_s >= REPORT_EVERY_S:
                reported_s = now_s
                report = ReceiverReport(lost, 1000 + sent, 0, 0, 0.0)
                found.append((now_s + 2 * DELAY_S, RtcpFeedback(report=report), rate.bits_per_s))
        return found


def pictures(
    seconds: float,
    gop_s: float,
    keyframe_bytes: int,
    still_bytes: int,
    moving_bytes: int = 0,
    moves: Callable[[float], bool] = lambda _: False,
    phase: int = 0,
) -> list[int]:
    """Return the sizes of pictures in bytes. The first keyframe is that of number `-phase`."""
    gop = round(gop_s * FPS)
    return [
        keyframe_bytes
        if (number + phase) % gop == 0
        else (moving_bytes if moves(number / FPS) else still_bytes)
        for number in range(round(seconds * FPS))
    ]


def mean_bits_per_s(sizes: Sequence[int]) -> float:
    return 8 * sum(sizes) * FPS / len(sizes)
