"""What the node's door works with. The composer makes it; its routes get it as `Door`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Query, Request

from api.requests.send_limits import LeastRate
from domain.camera_states import CameraStatus
from domain.clock import LATEST_NS, Clock
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog


@dataclass(frozen=True, slots=True)
class NodeApiContext:
    """What a door works with. The composer makes it.

    `picture`, of a camera or (where True) of its sub-stream, raises NotFound or a SourceError where
    a camera gives none.
    """

    key: bytes
    spool: Spool
    ledger: Ledger
    gaps: GapLog
    statuses: Callable[[], Sequence[CameraStatus]]
    picture: Callable[[str, bool], bytes]
    scratch: Path
    """A folder for recordings being cut; emptied at start."""
    clock: Clock
    triggers: TriggerLog
    least_rate: LeastRate = field(default_factory=LeastRate)


async def _context(request: Request) -> NodeApiContext:
    return cast(NodeApiContext, request.app.state.context)


Door = Annotated[NodeApiContext, Depends(_context)]
FromNs = Annotated[int, Query(ge=0, le=LATEST_NS)]
ToNs = Annotated[int, Query(ge=0, le=LATEST_NS)]
