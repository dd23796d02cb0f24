"""Where the segments of a range lie, over nodes and the object store, and their bytes from
there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from api.access.api_context import ApiContext
from api.cameras.coverage import holders
from domain.errors import NodeOffline, NotFound, ObjectsUnavailable
from domain.media.packets import SegmentName
from domain.paths.object_keys import segment_object
from storage.clients.s3 import ObjectStore
from storage.mp4.fragment_times import Head, head_of
from storage.recordings.cut_plan import plan
from storage.recordings.ledger import Segment, parse_segment
from storage.recordings.served_segments import Keyframes, keyframes_in, said_of_head
from storage.site.leases import Lease

_FIRST_BYTES = 64 << 10
_HEADS_KNOWN = 20_000
OBJECTS = "objects"
"""How the object store is named among those that do not answer."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Located:
    """A segment, and who has it: a node, or (`lease` is None) the object store."""

    segment: Segment
    lease: Lease | None
    head: str
    mime: str
    size_bytes: int

    @property
    def name(self) -> str:
        return self.segment.path.name

    @property
    def end_ns(self) -> int:
        assert self.segment.end_ns is not None
        return self.segment.end_ns


@dataclass(frozen=True, slots=True)
class LocatedSegments:
    segments: tuple[Located, ...]
    """Those that answer for some moment of the range, by start."""
    offline: tuple[str, ...]


def offline_header(offline: Sequence[str]) -> dict[str, str]:
    return {"Sightline-Offline": ", ".join(offline) or "none"}


def with_segments(
    context: ApiContext, camera_id: str, span: tuple[int, int], use: Callable[[LocatedSegments], T]
) -> T:
    """What `use` makes of the segments of [from, to). Where somebody who has some goes away
    meanwhile, of those that the others have.

    Raises NodeOffline where nobody is left who has any.
    """
    gone: tuple[str, ...] = ()
    while True:
        found = locate(context, camera_id, *span, gone)
        try:
            return use(found)
        except (NodeOffline, ObjectsUnavailable) as error:
            if unresponsive_source(error) in ("", *gone):
                raise
            gone = (*gone, unresponsive_source(error))


def unresponsive_source(error: NodeOffline | ObjectsUnavailable) -> str:
    return error.node if isinstance(error, NodeOffline) else OBJECTS


def locate(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int, gone: Collection[str] = ()
) -> LocatedSegments:
    """The segments of a range; of `gone` it is known that they do not answer.

    Raises NodeOffline where there is none and somebody who may have one does not answer.
    """
    found: dict[tuple[int, int], Located] = {}
    offline: list[str] = []
    for source in _sources(context, camera_id, from_ns, to_ns):
        if source.name in gone:
            offline.append(source.name)
            continue
        try:
            found = {(one.segment.start_ns, one.segment.fence): one for one in source.ask()} | found
        except (NodeOffline, ObjectsUnavailable):
            offline += [source.name] if source.may_have_recordings else []
    pieces = plan([one.segment for one in found.values()], from_ns, to_ns)
    used = dict.fromkeys((piece.segment.start_ns, piece.segment.fence) for piece in pieces)
    if not used and offline:
        raise NodeOffline(
            f"{' and '.join(offline)}, which may have recordings of {camera_id}, does not answer"
        )
    return LocatedSegments(tuple(found[key] for key in used), tuple(offline))


def segment_bytes(context: ApiContext, one: Located) -> bytes:
    """All of a segment that can be read. Raises NotFound where it went meanwhile."""
    if one.lease is not None:
        return context.node_client.segment(
            one.lease.node_api_url, one.lease.node, one.segment.camera_id, one.name
        )
    return context.objects.get(_key(one.name))


def segment_keyframes(
    context: ApiContext, one: Located, span: tuple[int, int], every_ns: int
) -> tuple[Head, Keyframes]:
    """The keyframes of a segment within [from, to), and its head. A node reads those alone;
    from the store all is read.
    """
    if one.lease is not None:
        return context.node_client.keyframes(
            one.lease.node_api_url, one.lease.node, one.segment.camera_id, one.name, span, every_ns
        )
    data = segment_bytes(context, one)
    return head_of(data), keyframes_in(io.BytesIO(data), one.segment.start_ns, span, every_ns)


def fetch(context: ApiContext, camera_id: str, name: str) -> tuple[Located, bytes]:
    """The segment of that name, and all of it that can be read. Raises NotFound."""
    asked = parse_segment(Path(name))
    if asked is None or asked.camera_id != camera_id:
        raise NotFound(
            f"{name[:80]!r} is no segment of {camera_id}; use the addresses of a playlist as "
            "they came"
        )

    def use(found: LocatedSegments) -> tuple[Located, bytes]:
        for one in found.segments:
            if (one.segment.start_ns, one.segment.fence) == (asked.start_ns, asked.fence):
                return one, segment_bytes(context, one)
        raise NotFound(f"{name[:80]} is not here any more")

    return with_segments(context, camera_id, (asked.start_ns, asked.start_ns + 1), use)


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    may_have_recordings: bool
    """Whether its silence counts."""
    ask: Callable[[], Sequence[Located]]


def _sources(context: ApiContext, camera_id: str, from_ns: int, to_ns: int) -> Sequence[_Source]:
    """Whom to ask; what several have is taken from the one asked first."""

    def of_node(lease: Lease) -> Sequence[Located]:
        told = context.node_client.segments(
            lease.node_api_url, lease.node, camera_id, from_ns, to_ns
        )
        return [
            _located(one.name, one.end_ns, lease, (one.head, one.mime), one.size_bytes)
            for one in told
        ]

    def of_store() -> Sequence[Located]:
        return [
            _located(
                one.name.file_name,
                one.end_ns,
                None,
                _stored_head(context.objects, one.name),
                one.size_bytes,
            )
            for one in context.stored.between(camera_id, from_ns, to_ns)
        ]

    nodes = [
        _Source(one.lease.node, one.may_have_recordings, partial(of_node, one.lease))
        for one in holders(context, camera_id, from_ns)
    ]
    return [*nodes, _Source(OBJECTS, True, of_store)]


def _located(
    name: str, end_ns: int, lease: Lease | None, head: tuple[str, str], size_bytes: int
) -> Located:
    segment = parse_segment(Path(name))
    if segment is None:
        raise NodeOffline(f"{name[:80]!r} is no segment; is the node of another version?")
    return Located(
        Segment(segment.path, segment.camera_id, segment.start_ns, end_ns, segment.fence),
        lease,
        *head,
        size_bytes,
    )


def _key(name: str) -> str:
    parsed = SegmentName.parse(name)
    if parsed is None:
        raise NotFound(f"{name[:80]} is not in the object store")
    return segment_object(parsed)


@lru_cache(_HEADS_KNOWN)
def _stored_head(objects: ObjectStore, name: SegmentName) -> tuple[str, str]:
    """A segment never changes once it is stored, so each is asked once."""
    stream = objects.read(segment_object(name), 0, _FIRST_BYTES)
    try:
        return said_of_head(head_of(b"".join(stream)).data)
    finally:
        stream.close()
