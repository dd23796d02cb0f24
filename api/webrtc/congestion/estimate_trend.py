"""Follows the estimates of one viewer (REMB), and says whether they show that delays grow. Pure."""

from __future__ import annotations

FALLEN_PART = 0.97
"""An estimate below this part of the former one has fallen. Chromium sends such a one at once."""
EARLY_S = 3.0
"""A browser estimates so early only if delays grow: Chromium waits for 5 s otherwise."""
RISING_S = 0.3
"""Estimates that rise for so long show that the delays do not grow any more."""
RECOVERED_PART = 1.15
"""An estimate above this part of the fallen one has recovered."""


class EstimateTrend:
    """The estimates of one viewer, and what they say of the delays.

    A browser knows only what it receives. Its estimate is at most 1.5 times that plus 10 kbit/s,
    and rises by 8 % a second at most. So the estimate is lower than the stream also on a wide path:
    after a still scene, for example. Only growing delays make it fall, to 0.85 of what is received,
    and it rises again when they have ended (Carlucci et al., "Analysis and Design of the Google
    Congestion Control for WebRTC", 2016; the same is in `aiortc.rate`).
    """

    def __init__(self) -> None:
        self._began_s: float | None = None
        """When the first feedback arrived."""
        self._former: float | None = None
        self._fallen: float | None = None
        """The estimate that fell last; None if there is none, or if it has recovered."""
        self._not_rising_s = 0.0
        """When an estimate was last not higher than the former one."""
        self._is_rising = False

    @property
    def has_fallen(self) -> bool:
        """Whether delays grew, and the estimate has not recovered since."""
        return self._fallen is not None

    @property
    def is_held_down(self) -> bool:
        """Whether delays grew, and the estimate does not rise since."""
        return self.has_fallen and not self._is_rising

    def on_feedback(self, now_s: float) -> None:
        """Note that feedback of any kind arrived."""
        if self._began_s is None:
            self._began_s = now_s

    def put(self, bits_per_s: float, now_s: float) -> None:
        """Add the next estimate."""
        self.on_feedback(now_s)
        has_fallen = self._falls(bits_per_s, now_s)
        if has_fallen or self._former is None or bits_per_s <= self._former:
            self._not_rising_s = now_s
        self._is_rising = now_s - self._not_rising_s >= RISING_S
        self._former = bits_per_s
        if has_fallen:
            self._fallen = bits_per_s
        elif self._fallen is not None and bits_per_s > RECOVERED_PART * self._fallen:
            self._fallen = None

    def forget(self) -> None:
        """Forget former falls, because another stream is sent. The next estimate may fall again."""
        self._fallen = None

    def _falls(self, bits_per_s: float, now_s: float) -> bool:
        if self._former is not None:
            return bits_per_s < FALLEN_PART * self._former
        return self._began_s is not None and now_s - self._began_s < EARLY_S
