"""A site of two areas, `alpha` and `bravo`, in which every text of `bravo` is a secret."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.access.api_context import SiteRegistry
from api.cameras.recording_files import RecordingFiles
from api.exports.export_job import ExportJob
from domain.alarms import Alarm, AlarmName
from domain.camera_scope import CameraScope
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, rfc3339
from domain.errors import Fault
from domain.events.event import Event, Location, Plate
from domain.events.misreadings import MatchKind
from domain.events.watches import Watch, WatchMatch, match_id
from domain.messages.message import Message
from domain.paths.object_keys import (
    APPROVALS_PREFIX,
    CASES_PREFIX,
    EMERGENCIES_PREFIX,
    EXPORTS_PREFIX,
    HOLDS_PREFIX,
    PEOPLE_PREFIX,
    SAVED_VIEWS_PREFIX,
    WATCHES_PREFIX,
    dated_id,
)
from domain.people import Person, Right, Role
from domain.plates import PlateColor
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.holds import Hold
from domain.registry import Registry
from domain.registry.former import FormerCamera
from domain.ulid import event_id
from storage.archive.archiver import Archiver
from storage.exports.records import ExportRange, ExportRecord
from storage.recordings.gaps.log import GapLog
from storage.site.approvals import ApprovalRecord
from storage.site.holds import Holds
from storage.site.saved_views import SavedViewRecord
from storage.site.sessions import SignInMethod
from tests.api.site_data import record_segment
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

START_NS = 1_764_000_000 * NS_PER_S
SPAN = f"from={rfc3339(START_NS)}&to={rfc3339(START_NS + 600 * NS_PER_S)}"
SHARED_PLATE = "鄂A11111"
BRAVO_PLATE, BRAVO_CORRECTED = "京B77771", "京B77772"
BRAVO_TEXTS = (
    "bravo", "勇", "Bravo", BRAVO_PLATE, BRAVO_CORRECTED, "30.7123", "114.7", "10.99.", "B77",
)  # fmt: skip
"""Parts of every text of the area `bravo`. No answer to a person of `alpha` has any of them."""
OF_POLICY = (CASES_PREFIX, APPROVALS_PREFIX, EMERGENCIES_PREFIX)
Change = Callable[[Registry], Registry]


def _camera(camera_id: str, area: str, **changes: object) -> dict[str, object]:
    is_bravo = camera_id.startswith("bravo")
    return {
        "id": camera_id,
        "name": f"勇 {camera_id}" if is_bravo else camera_id,
        "class": "A",
        "area": area,
        "location": {"lon": 114.7 if is_bravo else 111.5, "lat": 30.7123 if is_bravo else 32.5},
        "url": f"rtsp://10.{99 if is_bravo else 1}.2.3:554/{camera_id}",
        "checkpoint": ["plate"],
    } | changes


REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {
            "alpha": {"name": "Alpha"},
            "alpha/east": {"name": "East"},
            "bravo": {"name": "Bravo"},
            "bravo/west": {"name": "Bravo West"},
        },
        "cameras": [
            _camera("alpha-gate", "alpha/east"),
            _camera("alpha-school", "alpha", **{"class": "B"}),
            _camera("bravo-gate", "bravo/west"),
            _camera("bravo-bridge", "bravo"),
        ],
    }
)
_GONE = Registry.model_validate(
    {
        "version": 1,
        "areas": {"bravo": {"name": "Bravo"}, "alpha": {"name": "Alpha"}},
        "cameras": [_camera("bravo-former", "bravo"), _camera("alpha-former", "alpha")],
    }
)
FORMER = {
    camera.id: FormerCamera(camera=camera, left_at=START_NS - NS_PER_S) for camera in _GONE.cameras
}


def event_of(camera_id: str, at_s: float, plate: str) -> Event:
    camera = REGISTRY.camera(camera_id) or FORMER[camera_id].camera
    at_ns = START_NS + round(at_s * 1000) * NS_PER_MS
    return Event.model_validate(
        {
            "id": event_id(camera_id, "vehicle", at_ns, "0"),
            "kind": "vehicle",
            "camera": camera_id,
            "class": camera.class_,
            "area": camera.area,
            "location": Location(lon=camera.location.lon, lat=camera.location.lat),
            "started_at": at_ns,
            "best_at": at_ns,
            "ended_at": at_ns + NS_PER_S,
            "plate": Plate(text=plate, color=PlateColor.BLUE, confidence=0.98),
            "confidence": 0.9,
            "box": (0.4, 0.6, 0.5, 0.7),
        }
    )


@dataclass(frozen=True, slots=True)
class TwoAreas:
    """The seeded site, with what `bravo` has."""

    site: Site
    alpha: str
    """The token of a person who may see `alpha` and has every right."""
    everyone: str
    """The token of a person with every right and no limit."""
    alpha_events: tuple[Event, ...]
    bravo_events: tuple[Event, ...]
    bravo_watch: str
    bravo_hold: str
    bravo_export: str
    bravo_saved_view: str
    bravo_segment: str
    bravo_session: str
    bravo_case: str
    bravo_approval: str
    bravo_emergency: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that only people of `bravo` may get."""
        ids = [event.id for event in self.bravo_events]
        others = (
            self.bravo_watch,
            self.bravo_hold,
            self.bravo_export,
            self.bravo_saved_view,
            self.bravo_segment,
            self.bravo_session,
        )
        of_policy = (self.bravo_case, self.bravo_approval, self.bravo_emergency)
        return (*BRAVO_TEXTS, *ids, *others, *of_policy)


@dataclass(slots=True)
class Running:
    """The registry that is in force, which a test may change."""

    registry: Registry = REGISTRY

    def now(self) -> SiteRegistry:
        fault = Fault("camera_registry.yaml", 1, 1, Message("bravo-gate: unknown key"))
        return SiteRegistry(self.registry, (fault,), FORMER)


def two_areas(open_site: OpenSite, *, is_archived: bool = False) -> tuple[TwoAreas, Running]:
    """Open a site and fill it: each kind of data exists in both areas."""
    running = Running()
    down = Message("{camera} is down", camera="bravo-gate")
    alarm = Alarm.of(AlarmName.CAMERAS_DOWN, "node-1", START_NS, down)
    cached: dict[int, SiteRegistry] = {}

    def registry() -> SiteRegistry:
        return cached.setdefault(id(running.registry), running.now())

    site = open_site(registry=registry, alarms=lambda: (alarm,))
    kinds = (HOLDS_PREFIX, EXPORTS_PREFIX, SAVED_VIEWS_PREFIX, WATCHES_PREFIX, PEOPLE_PREFIX)
    remove_objects(site.context.objects, *kinds, *OF_POLICY)
    alpha_events, bravo_events = _seed_events(site, is_archived)
    everyone = site.context.people.add("chief", Role.INVESTIGATOR, Right).token
    alpha = site.context.people.add(
        "alpha-person", Role.INVESTIGATOR, Right, CameraScope(areas=("alpha",))
    ).token
    site.context.people.add("bravo-person", Role.INVESTIGATOR, (), CameraScope(areas=("bravo",)))
    segment = _seed_recordings(site)
    seeded = TwoAreas(
        site,
        alpha,
        everyone,
        alpha_events,
        bravo_events,
        _seed_watch(site, bravo_events[0]),
        _seed_hold(site),
        _seed_export(site),
        _seed_saved_view(site),
        segment,
        _seed_session(site),
        *_seed_policy_records(site, bravo_events[0]),
    )
    return seeded, running


def _seed_events(site: Site, is_archived: bool) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    alpha = [event_of("alpha-gate", at_s, SHARED_PLATE) for at_s in (10, 40, 70)]
    alpha.append(event_of("alpha-former", 90, SHARED_PLATE))
    # One second after a sighting in alpha, 300 km away: an impossible leg.
    bravo = [event_of("bravo-gate", at_s + 1, SHARED_PLATE) for at_s in (10, 40)]
    bravo += [event_of("bravo-bridge", at_s, BRAVO_PLATE) for at_s in (12, 15, 45)]
    bravo.append(event_of("bravo-former", 91, BRAVO_PLATE))
    # One impossible leg within bravo, and one within alpha.
    bravo += [event_of("bravo-gate", 200, BRAVO_PLATE), event_of("bravo-former", 500, BRAVO_PLATE)]
    site.context.index.put_all([*alpha, *bravo])
    site.context.corrections.correct(bravo[2], BRAVO_CORRECTED, "bravo-person", "bravo reason", 0)
    if is_archived:
        context = site.context
        archiver = Archiver(
            context.archive, context.index, site.redis, context.objects, context.clock
        )
        assert archiver.run(2) is not None
        assert context.index.count() == 0
    site.context.feed.add_all([*alpha, *bravo])
    return tuple(alpha), tuple(bravo)


def _seed_recordings(site: Site) -> str:
    """Record each area and a gap in each; return the name of a segment of `bravo`."""
    paths = {
        camera_id: record_segment(site.layout, camera_id, START_NS, 4)
        for camera_id in ("alpha-gate", "bravo-gate")
    }
    log = GapLog(site.layout, site.context.clock)
    for camera_id in paths:
        site.hold(camera_id)
        log.add(
            Gap(
                camera_id,
                START_NS + 10 * NS_PER_S,
                START_NS + 20 * NS_PER_S,
                GapCause.CAMERA_DOWN,
                f"{camera_id} does not answer",
            )
        )
    site.context.states.publish(
        [
            CameraStatus(camera_id, CameraState.UNREACHABLE, START_NS, f"{camera_id} is offline")
            for camera_id in paths
        ]
    )
    site.pictures.update({camera_id: camera_id.encode() for camera_id in paths})
    return paths["bravo-gate"].name


def _seed_watch(site: Site, event: Event) -> str:
    watch = Watch(
        id="20261124-b0b0b0b0",
        plate=BRAVO_PLATE,
        until=site.context.clock.wall_ns() + 86_400 * NS_PER_S,
        reason="bravo reason",
        case="bravo case",
        placed_by="bravo-person",
        placed_at=START_NS,
    )
    site.context.watches.place(watch)
    match = WatchMatch(
        id=match_id(watch.id, event.id),
        watch=watch.id,
        plate=watch.plate,
        tie=MatchKind.EXACT,
        why="bravo",
        matched_at=START_NS,
        event=event,
        case=watch.case,
        owner=watch.placed_by,
    )
    site.context.matches.add([(match, False)], 1, START_NS // NS_PER_MS)
    return watch.id


def _seed_hold(site: Site) -> str:
    hold = Hold(
        id="20261124-b1b1b1b1",
        camera="bravo-gate",
        from_=START_NS,
        to=START_NS + NS_PER_S,
        event="",
        reason="bravo reason",
        until=None,
        placed_by="bravo-person",
        placed_at=START_NS,
    )
    Holds(site.context.objects, site.context.clock).place(hold)
    return hold.id


def _seed_export(site: Site) -> str:
    """Make an export of `bravo`, whose file can be downloaded."""
    created_ns = site.context.clock.wall_ns()
    record = ExportRecord(
        id=dated_id(site.context.clock),
        ranges=(ExportRange(camera="bravo-gate", from_=START_NS, to=START_NS + 12 * NS_PER_S),),
        person="bravo-person",
        reason="bravo reason",
        case="bravo case",
        created_at=created_ns,
        expires_at=created_ns + NS_PER_DAY,
    )
    site.context.exports.add(record)
    site.context.export_progress.add([record.id])
    ExportJob(site.context, RecordingFiles(site.context)).run_once(threading.Event())
    return record.id


def _seed_saved_view(site: Site) -> str:
    """Save a view of `bravo`, shared with all who may see one of its cameras."""
    person = Person("bravo-person", Role.INVESTIGATOR)
    now_ns = site.context.clock.wall_ns()
    record = SavedViewRecord(
        id="20261124-b3b3b3b3",
        name="bravo view",
        is_shared=True,
        tiles=1,
        cameras=("bravo-gate",),
        made_by="bravo-person",
        made_at=now_ns,
        changed_by="bravo-person",
        changed_at=now_ns,
    )
    return site.context.saved_views.add(record, person).id


def _seed_session(site: Site) -> str:
    sessions = site.context.sessions
    person = site.context.people.get("bravo-person")
    started = sessions.start(person, SignInMethod.PASSWORD, "10.99.1.1", "bravo browser")
    assert started is not None
    sessions.bind(started.session.record.id, "bravo reason", "bravo case")
    return started.session.record.id


def _seed_policy_records(site: Site, event: Event) -> tuple[str, str, str]:
    """Open a case, request an approval and pass the policy in an emergency, all in `bravo`."""
    context = site.context
    case = context.cases.open("bravo case", "bravo title", "bravo-person")
    now_ns = context.clock.wall_ns()
    approval = ApprovalRecord(
        id="20261124-b2b2b2b2",
        person="bravo-person",
        call="event.read",
        terms={"id": event.id},
        reason="bravo reason",
        case="bravo case",
        requested_at=now_ns,
        ends_at=now_ns + 3600 * NS_PER_S,
    )
    context.approvals.request(approval)
    emergency = context.emergencies.add(
        "bravo-person",
        "investigator",
        "10.99.1.1",
        "bravo reason",
        "bravo case",
        "event.read",
        {"id": event.id},
    )
    return case.id, approval.id, emergency
