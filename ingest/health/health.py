"""Determines the state of a camera, with its time and its reason. Pure: it receives facts and their
times.

If several states apply to a camera that sends packets, the most serious one is shown. No keyframes
or no parameter sets come first, because nothing can be recorded. Undecodable and frozen pictures
follow, which are recorded but show nothing. Then come a wrong clock, for which this node's time is
used, and sparse keyframes, for which viewers wait. The last is live.

A camera that failed keeps its failed state until its video returns; a retry does not change it.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S, S_PER_DAY
from domain.errors import SourceError
from domain.messages.message import Message
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import FreezeDetection, Moment

NO_KEYFRAME_S = 20.0
"""The longest time until a keyframe. Packets before the first one are unusable; packets after one
are recorded.
"""
CLOCK_WRONG_NS = 5 * NS_PER_S
"""A camera's clock with a larger difference from this node's is wrong, and is not trusted
(`timeline.TRUST_NS`).
"""
CLOCK_RIGHT_NS = 4 * NS_PER_S
"""The clock is right again below this difference, which prevents frequent changes at the limit."""


_NO_ERROR = Message("")
_SET_GOP = Message("set the camera's keyframe interval (GOP) to 1 to 4 s")
_UNDECODABLE = Message(
    "none of the camera's pictures can be decoded: they are recorded as they come; "
    "restart the camera, look for loss on the way, and turn off encryption or a vendor's own coding"
)
_CLOCK_AHEAD = (
    "the camera's clock is {skew} ahead of this node's: recorded under the node's time; turn on "
    "the camera's NTP"
)
_CLOCK_BEHIND = (
    "the camera's clock is {skew} behind this node's: recorded under the node's time; turn on the "
    "camera's NTP"
)
_SPARSE = "keyframes are {interval_s} s apart: the live view and clips start that late; {advice}"
_LATE = (
    "keyframes are more than {interval_s} s apart: the live view and clips start that late; "
    "{advice}"
)


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """The state of a camera at one time. Times are the nanoseconds of the reported facts; 0 means
    never.
    """

    state: CameraState
    since_ns: int
    last_error: Message = _NO_ERROR
    """The last error, which remains after the camera has recovered."""
    why: Why = Why.NONE
    last_error_ns: int = 0


class CameraHealth:
    """The health of one camera over all its connections. The pull thread reports facts; any thread
    may call `status`.
    """

    def __init__(self, now: Moment, failures: DecodeFailures | None = None) -> None:
        """`failures` are those of the camera's decoder, if it has one."""
        self._failures = failures or DecodeFailures()
        self._base = HealthStatus(CameraState.CONNECTING, now.ns)
        """The state by the connections; other states follow from the received data."""
        self._is_open = False
        self._has_packets = False
        self._keyframe = now
        """The last keyframe of this connection, or its start."""
        self._has_keyframe = False
        self._unreadable_keyframes = 0
        """The number of keyframes of this connection whose picture size is unknown."""
        self._lacking_sets = ""
        self._interval_s = 0.0
        """The interval between the last two keyframes, if it was too long."""
        self._sparse_ns = 0
        """When keyframes became too sparse; 0 if they are not."""
        self._keyframes_back_ns = 0
        self._freeze = FreezeDetection()
        self._skew_ns: int | None = None
        self._wrong_ns = 0
        self._right_ns = 0

    @property
    def skew_ns(self) -> int | None:
        """The camera's clock minus this node's, as last reported in this connection."""
        return self._skew_ns

    def connecting(self, now: Moment) -> None:
        """Reset what is known of a connection, because a new one starts."""
        self._is_open, self._has_packets, self._has_keyframe = True, False, False
        self._unreadable_keyframes, self._interval_s, self._sparse_ns = 0, 0.0, 0
        self._keyframe, self._freeze = now, FreezeDetection()
        self._skew_ns, self._wrong_ns, self._right_ns = None, 0, 0

    def no_usable_keyframe(self, unreadable_keyframes: int = 0, lacking_sets: str = "") -> None:
        """Record that packets arrive before a usable keyframe.

        `unreadable_keyframes` is the number of keyframes whose parameter sets do not give their
        size. `lacking_sets` names the missing parameter sets.
        """
        self._has_packets = True
        self._unreadable_keyframes, self._lacking_sets = unreadable_keyframes, lacking_sets

    def keyframe(self, codec: str, data: bytes, packets: int, size_bytes: int, now: Moment) -> None:
        """Record a keyframe. `packets` and `size_bytes` count what this connection received before
        it.
        """
        self._measure_interval(now)
        self._has_packets, self._has_keyframe, self._keyframe = True, True, now
        if self._base.state is not CameraState.LIVE:
            self._enter(CameraState.LIVE, now)
        self._freeze.keyframe(codec, data, packets, size_bytes, now)

    def _measure_interval(self, now: Moment) -> None:
        interval_s = now.s - self._keyframe.s
        if interval_s <= NO_KEYFRAME_S:
            if self._sparse_ns:
                self._sparse_ns, self._keyframes_back_ns = 0, now.ns
        elif self._has_keyframe:
            self._interval_s = interval_s
            self._sparse_ns = self._sparse_ns or self._late_ns
        elif self._has_packets:
            self._keyframes_back_ns = now.ns

    @property
    def _late_ns(self) -> int:
        """When the next keyframe was due."""
        return self._keyframe.ns + round(NO_KEYFRAME_S * NS_PER_S)

    def skewed(self, skew_ns: int, now: Moment) -> None:
        """Record that the camera's clock is `skew_ns` ahead of this node's, by its sender
        reports.
        """
        self._skew_ns = skew_ns
        if not self._wrong_ns and abs(skew_ns) > CLOCK_WRONG_NS:
            self._wrong_ns = now.ns
        elif self._wrong_ns and abs(skew_ns) < CLOCK_RIGHT_NS:
            self._wrong_ns, self._right_ns = 0, now.ns

    def clock_stepped(self, sentence: Message, now: Moment) -> None:
        """Record that this node's clock was set. It is not a fault of the camera, but it explains
        the times of its recording.
        """
        base = self._base
        self._base = HealthStatus(base.state, base.since_ns, sentence, Why.CLOCK_STEPPED, now.ns)

    def failed(self, error: SourceError, now: Moment) -> None:
        """Record that the connection ended with `error`, or could not be made."""
        self.closed()
        self._base = HealthStatus(
            self._base.state, self._base.since_ns, error.message, error.why, now.ns
        )
        self._enter(error.state, now)

    def closed(self) -> None:
        """Record the end of the connection, whatever its reason."""
        self._is_open = False

    def idle(self, now: Moment) -> None:
        """Record that the camera is not requested."""
        self.closed()
        self._enter(CameraState.IDLE, now)

    def requested(self, now: Moment) -> None:
        """Record that the camera is requested again."""
        if self._base.state is CameraState.IDLE:
            self._enter(CameraState.CONNECTING, now)

    def status(self, now: Moment) -> HealthStatus:
        """Return the present state without changing anything."""
        is_late = self._is_open and self._has_packets and now.s - self._keyframe.s > NO_KEYFRAME_S
        if is_late and not self._has_keyframe:
            return self._without_keyframes()
        if self._base.state is not CameraState.LIVE:
            return self._base
        failing = self._failures.since(now)
        if failing is not None:
            return _fault(CameraState.UNDECODABLE, failing.ns, _UNDECODABLE, Why.UNDECODABLE)
        if self._freeze.since is not None:
            sentence = Message(
                "the picture does not change at all, not even by noise: the camera's "
                "sensor or encoder may hang; restart it"
            )
            return _fault(CameraState.FROZEN, self._freeze.since.ns, sentence, Why.FROZEN)
        if self._wrong_ns and self._skew_ns is not None:
            sentence = Message(
                _CLOCK_AHEAD if self._skew_ns > 0 else _CLOCK_BEHIND,
                skew=_skew_text(self._skew_ns),
            )
            return _fault(
                CameraState.CLOCK_WRONG, max(self._wrong_ns, self._live_ns), sentence, Why.CLOCK
            )
        if is_late or (self._is_open and self._sparse_ns):
            sentence = Message(
                _SPARSE if self._sparse_ns else _LATE,
                interval_s=round(self._interval_s) if self._sparse_ns else NO_KEYFRAME_S,
                advice=_SET_GOP,
            )
            return _fault(
                CameraState.SPARSE_KEYFRAMES,
                max(self._sparse_ns or self._late_ns, self._live_ns),
                sentence,
                Why.SPARSE_KEYFRAMES,
            )
        base = self._base
        return HealthStatus(
            base.state,
            max(self._live_ns, self._right_ns),
            base.last_error,
            base.why,
            base.last_error_ns,
        )

    def _without_keyframes(self) -> HealthStatus:
        """Return the state of a camera whose connection has had no usable keyframe in time."""
        if not self._unreadable_keyframes:
            sentence = Message(
                "no keyframe arrived for {silent_s} s; {advice}",
                silent_s=NO_KEYFRAME_S,
                advice=_SET_GOP,
            )
            return _fault(CameraState.NO_KEYFRAMES, self._late_ns, sentence, Why.NO_KEYFRAMES)
        if self._lacking_sets:
            sentence = Message(
                "keyframes come without their parameter sets ({lacking_sets} are neither in the "
                "description nor in the stream): have the camera send them with each keyframe; "
                "restart it or update its firmware",
                lacking_sets=self._lacking_sets,
            )
        else:
            sentence = Message(
                "the parameter sets of the camera's keyframes cannot be read: set another profile "
                "or resolution, or update its firmware"
            )
        return _fault(CameraState.NO_PARAMETER_SETS, self._late_ns, sentence, Why.NO_PARAMETER_SETS)

    @property
    def _live_ns(self) -> int:
        """The time since which pictures have arrived and changed."""
        moved_ns = 0 if self._freeze.ended is None else self._freeze.ended.ns
        return max(self._base.since_ns, self._keyframes_back_ns, moved_ns)

    def _enter(self, state: CameraState, now: Moment) -> None:
        """Set the state; its time changes only with the state."""
        base = self._base
        since_ns = base.since_ns if base.state is state else now.ns
        self._base = HealthStatus(state, since_ns, base.last_error, base.why, base.last_error_ns)


def _fault(state: CameraState, since_ns: int, sentence: Message, why: Why) -> HealthStatus:
    return HealthStatus(state, since_ns, sentence, why, since_ns)


def _skew_text(skew_ns: int) -> str:
    """Return the size of a skew, such as `2 h 3 min`."""
    seconds = abs(skew_ns) // NS_PER_S
    days, hours, minutes = seconds // S_PER_DAY, seconds // 3600 % 24, seconds // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s"))
    shown = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(shown)
