from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.errors import BadInput, DataLoss, NotFound, StoreError
from domain.holds import Held, Hold
from domain.keys import dated_id, hold_object
from storage.holds import Holds, NodeHolds, last_read
from storage.s3 import ObjectStore
from tests.kept import START_NS, Relay, make_event

if TYPE_CHECKING:
    from tests.conftest import S3Config


def _hold(clock: ManualClock, camera: str = "gate", from_s: float = 0, to_s: float = 60, **keys: object) -> Hold:
    from_ns, to_ns = START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S)
    made = {"id": dated_id(clock), "camera": camera, "from": from_ns, "to": to_ns, "reason": "case 7"}
    return Hold.model_validate({**made, "placed_by": "li", "placed_at": clock.wall_ns(), **keys})


def _covers(held: Held, camera: str, from_s: float, to_s: float) -> bool:
    return held.covers(camera, START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S))


def test_a_hold_names_its_camera_and_range_until_it_is_released(objects: ObjectStore, clock: ManualClock) -> None:
    holds, elsewhere = Holds(objects, clock), Holds(objects, clock)
    hold = _hold(clock)
    holds.place(hold)
    held = elsewhere.held()
    assert [_covers(held, "gate", *s) for s in ((-10, 0), (-10, 1), (59, 70), (60, 70))] == [False, True, True, False]
    assert not _covers(held, "gate-2", 0, 60)
    assert held.covers_event(make_event(after_s=59.5))
    assert not held.covers_event(make_event(after_s=61))
    clock.advance(3)
    released = elsewhere.release(hold.id, "wang")
    assert (released.released_by, released.released_at) == ("wang", START_NS + 3 * NS_PER_S)
    clock.advance(3)
    assert holds.release(hold.id, "zhao") == released
    assert not _covers(holds.held(), "gate", 0, 60)
    assert holds.all() == (released,)


def test_a_hold_may_end_by_itself(objects: ObjectStore, clock: ManualClock) -> None:
    holds = Holds(objects, clock)
    holds.place(_hold(clock, until=START_NS + 10 * NS_PER_S))
    assert _covers(holds.held(), "gate", 0, 1)
    clock.advance(10)
    assert not _covers(holds.held(), "gate", 0, 1)


def test_what_is_no_hold_is_refused(objects: ObjectStore, clock: ManualClock) -> None:
    with pytest.raises(BadInput, match="before"):
        Holds(objects, clock).place(_hold(clock, from_s=5, to_s=5))
    with pytest.raises(NotFound):
        Holds(objects, clock).release("20251009-00000000", "li")


def test_while_one_hold_cannot_be_read_nobody_knows_what_is_held(objects: ObjectStore, clock: ManualClock) -> None:
    holds = Holds(objects, clock)
    holds.place(_hold(clock))
    objects.put(hold_object("20251009-bad", 1), b"{", "application/json")
    with pytest.raises(DataLoss, match="20251009-bad"):
        holds.held()


def test_a_node_remembers_holds_while_the_store_is_away(
    s3_server: S3Config, objects: ObjectStore, clock: ManualClock, tmp_path: Path
) -> None:
    relay = Relay(int(s3_server.endpoint.rpartition(":")[2]))
    door = ObjectStore(f"127.0.0.1:{relay.port}", s3_server.access_key, s3_server.secret_key, objects.bucket)
    relay.cut()
    with pytest.raises(StoreError, match="never were"):
        NodeHolds(Holds(door, clock), tmp_path / "holds.json", clock).held()
    relay.mend()
    Holds(objects, clock).place(_hold(clock))
    node = NodeHolds(Holds(door, clock), tmp_path / "holds.json", clock)
    assert _covers(node.held(), "gate", 0, 1)
    relay.cut()
    for one in (node, NodeHolds(Holds(door, clock), tmp_path / "holds.json", clock)):
        assert _covers(one.held(), "gate", 0, 1)
    door.close()


def test_a_node_goes_on_holding_what_the_store_lost(objects: ObjectStore, clock: ManualClock, tmp_path: Path) -> None:
    holds = Holds(objects, clock)
    hold = _hold(clock)
    holds.place(hold)
    file = tmp_path / "holds.json"
    node = NodeHolds(holds, file, clock)
    node.held()
    objects.delete(hold_object(hold.id, 1))
    for one in (node, NodeHolds(Holds(objects, clock), file, clock)):
        assert _covers(one.held(), "gate", 0, 1)
        assert last_read(file) == (hold,)
