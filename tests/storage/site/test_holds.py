from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.alarms import AlarmName
from domain.clock import NS_PER_S, ManualClock
from domain.errors import BadInput, DataLoss, NotFound, StoreError
from domain.paths.object_keys import dated_id, hold_object
from domain.recordings.holds import Hold, StandingHolds
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.site.holds import FreshHeld, HoldFollower, Holds, NodeHolds, last_read
from tests.kept import START_NS, make_event

if TYPE_CHECKING:
    from tests.storage.conftest import RelayedStore


def hold_of(
    clock: ManualClock, camera: str = "gate", from_s: float = 0, to_s: float = 60, **keys: object
) -> Hold:
    from_ns, to_ns = START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S)
    made = {
        "id": dated_id(clock),
        "camera": camera,
        "from": from_ns,
        "to": to_ns,
        "reason": "case 7",
    }
    return Hold.model_validate({**made, "placed_by": "li", "placed_at": clock.wall_ns(), **keys})


def _covers(held: StandingHolds, camera: str, from_s: float, to_s: float) -> bool:
    return held.covers(
        camera, START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S)
    )


def test_a_hold_names_its_camera_and_range_until_it_is_released(
    objects: ObjectStore, clock: ManualClock
) -> None:
    holds, elsewhere = Holds(objects, clock), Holds(objects, clock)
    hold = hold_of(clock)
    holds.place(hold)
    held = elsewhere.held()
    assert [_covers(held, "gate", *s) for s in ((-10, 0), (-10, 1), (59, 70), (60, 70))] == [
        False,
        True,
        True,
        False,
    ]
    assert not _covers(held, "gate-2", 0, 60)
    assert held.covers_event(make_event(after_s=59.5))
    assert not held.covers_event(make_event(after_s=61))
    clock.advance(3)
    released = elsewhere.release(hold.id, "wang")
    assert (released.released_by, released.released_at) == ("wang", START_NS + 3 * NS_PER_S)
    clock.advance(3)
    assert holds.release(hold.id, "zhao") == released
    assert not _covers(holds.held(), "gate", 0, 60)
    assert holds.known().holds == (released,)


def test_a_hold_may_end_by_itself(objects: ObjectStore, clock: ManualClock) -> None:
    holds = Holds(objects, clock)
    holds.place(hold_of(clock, until=START_NS + 10 * NS_PER_S))
    assert _covers(holds.held(), "gate", 0, 1)
    clock.advance(10)
    assert not _covers(holds.held(), "gate", 0, 1)


def test_what_is_no_hold_is_refused(objects: ObjectStore, clock: ManualClock) -> None:
    with pytest.raises(BadInput, match="before"):
        Holds(objects, clock).place(hold_of(clock, from_s=5, to_s=5))
    with pytest.raises(NotFound):
        Holds(objects, clock).release("20251009-00000000", "li")


DAMAGED_ID = "20251009-0bad0bad"
MISTYPED = {
    "id": DAMAGED_ID,
    "camera": "gate",
    "from": "26-11-29T17:00:00.000Z",
    "to": "2026-11-29T17:10:00.000Z",
    "event": "",
    "reason": "x",
    "until": None,
    "placed_by": "li",
    "placed_at": "2025-10-09T08:53:20.000Z",
    "released_by": "",
    "released_at": None,
    "schema": 1,
}
DAMAGES = [b"{", json.dumps(MISTYPED).encode(), json.dumps(MISTYPED | {"schema": 2}).encode(), b""]


def _damage(objects: ObjectStore, data: bytes = b"{", version: int = 1) -> str:
    key = hold_object(DAMAGED_ID, version)
    objects.put(key, data, "application/json")
    return key


@pytest.mark.parametrize("data", DAMAGES)
def test_a_damaged_hold_hides_no_other_and_keeps_what_is_held_from_being_known(
    objects: ObjectStore, clock: ManualClock, tmp_path: Path, data: bytes
) -> None:
    holds, node = (
        Holds(objects, clock),
        NodeHolds(Holds(objects, clock), tmp_path / "holds.json", clock),
    )
    before, after = hold_of(clock), hold_of(clock, from_s=100, to_s=200)
    holds.place(before)
    key = _damage(objects, data)
    holds.place(after)
    assert {hold.id for hold in holds.known().holds} == {before.id, after.id}
    assert [(one.record_id, one.key) for one in holds.known().damaged] == [(DAMAGED_ID, key)]
    with pytest.raises(
        DataLoss, match=f"retention deletes nothing.*DELETE /v1/holds.*{DAMAGED_ID}"
    ):
        holds.held()
    for later in (node, NodeHolds(Holds(objects, clock), tmp_path / "holds.json", clock)):
        assert _covers(later.held(), "gate", 0, 1), "placed before"
        assert _covers(later.held(), "gate", 100, 101), "placed after"
        assert not _covers(later.held(), "gate", 70, 80)
    assert holds.release(before.id, "wang").released_by == "wang"
    assert not _covers(node.held(), "gate", 0, 1)


@pytest.mark.parametrize("data", DAMAGES)
def test_a_damaged_hold_can_be_released(
    objects: ObjectStore, clock: ManualClock, data: bytes
) -> None:
    holds = Holds(objects, clock)
    key = _damage(objects, data)
    released = holds.release(DAMAGED_ID, "wang")
    assert (released.id, released.released_by, released.released_at) == (
        DAMAGED_ID,
        "wang",
        clock.wall_ns(),
    )
    assert key in released.reason
    assert not _covers(holds.held(), "gate", 0, 1)
    assert holds.known().damaged == ()
    assert holds.release(DAMAGED_ID, "zhao") == released
    assert objects.get(key) == data, "what was damaged is kept"


def test_of_a_damaged_hold_the_version_before_protects_its_range(
    objects: ObjectStore, clock: ManualClock, tmp_path: Path
) -> None:
    holds = Holds(objects, clock)
    holds.place(hold_of(clock, id=DAMAGED_ID))
    holds.release(DAMAGED_ID, "wang")
    _damage(objects, version=3)
    node = NodeHolds(Holds(objects, clock), tmp_path / "holds.json", clock)
    assert _covers(node.held(), "gate", 0, 1)
    with pytest.raises(DataLoss):
        holds.held()
    assert holds.release(DAMAGED_ID, "zhao").from_ == START_NS
    assert not _covers(node.held(), "gate", 0, 1)


def test_an_object_that_is_no_hold_stops_nothing(objects: ObjectStore, clock: ManualClock) -> None:
    holds = Holds(objects, clock)
    holds.place(hold_of(clock))
    objects.put("state/holds/zzz", b"junk", "text/plain")
    assert _covers(holds.held(), "gate", 0, 1)
    assert [one.key for one in holds.known().foreign] == ["state/holds/zzz"]


def test_a_hold_that_a_newer_version_wrote_is_released_with_its_unknown_fields(
    objects: ObjectStore, clock: ManualClock
) -> None:
    hold = hold_of(clock)
    written = json.loads(hold.model_dump_json(by_alias=True)) | {"court": {"order": "7/2027"}}
    objects.put(hold_object(hold.id, 1), json.dumps(written).encode(), "application/json")
    assert Holds(objects, clock).held().covers("gate", hold.from_, hold.to)
    Holds(objects, clock).release(hold.id, "wang")
    rewritten = json.loads(objects.get(hold_object(hold.id, 2)))
    assert (rewritten["court"], rewritten["released_by"]) == ({"order": "7/2027"}, "wang")


class _Forgetful(ObjectStore):
    """A store that answers to a write and keeps nothing of it."""

    def __init__(self, other: ObjectStore) -> None:
        self.__dict__ |= other.__dict__

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        return True


def test_a_hold_that_cannot_be_found_again_is_not_confirmed(
    objects: ObjectStore, clock: ManualClock
) -> None:
    with pytest.raises(DataLoss, match="not in force"):
        Holds(_Forgetful(objects), clock).place(hold_of(clock))


class _Late(ObjectStore):
    """A store whose list has a new object only at the second call."""

    def __init__(self, other: ObjectStore) -> None:
        self.__dict__ |= other.__dict__
        self._lists = 0

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        self._lists += 1
        return super().list(prefix) if self._lists > 1 else iter(())


def test_a_hold_is_confirmed_as_soon_as_it_is_listed(
    objects: ObjectStore, clock: ManualClock
) -> None:
    placed = Holds(_Late(objects), clock).place(hold_of(clock))
    assert [known.id for known in Holds(objects, clock).known().holds] == [placed.id]


def test_a_follower_keeps_the_copy_fresh_and_raises_the_alarm(
    relayed: RelayedStore, objects: ObjectStore, clock: ManualClock, tmp_path: Path
) -> None:
    store = relayed.objects
    said: dict[AlarmName, str | None] = {}
    follower = HoldFollower(
        NodeHolds(Holds(store, clock), tmp_path / "holds.json", clock), said.__setitem__
    )
    Holds(objects, clock).place(hold_of(clock))
    follower.run_once()
    assert said == {AlarmName.HOLD_DAMAGED: None}
    key = _damage(objects)
    follower.run_once()
    sentence = said[AlarmName.HOLD_DAMAGED]
    assert sentence is not None
    assert DAMAGED_ID in sentence
    assert key in sentence
    relayed.relay.cut()
    follower.run_once()
    assert said[AlarmName.HOLD_DAMAGED] == sentence, "a store that is away says nothing new"
    after_restart = NodeHolds(Holds(store, clock), tmp_path / "holds.json", clock)
    assert _covers(after_restart.held(), "gate", 0, 1)
    relayed.relay.mend()
    Holds(objects, clock).release(DAMAGED_ID, "wang")
    follower.run_once()
    assert said[AlarmName.HOLD_DAMAGED] is None


def test_a_long_run_finds_a_hold_that_is_placed_meanwhile(
    objects: ObjectStore, clock: ManualClock
) -> None:
    held = FreshHeld(Holds(objects, clock), clock)
    assert not _covers(held, "gate", 0, 1)
    Holds(objects, clock).place(hold_of(clock))
    clock.advance(1)
    assert _covers(held, "gate", 0, 1)
    _damage(objects)
    clock.advance(1)
    with pytest.raises(DataLoss):
        held.covers("gate", 0, 1)


def test_a_node_remembers_holds_while_the_store_is_away(
    relayed: RelayedStore, objects: ObjectStore, clock: ManualClock, tmp_path: Path
) -> None:
    relay, client = relayed.relay, relayed.objects
    relay.cut()
    with pytest.raises(StoreError, match="never were"):
        NodeHolds(Holds(client, clock), tmp_path / "holds.json", clock).held()
    relay.mend()
    Holds(objects, clock).place(hold_of(clock))
    node = NodeHolds(Holds(client, clock), tmp_path / "holds.json", clock)
    assert _covers(node.held(), "gate", 0, 1)
    relay.cut()
    for one in (node, NodeHolds(Holds(client, clock), tmp_path / "holds.json", clock)):
        assert _covers(one.held(), "gate", 0, 1)


def test_a_node_goes_on_holding_what_the_store_lost(
    objects: ObjectStore, clock: ManualClock, tmp_path: Path
) -> None:
    holds = Holds(objects, clock)
    hold = hold_of(clock)
    holds.place(hold)
    file = tmp_path / "holds.json"
    node = NodeHolds(holds, file, clock)
    node.held()
    objects.delete(hold_object(hold.id, 1))
    for one in (node, NodeHolds(Holds(objects, clock), file, clock)):
        assert _covers(one.held(), "gate", 0, 1)
        assert last_read(file) == (hold,)
