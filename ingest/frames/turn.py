"""The protocol by which a camera's reader decodes in turns with the other cameras of its worker."""

from __future__ import annotations

from typing import Protocol


class DecodeTurn(Protocol):
    """The turns of one camera. Its analysis thread calls both methods. Neither raises."""

    def begin(self) -> None:
        """Wait until the camera may decode its next packet.

        The reader calls it before each packet. A camera that has a turn keeps it for a while.
        """

    def end(self) -> None:
        """Let another camera decode. Without a turn it does nothing."""


class DecodeAnyTime:
    """The turns of a camera that shares its cores with no other."""

    def begin(self) -> None:
        """Return at once."""

    def end(self) -> None:
        """Do nothing."""
