"""Files and catalogues of the archive that an older program wrote are read, searched, merged,
and brought up to date.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from domain.camera_scope import ALL_CAMERAS
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.paths.object_keys import archive_object, catalogue_object
from storage.archive.bloom import BLOCK_BYTES
from storage.archive.check import ArchiveCheck
from storage.archive.parquet_files import describe
from storage.archive.rows import ORDER, TYPES, columns_of, row_from_event
from storage.archive.search import day_of_ms
from tests.kept import START_NS, make_event
from tests.storage.events.drawn_city import City

DAY = day_of_ms(START_NS // 10**6)
NEW = ("direction", "lane", "crossed")


def passed(
    event: Event, direction: str = "", lane: int = 0, crossed: tuple[int, ...] = ()
) -> Event:
    return event.model_copy(
        update={"direction": direction, "lane": lane, "crossed": crossed, "wall_source": "sender"}
    )


def write_old(city: City, area: str, events: Sequence[Event]) -> None:
    """A day's only file and its catalogue as version 1 had them: the way behind the clock's
    name, filters of another kind.
    """
    ways = [
        f"sender {e.direction} lane={e.lane} crossed={','.join(map(str, e.crossed))}"
        for e in events
    ]
    ways = [
        way.replace(" lane=0", "").removesuffix(" crossed=").replace("sender  ", "sender ").strip()
        for way in ways
    ]
    rows = [
        dict(zip(TYPES, row_from_event(event), strict=True)) | {"wall_source": way}
        for event, way in zip(events, ways, strict=True)
    ]
    select = ", ".join(
        f"{name}::{kind} AS {name}" for name, kind in TYPES.items() if name not in NEW
    )
    path = city.archive.cache.folder / "old.made"
    city.archive.duck.write(
        f"SELECT {select} FROM incoming ORDER BY {ORDER[1]}",
        path,
        columns_of([tuple(row.values()) for row in rows]),
    )
    file, _ = describe(city.archive.duck, path, DAY, area, 1)
    key = archive_object(DAY, area, 1, file.sha256)
    city.objects.put_file(key, path, "")
    said = file.model_dump(exclude={"version", "parts"}) | {"key": key, "bloom_blocks": 1}
    body = json.dumps({"schema_version": 1, "files": [said]}).encode()
    city.objects.put(
        catalogue_object(DAY, 1), len(body).to_bytes(4, "little") + body + bytes(BLOCK_BYTES), ""
    )
    city.archive.catalogue.announce()
    path.unlink()


def test_what_an_older_program_wrote_is_found_and_brought_up_to_date(city: City) -> None:
    events = [
        passed(make_event(after_s=1), "toward", 2, (1, -3)),
        passed(make_event(after_s=2), "", 4),
        passed(make_event(after_s=3, plate="", alternatives=(("鄂C12345", 0.5),)), "left"),
        passed(make_event(after_s=4, plate="京A12345"), crossed=(2,)),
        passed(make_event(after_s=5, plate=None)),
    ]
    write_old(city, events[0].area, events)

    def assert_found() -> None:
        assert city.store.get_all([event.id for event in events], ALL_CAMERAS) == events
        assert city.ids(EventQuery(plate="鄂C12345", order="oldest")) == [
            event.id for event in events[:3]
        ]
        assert city.ids(EventQuery(plate="京A*")) == [events[3].id]
        assert len(city.ids(EventQuery())) == len(events)

    assert city.archive.catalogue.days()[DAY].is_old
    assert_found()
    assert city.move() == 0
    (day,) = city.archive.catalogue.days().values()
    assert (day.is_old, [file.version for file in day.files]) == (False, [1])
    assert_found()
    assert list(ArchiveCheck(city.archive, city.objects).faults()) == []
    late = passed(make_event(after_s=6), "right", 1)
    city.index.put(late)
    events.append(late)
    assert city.move() == 1
    (day,) = city.archive.catalogue.days().values()
    assert [file.version for file in day.files] == [2]
    assert city.store.get_all([event.id for event in events], ALL_CAMERAS) == events
    assert list(ArchiveCheck(city.archive, city.objects).faults()) == []
