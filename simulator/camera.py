"""The description of a simulated camera: its file, its playback, and its faults over time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")
Seconds = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=_STRICT)
class Stall:
    """Silence: nothing is sent for `for_s`; the stream then goes on at its next keyframe."""

    at_s: Seconds
    for_s: Seconds
    kind: Literal["stall"] = "stall"


@dataclass(frozen=True, config=_STRICT)
class ConnectionCut:
    """Every connection that is playing is closed without a word."""

    at_s: Seconds
    kind: Literal["cut"] = "cut"


@dataclass(frozen=True, config=_STRICT)
class Jump:
    """RTP timestamps jump by `by_s` (negative: back), and sender reports with them."""

    at_s: Seconds
    by_s: float
    kind: Literal["jump"] = "jump"


@dataclass(frozen=True, config=_STRICT)
class PacketLoss:
    """One in `one_in` RTP packets is lost for `for_s`, by chance from `seed`; their sequence
    numbers are missing.
    """

    at_s: Seconds
    for_s: Seconds
    one_in: Annotated[int, Field(ge=1)]
    seed: int = 0
    kind: Literal["loss"] = "loss"


@dataclass(frozen=True, config=_STRICT)
class CodecChange:
    """The stream goes over to another file. A change of codec ends connections, since the
    session description no longer holds.
    """

    at_s: Seconds
    file: Path
    kind: Literal["codec_change"] = "codec_change"


@dataclass(frozen=True, config=_STRICT)
class NewPassword:
    """The camera's credentials change; who plays goes on, who comes needs the new ones."""

    at_s: Seconds
    user: str
    password: str
    kind: Literal["new_password"] = "new_password"


@dataclass(frozen=True, config=_STRICT)
class NoVideo:
    """The session description offers sound alone."""

    at_s: Seconds = 0.0
    for_s: Seconds = float("inf")
    kind: Literal["no_video"] = "no_video"


@dataclass(frozen=True, config=_STRICT)
class Refuse:
    """Requests are answered 503; who plays goes on."""

    at_s: Seconds = 0.0
    for_s: Seconds = float("inf")
    kind: Literal["refuse"] = "refuse"


Fault = Annotated[
    Stall | ConnectionCut | Jump | PacketLoss | CodecChange | NewPassword | NoVideo | Refuse,
    Field(discriminator="kind"),
]
Mode = Literal["live", "on_first_play", "on_play"]


@dataclass(frozen=True, config=_STRICT)
class SimCamera:
    """One camera. Its stream's time begins with the simulator (`live`), with the first PLAY
    (`on_first_play`), or with each (`on_play`).

    The first two run on whether anyone watches or not, as cameras do: a client joins in the middle.
    """

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]
    file: Path
    mode: Mode = "live"
    loop: bool = True
    user: str | None = None
    password: str | None = None
    faults: tuple[Fault, ...] = ()
    join: Literal["next", "held"] = "next"
    """Where a client that joins in the middle starts: at the next keyframe, or in a burst from
    the last one.
    """
    sound: Literal["pcma", "pcmu", "aac"] | None = None
    """The codec of a tone that the camera sends with its video, without faults."""
    phase_s: Seconds = 0.0
    """Where in the file the stream begins; cameras of one file with other phases see the same
    things at other times.
    """
