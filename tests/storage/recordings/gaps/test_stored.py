"""Logs of gaps in a real object store: what a node said is read where it is gone, and goes when
it is too old.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from domain.clock import NS_PER_DAY, NS_PER_S, S_PER_DAY, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import gaps_object, node_gaps_object
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.holds import Hold
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from domain.registry import Registry
from domain.settings import Settings
from storage.check import check
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.journal import Journal
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.recordings.gaps import stored
from storage.recordings.gaps.day_log import Logged
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.gaps.uploads import GapUploads
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.retention import Kept, Retention
from storage.site.holds import Holds
from tests.fuses import Fuse, FusedObjects, Killed

NOON_NS = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DAY = "20241004"
PLACE = {"area": "a", "location": {"lon": 0, "lat": 0}, "url": "rtsp://10.0.0.1/"}
REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {"a": {"name": "a"}},
        "cameras": [{"id": "cam", "name": "cam", "class": "B", "retention_days": 5, **PLACE}],
    }
)
NEVER = threading.Event()


class Node:
    """A node that only tells of gaps; seconds count from noon."""

    def __init__(self, name: str, folder: Path, objects: ObjectStore, clock: ManualClock) -> None:
        self.name, self.objects, self.clock, self.layout = name, objects, clock, Layout(folder)
        self.log = GapLog(self.layout, clock)
        self.uploads = self.begin()

    def begin(self) -> GapUploads:
        """Its process starts again."""
        self.uploads = GapUploads(self.log, StoredGaps(self.objects), self.name, self.clock)
        return self.uploads

    def say(self, start_s: float, end_s: float, cause: GapCause = GapCause.NETWORK) -> None:
        self.log.add(gap(start_s, end_s, cause))
        self.log.beat("cam")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_NS)


@pytest.fixture
def node(tmp_path: Path, objects: ObjectStore, clock: ManualClock) -> Node:
    return Node("node-1", tmp_path, objects, clock)


def gap(start_s: float, end_s: float, cause: GapCause) -> Gap:
    return Gap("cam", NOON_NS + round(start_s * NS_PER_S), NOON_NS + round(end_s * NS_PER_S), cause)


def reported(objects: ObjectStore, to_s: float = 100_000) -> list[tuple[float, float, str]]:
    gaps = StoredGaps(objects).between("cam", NOON_NS, NOON_NS + round(to_s * NS_PER_S))
    return [
        ((one.start_ns - NOON_NS) / NS_PER_S, (one.end_ns - NOON_NS) / NS_PER_S, one.cause.value)
        for one in gaps
    ]


def test_what_a_node_logged_is_returned_without_it(node: Node) -> None:
    node.say(10, 12)
    assert node.uploads.run_once(NEVER) == 1
    node.say(20, 22, GapCause.DISK)
    assert node.uploads.run_once(NEVER) == 1
    assert reported(node.objects) == [(10, 12, "network"), (20, 22, "disk")]
    assert (
        node.objects.get(gaps_object("cam", "node-1", DAY))
        == (node.layout.gaps / "cam" / f"{DAY}.jsonl").read_bytes()
    )


@pytest.mark.parametrize(("most_bytes", "reads"), [(1 << 20, 1), (100, 2)])
def test_a_log_is_read_once_while_it_is_remembered(
    most_bytes: int, reads: int, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.say(10, 12)
    start_ns, end_ns = (NOON_NS + one * NS_PER_S for one in (20, 30))
    partly = PartlyAnalysed(start_ns, end_ns, PartlyCause.OVERLOAD)
    again = Analysed(start_ns, end_ns - NS_PER_S)
    node.log.add_partly_analysed("cam", [partly])
    node.log.add_analysed_again("cam", [again])
    node.uploads.run_once(NEVER)
    get, asked = node.objects.get, list[str]()

    def counted(key: str) -> bytes:
        asked.append(key)
        return get(key)

    monkeypatch.setattr(node.objects, "get", counted)
    monkeypatch.setattr(stored, "MOST_KNOWN_BYTES", most_bytes)
    gaps = StoredGaps(node.objects)
    span = "cam", NOON_NS, NOON_NS + 60 * NS_PER_S
    expected = Logged((gap(10, 12, GapCause.NETWORK),), (partly,), (again,))
    assert [gaps.logged(*span) for _ in range(2)] == [expected, expected]
    assert node.log.logged(*span) == expected
    assert asked.count(gaps_object("cam", "node-1", DAY)) == reads


def test_what_is_there_is_not_uploaded_again_by_this_process_nor_the_next(node: Node) -> None:
    node.say(10, 12)
    assert node.uploads.run_once(NEVER) == 1
    assert (node.uploads.run_once(NEVER), node.begin().run_once(NEVER)) == (0, 0)


def test_a_log_that_cannot_be_read_delays_no_other(node: Node) -> None:
    unreadable = node.layout.gaps / "another" / f"{DAY}.jsonl"
    unreadable.mkdir(parents=True)
    node.log.beat("another")
    node.say(10, 12)
    node.uploads.run_once(NEVER)
    assert reported(node.objects) == [(10, 12, "network")]
    record = StoredGaps(node.objects).node_record("node-1")
    assert record is not None
    assert set(record.beats_ms) == {"cam"}
    unreadable.rmdir()
    node.uploads.run_once(NEVER)
    record = StoredGaps(node.objects).node_record("node-1")
    assert record is not None
    assert set(record.beats_ms) == {"another", "cam"}


def test_a_gap_that_goes_on_is_known_up_to_the_last_upload(node: Node) -> None:
    node.log.open(gap(10, 10, GapCause.CAMERA_DOWN))
    node.log.beat("cam")
    node.clock.advance(60)
    node.log.beat("cam")
    node.uploads.run_once(NEVER)
    node.clock.advance(60)
    node.log.beat("cam")  # and then the node dies
    assert reported(node.objects) == [(10, 60, "camera_down")]


def test_a_gap_of_a_camera_that_moved_away_ends_when_the_node_left_it(node: Node) -> None:
    node.log.open(gap(10, 10, GapCause.CAMERA_DOWN))
    node.clock.advance(30)
    node.log.beat("cam")
    node.clock.advance(600)
    node.uploads.run_once(NEVER)
    assert reported(node.objects) == [(10, 30, "camera_down")]


def test_of_two_nodes_the_one_that_looked_after_the_camera_last_is_right(
    node: Node, tmp_path: Path, objects: ObjectStore, clock: ManualClock
) -> None:
    other = Node("a-node", tmp_path / "other", objects, clock)
    node.say(10, 30)
    clock.advance(60)
    other.say(20, 40, GapCause.RESTART)
    for one in (other, node):
        one.uploads.run_once(NEVER)
    assert reported(objects) == [
        (10, 30, "network"),
        (20, 40, "restart"),
    ]  # what is reported last is right


def test_a_node_that_lost_its_disk_takes_nothing_back(node: Node, tmp_path: Path) -> None:
    node.say(10, 12)
    node.uploads.run_once(NEVER)
    second = Node("node-1", tmp_path / "another disk", node.objects, node.clock)
    second.say(20, 22)
    second.uploads.run_once(NEVER)
    second.say(30, 32)
    second.uploads.run_once(NEVER)
    assert (
        second.begin().run_once(NEVER) == 1
    )  # its file is another than the object: read again, and there is nothing to add
    assert reported(node.objects) == [(10, 12, "network"), (20, 22, "network"), (30, 32, "network")]


def test_a_torn_line_stays_on_its_node(node: Node, redis: Redis) -> None:
    node.say(10, 12)
    file = node.layout.gaps / "cam" / f"{DAY}.jsonl"
    file.write_bytes(file.read_bytes() + b'{"from": 1, "to"')
    node.uploads.run_once(NEVER)
    node.say(20, 22)
    node.uploads.run_once(NEVER)
    assert reported(node.objects) == [(10, 12, "network"), (20, 22, "network")]
    assert check(node.objects, redis) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", range(1, 6))
def test_a_round_that_is_killed_at_any_call_is_done_by_the_next(
    node: Node, calls: int, after: bool
) -> None:
    node.say(10, 12)
    node.say(86_000, 87_000)
    killed = GapUploads(
        node.log, StoredGaps(FusedObjects(node.objects, Fuse(calls, after))), "node-1", node.clock
    )
    with suppress(Killed):  # where what it asks for is not there, it lives past it
        killed.run_once(NEVER)
    node.begin().run_once(NEVER)
    assert reported(node.objects) == [(10, 12, "network"), (86_000, 87_000, "network")]


def test_the_check_names_a_damaged_log(node: Node, redis: Redis) -> None:
    node.say(10, 12)
    node.uploads.run_once(NEVER)
    key = gaps_object("cam", "node-1", DAY)
    node.objects.put(key, node.objects.get(key) + b"nonsense\n", "application/jsonl")
    assert [(one.breach, one.subject) for one in check(node.objects, redis)] == [
        (Breach.GAP_LOG_DAMAGED, key)
    ]


def test_logs_go_with_their_cameras_retention_unless_a_hold_names_some_of_them(
    node: Node, redis: Redis
) -> None:
    node.say(10, 12)
    node.say(NS_PER_DAY / NS_PER_S + 10, NS_PER_DAY / NS_PER_S + 12)
    node.uploads.run_once(NEVER)
    hold = _hold(node, 100, 101)
    node.clock.advance(8 * S_PER_DAY)
    retention = _retention(node, redis)
    retention.run_site(dry=True)
    assert _days(node) == [DAY, "20241005"]
    retention.run_node()
    retention.run_site()
    assert (_days(node), list(node.log.days("cam"))) == ([DAY], [DAY])
    assert _breaches(node, redis) == set()
    Holds(node.objects, node.clock).release(hold.id, "wang")
    assert _breaches(node, redis) == {Breach.TOO_OLD}
    retention.run_node()
    retention.run_site()
    assert (_days(node), list(node.log.days("cam"))) == ([], [])
    assert _breaches(node, redis) == set()


def test_a_node_that_is_gone_for_good_is_forgotten(node: Node, redis: Redis) -> None:
    node.say(10, 12)
    node.uploads.run_once(NEVER)
    retention = _retention(node, redis)
    retention.run_site()
    assert node.objects.stat(node_gaps_object("node-1")) is not None
    node.clock.advance(91 * S_PER_DAY)
    retention.run_site()
    assert node.objects.stat(node_gaps_object("node-1")) is None


def _retention(node: Node, redis: Redis) -> Retention:
    settings, clock, objects = Settings(), node.clock, node.objects
    kept = Kept(
        Ledger(node.layout.recordings),
        TriggerLog(node.layout, settings),
        node.log,
        objects,
        EventIndex(redis),
        Journal(node.layout.journal, clock),
        Holds(objects, clock),
    )
    return Retention(kept, lambda: REGISTRY, settings, clock)


def _hold(node: Node, from_s: int, to_s: int) -> Hold:
    made = {
        "id": "20241004-x",
        "camera": "cam",
        "from": NOON_NS + from_s * NS_PER_S,
        "to": NOON_NS + to_s * NS_PER_S,
        "event": "",
    }
    hold = Hold.model_validate(
        {**made, "reason": "a case", "placed_by": "li", "placed_at": NOON_NS}
    )
    Holds(node.objects, node.clock).place(hold)
    return hold


def _days(node: Node) -> list[str]:
    return [log.day for log in StoredGaps(node.objects).of_camera("cam")]


def _breaches(node: Node, redis: Redis) -> set[Breach]:
    return {one.breach for one in check(node.objects, redis, registry=REGISTRY, clock=node.clock)}
