"""A watch finds what the person who placed it may see when the event arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.camera_scope import CameraScope
from domain.errors import IndexUnavailable
from domain.people import Role
from domain.registry import Registry
from sightline.cluster.site_registry import Running
from sightline.jobs.watch_owners import READ_EVERY_S, WatchOwners
from storage.site.people_index import PeopleIndex
from tests.buckets import remove_objects
from tests.kept import make_event
from tests.people import people_of
from tests.sightline.jobs.watch_city import City, placed

if TYPE_CHECKING:
    pass


def _registry(area: str) -> Registry:
    return Registry.model_validate(
        {
            "version": 1,
            "areas": {"east": {"name": "east"}, "west": {"name": "west"}},
            "cameras": [
                {
                    "id": "gate",
                    "name": "gate",
                    "class": "A",
                    "area": area,
                    "location": {"lon": 111.5, "lat": 32.5},
                    "url": "rtsp://10.0.0.1/gate",
                }
            ],
        }
    )


class Owners:
    def __init__(self, city: City) -> None:
        self.people = people_of(city.redis, city.objects, city.clock)
        self.area = "east"
        self.placed_at_ns = city.clock.wall_ns()
        self.owners = WatchOwners(
            PeopleIndex(city.redis, city.objects),
            lambda: Running(1, _registry(self.area)),
            city.clock,
        )
        remove_objects(city.objects, "state/people/")
        self.city = city

    def sees(self) -> bool:
        self.city.clock.advance(READ_EVERY_S)
        return self.owners.sees("li", self.placed_at_ns, "gate")


@pytest.fixture
def owners(city: City) -> Owners:
    return Owners(city)


def test_the_scope_of_the_owner_is_followed(owners: Owners) -> None:
    owners.people.add("li", Role.INVESTIGATOR)
    assert owners.sees()
    owners.people.change("li", scope=CameraScope(areas=("west",)))
    assert not owners.sees()
    owners.area = "west"
    assert owners.sees()
    owners.people.change("li", role=Role.OPERATOR)
    assert not owners.sees(), "an operator has no watches"
    owners.people.change("li", role=Role.INVESTIGATOR)
    assert owners.sees()
    owners.people.remove("li")
    assert not owners.sees()


def test_a_later_person_of_the_same_name_does_not_inherit_a_watch(owners: Owners) -> None:
    owners.people.add("li", Role.INVESTIGATOR)
    assert owners.sees()
    owners.people.remove("li")
    owners.people.add("li", Role.INVESTIGATOR)
    assert not owners.sees(), "the watch of a removed person"
    owners.placed_at_ns = owners.city.clock.wall_ns()
    assert owners.sees(), "a watch of the new person"


def test_an_unknown_owner_sees_nothing(owners: Owners) -> None:
    owners.people.add("wang", Role.INVESTIGATOR)
    assert not owners.sees()


def test_nothing_is_decided_while_redis_has_no_people(owners: Owners) -> None:
    with pytest.raises(IndexUnavailable, match="index rebuild"):
        owners.sees()


def test_a_watch_finds_nothing_outside_the_scope_and_names_its_owner(city: City) -> None:
    visible = {"gate"}
    city.sees = lambda owner, placed_at_ns, camera_id: owner == "li" and camera_id in visible
    node = city.node()
    node.run_once()
    watch = placed(city)
    event = make_event(after_s=5)
    city.passes(event, make_event(after_s=6, camera="bridge"))
    node.run_once()
    assert city.found() == [(watch.id, event.id)]
    ((_, match),) = city.matches.after(0, 10).items
    assert match.owner == "li"
