"""The protocol that decides which packets of a checkpoint camera are decoded.

Three objects take part, in two threads:

- `DecodeGate` implements the protocol. It runs in the thread that pulls the camera. It decides for
  each packet whether the decoder gets it now, later in a burst, or never.
- `FrameReader` decodes the packets that the gate puts into the decoder's tap. It runs in the
  analysis thread. It asks the gate which of them it may skip, and how long it may wait.
- `CheckpointLoop` requests one frame at a time from the reader, analyses it in the same thread, and
  reports the result to the gate.

The order of the calls is:

1. The pull thread calls `DecodeGate.put` for each packet. An open gate puts the packet into the
   tap. A gate that opens first sets `burst`, then clears `is_closed`, and then puts the packets
   that it held.
2. The analysis thread requests a frame. The reader takes all packets from the tap, and waits for
   them longer while `expects_nothing` is set. It asks `quiet_until_ns` before it decodes a packet,
   and reads `burst` for each decoded picture.
3. The loop analyses the frame. It calls `on_appeared` if the frame shows the first object in view,
   and then `on_analysed`. If no packet arrives, it calls `on_analysed` alone.
4. The gate evaluates both reports at the next packet. It closes only if nothing was in view.

The pull loop reads a camera at each tick while its gate is open, and at longer intervals while it
is closed. It asks the gate after each read, so a gate that opens or closes calls nothing.

No method waits, blocks or raises. Each value is written by one thread and replaced as a whole, so
the other thread needs no lock. Frames are requested until the tap is closed and empty.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Burst(NamedTuple):
    """The wall times of the packets that a gate last released together.

    Frames before `from_ns` are decoded only because later ones build on them. Frames up to `to_ns`
    are analysed although they are late.
    """

    from_ns: int = 0
    to_ns: int = 0


class DecodeControl(Protocol):
    """The decisions of a decode gate, and what it must know for them.

    The module describes the order of the calls.
    """

    @property
    def is_closed(self) -> bool:
        """Whether packets are held. The pull thread writes it, and the pull loop reads it."""

    @property
    def expects_nothing(self) -> bool:
        """Whether packets are held and nothing is in view, so that the reader may wait longer."""

    @property
    def burst(self) -> Burst:
        """The last packets that the gate released together.

        The pull thread writes it before it puts those packets into the tap.
        """

    @property
    def undecided_from_ns(self) -> int | None:
        """The time from which held packets may still be decoded: the start of their group, or the
        end of its last half second without motion. None if none are held so.

        The loop reads it in the analysis thread after a wait without frames.
        """

    @property
    def group_ns(self) -> int:
        """The length of the last whole group of pictures, or 0 if there was none.

        The reader reads it in the analysis thread.
        """

    def quiet_until_ns(self, wall_ns: int, /) -> int:
        """Return until when nothing moves from `wall_ns` on, or 0 if something may.

        The reader calls it in the analysis thread, to catch up if it is late. It skips packets
        before the last keyframe within that time.
        """

    def skipped_from_ns(self, wall_ns: int, /) -> int | None:
        """Return since when the packets directly before the one of `wall_ns` were held, or did not
        arrive. Return None if it follows the packet before it in the tap.

        The reader calls it in the analysis thread, for a keyframe after it skipped the rest of a
        group, or after a loss. What was held showed no motion, or the gate reports it.
        """

    def on_appeared(self, wall_ns: int, /) -> None:
        """Report that the frame of `wall_ns` shows an object, and the one before showed none.

        The loop calls it in the analysis thread. The packets of that time should have shown
        motion; if they did not, the gate stays open for some minutes.
        """

    def on_analysed(self, *, is_in_view: bool) -> None:
        """Report after each frame, or after a wait without one, whether an object is in view.

        The loop calls it in the analysis thread. The gate stays open before the first call.
        """


class DecodeEverything:
    """Controls a reader without a gate: every packet of its tap is decoded."""

    is_closed = False
    expects_nothing = False
    burst = Burst()
    undecided_from_ns: int | None = None
    group_ns = 0

    def quiet_until_ns(self, wall_ns: int, /) -> int:
        """Return 0, because no interval is known to be quiet."""
        return 0

    def skipped_from_ns(self, wall_ns: int, /) -> int | None:
        """Return None, because no packet is held."""
        return None

    def on_appeared(self, wall_ns: int, /) -> None:
        """Ignore the report: no packet is held."""

    def on_analysed(self, *, is_in_view: bool) -> None:
        """Ignore the report: no packet is held."""
