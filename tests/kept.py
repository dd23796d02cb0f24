"""Material for tests of storage: events, passings, short recordings, and a relay that cuts a
store off.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S, Clock, ManualClock
from domain.events.event import (
    Alternative,
    Direction,
    Event,
    Kind,
    Location,
    Passing,
    Plate,
    Sidecar,
)
from domain.paths.data_layout import Layout
from domain.paths.object_keys import SIDECAR, event_object
from domain.paths.segment_name import SegmentName
from domain.plates import PlateColor
from domain.settings import Settings
from domain.ulid import event_id
from storage.check import check
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import DamagedObjects
from storage.events.event_clips import EventClips
from storage.events.feed import Feed
from storage.events.journal import Journal
from storage.events.publish_steps import PublishedCameras, PublishTargets
from storage.events.publisher import EventPublisher
from storage.events.spool import Spool
from storage.index.event_index import EventIndex
from storage.recordings.ledger import Ledger
from storage.recordings.virtual.layouts import RecordingIndex

START_NS = 1_760_000_000 * NS_PER_S
FPS = 10
SETTINGS = Settings(clip_before_s=2, clip_after_s=2)
_AREAS = {"gate": "dan/jun", "bridge": "dan/jun/south", "shop": "shi"}


def make_event(
    camera: str = "gate",
    after_s: float = 0.0,
    lasts_s: float = 1.0,
    plate: str | None = "鄂C12345",
    alternatives: tuple[tuple[str, float], ...] = (),
    color: PlateColor = PlateColor.BLUE,
    confidence: float = 0.9,
    class_: str = "A",
    key: str = "1",
    way: tuple[Direction, int, tuple[int, ...]] = ("", 0, ()),
) -> Event:
    """An event `after_s` after START_NS; of a face where `plate` is None. `way`: direction,
    lane and count lines crossed.
    """
    kind: Kind = "face" if plate is None else "vehicle"
    started = START_NS + round(after_s * 1000) * NS_PER_MS
    others = tuple(Alternative(text=text, confidence=share) for text, share in alternatives)
    return Event.model_validate(
        {
            "id": event_id(camera, kind, started, key),
            "kind": kind,
            "camera": camera,
            "class": class_,
            "area": _AREAS[camera],
            "location": Location(lon=111.5, lat=32.5),
            "started_at": started,
            "best_at": started,
            "ended_at": started + round(lasts_s * NS_PER_S),
            "confidence": confidence,
            "box": (0.1, 0.2, 0.3, 0.4),
            "direction": way[0],
            "lane": way[1],
            "crossed": way[2],
            "plate": None
            if plate is None
            else Plate(text=plate, color=color, confidence=0.9, alternatives=others),
        }
    )


def make_passing(event: Event, pictures: bytes = b"") -> Passing:
    return Passing(
        event,
        b"\xff\xd8 snapshot " + event.id.encode() + pictures,
        b"\xff\xd8 crop " + event.id.encode() + pictures,
    )


def record(
    recordings: Path, camera: str, start_ns: int, seconds: int, segment_s: int = 5, fence: int = 1
) -> None:
    """A recording of `camera` in finished segments, as the recorder leaves them."""
    for at_s in range(0, seconds, segment_s):
        length_s = min(segment_s, seconds - at_s)
        name = SegmentName(camera, start_ns // NS_PER_MS + at_s * 1000, length_s * 1000, fence)
        folder = recordings / camera / "20251009"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name.file_name).write_bytes(_fragmented(length_s))


@cache
def _fragmented(seconds: int) -> bytes:
    """A fragmented MP4 of that length with a keyframe a second."""
    out = BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(out, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        stream.options = {
            "preset": "ultrafast",
            "g": str(FPS),
            "x264-params": f"keyint={FPS}:scenecut=0:bframes=0",
        }
        for number in range(seconds * FPS):
            grey = np.full((48, 64, 3), number * 7 % 256, np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, format="rgb24")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return out.getvalue()


class Site:
    """One worker's storage; `restart` is what is left when its process dies: the disk and the
    stores.
    """

    def __init__(
        self, redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock
    ) -> None:
        self.redis, self.objects, self.layout, self.clock = redis, objects, layout, clock
        self.recorded_until: int | None = START_NS + NS_PER_HOUR
        self.is_behind = False
        self.spool = Spool(layout, clock)
        self.journal = Journal(layout.journal, clock)
        self.publisher = self.restart()

    def restart(self) -> EventPublisher:
        ids = ["gate", "bridge", "shop"]
        cameras = PublishedCameras(
            lambda: ids, lambda camera: self.recorded_until, lambda: self.is_behind
        )
        self.publisher = self.publisher_to(self.redis, self.objects, cameras, self.clock)
        return self.publisher

    def publisher_to(
        self, redis: Redis, objects: ObjectStore, cameras: PublishedCameras, clock: Clock
    ) -> EventPublisher:
        """Return a publisher of the spool of this site."""
        clips = EventClips(
            Ledger(self.layout.recordings),
            RecordingIndex(self.layout.recording_index),
            objects,
            DamagedObjects(redis, clock),
            clock,
        )
        targets = PublishTargets(EventIndex(redis), Feed(redis, 1000), objects, self.journal)
        return EventPublisher(self.spool, targets, clips, cameras, SETTINGS, clock)

    def put(self, event: Event, pictures: bytes = b"") -> Passing:
        passing = make_passing(event, pictures)
        self.spool.put(passing)
        return passing

    def row(self, event: Event) -> Event | None:
        return EventIndex(self.redis).get(event.id)

    def sidecar(self, event: Event) -> Sidecar:
        return Sidecar.model_validate_json(
            self.objects.get(event_object(event.camera, event.id, SIDECAR))
        )

    def assert_clean(self, *events: Event, deep: bool = True) -> None:
        assert self.spool.pending(self.spool.cameras()) == []
        assert check(self.objects, self.redis, self.layout, deep=deep) == []
        assert EventIndex(self.redis).count() == len(events)


class Relay:
    """A TCP relay to a real store: `cut` makes the store unreachable, `mend` brings it back, as
    a pulled cable would.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        for end in [listener, *self._ends]:
            if end is not None:
                _shut(end)
        for thread in self._threads:
            thread.join(5)
        self._ends, self._threads = [], []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._ends += [near, far]
            self._start(_pump, near, far)
            self._start(_pump, far, near)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # cut
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(source)
    _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        end.shutdown(socket.SHUT_RDWR)
    end.close()
