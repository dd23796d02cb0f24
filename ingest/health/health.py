"""How a camera is, in states that an operator understands, each with since when and why. Pure: fed
with facts and their moments.

Of the states of a camera whose packets come, the one that asks for more is shown: no keyframes or
no parameter sets (nothing can be recorded), then undecodable or frozen pictures (they are recorded,
and show nothing), then a wrong clock (the camera is live and recorded, under our time), then
keyframes that are far apart (it is live and recorded, and viewers wait), then live. A camera that
failed stays in the state that it failed in until its video comes again: trying again is no news.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S, S_PER_DAY
from domain.errors import SourceError
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import FreezeDetection, Moment

NO_KEYFRAME_S = 20.0
"""How long a keyframe may take. Packets before the first are of no use; those after one are
recorded.
"""
CLOCK_WRONG_NS = 5 * NS_PER_S
"""A camera's clock this far from ours is wrong: its times are then not believed
(`timeline.TRUST_NS`).
"""
CLOCK_RIGHT_NS = 4 * NS_PER_S
"""It is right again below this, so that one at the border does not go to and fro."""


_SET_GOP = "set the camera's keyframe interval (GOP) to 1 to 4 s"
_UNDECODABLE = (
    "none of the camera's pictures can be decoded: they are recorded as they come; "
    "restart the camera, look for loss on the way, and turn off encryption or a vendor's own coding"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it is now. Times are nanoseconds of the moments that the facts came with; 0 means
    never.
    """

    state: CameraState
    since_ns: int
    last_error: str = ""
    """The last there was, also after the camera is well again."""
    why: Why = Why.NONE
    last_error_ns: int = 0


class CameraHealth:
    """One camera's, over all its connections. The facts come from the thread that pulls;
    `standing` may be asked from any.
    """

    def __init__(self, now: Moment, failures: DecodeFailures | None = None) -> None:
        """`failures` are those of the camera's decoder, where it has one."""
        self._failures = failures or DecodeFailures()
        self._base = Standing(CameraState.CONNECTING, now.ns)
        """What connections say; the rest comes from what they give."""
        self._is_open = False
        self._gives = False
        self._keyframe = now
        """The last one of this connection, or the connection's begin."""
        self._has_keyframe = False
        self._unreadable_keyframes = 0
        """Keyframes of this connection of which no size can be known."""
        self._lacking_sets = ""
        self._interval_s = 0.0
        """Between the last two keyframes, where it was too long."""
        self._sparse_ns = 0
        """Since when keyframes have been too far apart; 0 while they are not."""
        self._keyframes_back_ns = 0
        self._still = FreezeDetection()
        self._skew_ns: int | None = None
        self._wrong_ns = 0
        self._right_ns = 0

    @property
    def skew_ns(self) -> int | None:
        """The camera's clock less ours, as this connection last reported it."""
        return self._skew_ns

    def connecting(self, now: Moment) -> None:
        """A connection begins."""
        self._is_open, self._gives, self._has_keyframe = True, False, False
        self._unreadable_keyframes, self._interval_s, self._sparse_ns = 0, 0.0, 0
        self._keyframe, self._still = now, FreezeDetection()
        self._skew_ns, self._wrong_ns, self._right_ns = None, 0, 0

    def unusable(self, unreadable_keyframes: int = 0, lacking_sets: str = "") -> None:
        """Packets come, and no keyframe of use has come before them.

        `unreadable_keyframes` of them are keyframes whose parameter sets do not tell their size;
        `lacking_sets` names the parameter sets that have not come.
        """
        self._gives = True
        self._unreadable_keyframes, self._lacking_sets = unreadable_keyframes, lacking_sets

    def keyframe(self, codec: str, data: bytes, packets: int, size_bytes: int, now: Moment) -> None:
        """A keyframe came; `packets` and `size_bytes` count what this connection gave before it."""
        self._measure_interval(now)
        self._gives, self._has_keyframe, self._keyframe = True, True, now
        if self._base.state is not CameraState.LIVE:
            self._enter(CameraState.LIVE, now)
        self._still.keyframe(codec, data, packets, size_bytes, now)

    def _measure_interval(self, now: Moment) -> None:
        interval_s = now.s - self._keyframe.s
        if interval_s <= NO_KEYFRAME_S:
            if self._sparse_ns:
                self._sparse_ns, self._keyframes_back_ns = 0, now.ns
        elif self._has_keyframe:
            self._interval_s = interval_s
            self._sparse_ns = self._sparse_ns or self._late_ns
        elif self._gives:
            self._keyframes_back_ns = now.ns

    @property
    def _late_ns(self) -> int:
        """When the next keyframe was due."""
        return self._keyframe.ns + round(NO_KEYFRAME_S * NS_PER_S)

    def skewed(self, skew_ns: int, now: Moment) -> None:
        """By its reports the camera's clock is `skew_ns` ahead of ours."""
        self._skew_ns = skew_ns
        if not self._wrong_ns and abs(skew_ns) > CLOCK_WRONG_NS:
            self._wrong_ns = now.ns
        elif self._wrong_ns and abs(skew_ns) < CLOCK_RIGHT_NS:
            self._wrong_ns, self._right_ns = 0, now.ns

    def clock_stepped(self, sentence: str, now: Moment) -> None:
        """This node's clock was set: no fault of the camera, but whoever wonders at its times
        must find it.
        """
        base = self._base
        self._base = Standing(base.state, base.since_ns, sentence, Why.CLOCK_STEPPED, now.ns)

    def failed(self, error: SourceError, now: Moment) -> None:
        """The connection ended so, or could not be made."""
        self.closed()
        self._base = Standing(self._base.state, self._base.since_ns, str(error), error.why, now.ns)
        self._enter(error.state, now)

    def closed(self) -> None:
        """The connection is over, by whose wish ever."""
        self._is_open = False

    def idle(self, now: Moment) -> None:
        """Nobody wants the camera."""
        self.closed()
        self._enter(CameraState.IDLE, now)

    def wanted(self, now: Moment) -> None:
        """Somebody wants it again."""
        if self._base.state is CameraState.IDLE:
            self._enter(CameraState.CONNECTING, now)

    def standing(self, now: Moment) -> Standing:
        """Changes nothing."""
        is_late = self._is_open and self._gives and now.s - self._keyframe.s > NO_KEYFRAME_S
        if is_late and not self._has_keyframe:
            return self._without_keyframes()
        if self._base.state is not CameraState.LIVE:
            return self._base
        failing = self._failures.since(now)
        if failing is not None:
            return _fault(CameraState.UNDECODABLE, failing.ns, _UNDECODABLE, Why.UNDECODABLE)
        if self._still.since is not None:
            sentence = (
                "the picture does not change at all, not even by noise: the camera's "
                "sensor or encoder may hang; restart it"
            )
            return _fault(CameraState.FROZEN, self._still.since.ns, sentence, Why.FROZEN)
        if self._wrong_ns and self._skew_ns is not None:
            sentence = (
                f"the camera's clock is {_lead(self._skew_ns)} this node's: recorded under "
                "the node's time; turn on the camera's NTP"
            )
            return _fault(
                CameraState.CLOCK_WRONG, max(self._wrong_ns, self._live_ns), sentence, Why.CLOCK
            )
        if is_late or (self._is_open and self._sparse_ns):
            apart = (
                f"{self._interval_s:.0f} s" if self._sparse_ns else f"more than {NO_KEYFRAME_S:g} s"
            )
            sentence = (
                f"keyframes are {apart} apart: the live view and clips start that late; {_SET_GOP}"
            )
            return _fault(
                CameraState.SPARSE_KEYFRAMES,
                max(self._sparse_ns or self._late_ns, self._live_ns),
                sentence,
                Why.SPARSE_KEYFRAMES,
            )
        base = self._base
        return Standing(
            base.state,
            max(self._live_ns, self._right_ns),
            base.last_error,
            base.why,
            base.last_error_ns,
        )

    def _without_keyframes(self) -> Standing:
        """No keyframe of use has come in this connection, and none is to be waited for."""
        if not self._unreadable_keyframes:
            sentence = f"no keyframe came for {NO_KEYFRAME_S:g} s; {_SET_GOP}"
            return _fault(CameraState.NO_KEYFRAMES, self._late_ns, sentence, Why.NO_KEYFRAMES)
        if self._lacking_sets:
            fault = (
                f"keyframes come without their parameter sets ({self._lacking_sets} are "
                "neither in the description nor in the stream)"
            )
            advice = (
                "have the camera send them with each keyframe; restart it or update its firmware"
            )
        else:
            fault = "the parameter sets of the camera's keyframes cannot be read"
            advice = "set another profile or resolution, or update its firmware"
        return _fault(
            CameraState.NO_PARAMETER_SETS,
            self._late_ns,
            f"{fault}: {advice}",
            Why.NO_PARAMETER_SETS,
        )

    @property
    def _live_ns(self) -> int:
        """Since when pictures have come and changed."""
        moved_ns = 0 if self._still.ended is None else self._still.ended.ns
        return max(self._base.since_ns, self._keyframes_back_ns, moved_ns)

    def _enter(self, state: CameraState, now: Moment) -> None:
        """Since when moves only where the state changes."""
        base = self._base
        since_ns = base.since_ns if base.state is state else now.ns
        self._base = Standing(state, since_ns, base.last_error, base.why, base.last_error_ns)


def _fault(state: CameraState, since_ns: int, sentence: str, why: Why) -> Standing:
    return Standing(state, since_ns, sentence, why, since_ns)


def _lead(skew_ns: int) -> str:
    """The skew in words: `2 h 3 min ahead of`."""
    seconds = abs(skew_ns) // NS_PER_S
    days, hours, minutes = seconds // S_PER_DAY, seconds // 3600 % 24, seconds // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s"))
    told = [f"{number} {unit}" for number, unit in parts if number][:2]
    return f"{' '.join(told)} {'ahead of' if skew_ns > 0 else 'behind'}"
