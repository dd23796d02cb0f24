"""What searches of events are tried with, on any store of them: events, questions, and the
answer by looking at everything.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.geo import Circle, Polygon
from domain.plates import PlateColor
from storage.index.event_index import EventIndex
from tests.kept import make_event

PLATES_USED = [
    "鄂C12345",
    "鄂C12346",
    "鄂F88888",
    "鄂F8888A",
    "京A12345",
    "粤B12345D",
    "使123456",
    "WJ88885",
    "",
    None,
]
"""One of them, WJ88885, has no code, so that its events are overflow records."""
PATTERNS = [
    "鄂C12345",
    "鄂C1234?",
    "鄂*",
    "*5",
    "?C12345",
    "*8888*",
    "鄂F8888?",
    "*",
    "???????",
    "京B*",
    "*D",
    "鄂?1*5",
    "?" * 30,
    "使*",
    "WJ*",
    "*?5*",
]
CAMERAS = ["gate", "bridge", "shop"]
SCOPES = [
    ALL_CAMERAS,
    ALL_CAMERAS,
    *(
        VisibleCameras(CameraScope(cameras=ids), frozenset(ids))
        for ids in (("gate",), ("bridge", "shop"), ("other",))
    ),
]
AREAS = ["dan", "dan/jun", "dan/jun/south", "shi", "da", "nowhere"]


def events_that(after_s: st.SearchStrategy[float], keys: str) -> st.SearchStrategy[Event]:
    """Events with every field that a search can ask for, of few plates and places, so that they
    meet.
    """
    alternative = st.tuples(
        st.sampled_from(["鄂C12345", "鄂F88888", "WJ88885"]), st.sampled_from([0.01, 0.3])
    )
    return st.builds(
        make_event,
        camera=st.sampled_from(CAMERAS),
        after_s=after_s,
        lasts_s=st.sampled_from([0, 1, 2, 3, 70]),
        plate=st.sampled_from(PLATES_USED),
        alternatives=st.lists(alternative, max_size=2).map(tuple),
        color=st.sampled_from([PlateColor.BLUE, PlateColor.GREEN]),
        confidence=st.sampled_from([0.3, 0.9, 0.123456]),
        class_=st.sampled_from("ABC"),
        key=st.sampled_from(keys),
        way=st.sampled_from(
            [
                ("", 0, ()),
                ("", 0, ()),
                ("toward", 2, (1,)),
                ("right", 7, (-1,)),
                ("toward", 9, (2, -1)),
                ("away", 0, ()),
            ]
        ),
    )


def queries_of(moments: st.SearchStrategy[int | None]) -> st.SearchStrategy[EventQuery]:
    """Questions with every field, in any combination."""
    return st.builds(
        EventQuery,
        kind=st.sampled_from([None, None, "vehicle", "face"]),
        from_ns=moments,
        to_ns=moments,
        camera=st.sampled_from([None, None, *CAMERAS, "other"]),
        area=st.sampled_from([None, None, *AREAS]),
        class_=st.sampled_from([None, None, "A", "B"]),
        plate=st.none() | st.sampled_from(PATTERNS),
        color=st.sampled_from([None, None, PlateColor.BLUE]),
        min_confidence=st.sampled_from([None, 0.5]),
        direction=st.sampled_from([None, None, None, "", "toward", "right"]),
        lane=st.sampled_from([None, None, None, 0, 2, 7, 9]),
        order=st.sampled_from(["newest", "oldest"]),
        near=st.sampled_from(
            [None, None, None, Circle(111.5, 32.51, 1200), Circle(111.6, 32.5, 5000)]
        ),
        within=st.sampled_from(
            [
                None,
                None,
                None,
                Polygon(((111, 32), (112, 32), (112, 33))),
                Polygon(((111, 32), (112, 33), (111, 33))),
            ]
        ),
        visible=st.sampled_from(SCOPES),
    )


def by_looking_at_all(stored: list[Event], query: EventQuery) -> list[str]:
    """Written apart from the index: what each field of a query means, in words of the event
    alone.
    """
    found = []
    for event in stored:
        readings = []
        if event.plate is not None:
            readings = (
                [event.plate.text]
                if event.plate.text
                else [a.text for a in event.plate.alternatives if a.confidence >= 0.05]
            )
        if event.corrected is not None and event.corrected.text:
            readings.append(event.corrected.text)
        wrong = [
            query.kind not in (None, event.kind),
            query.from_ns is not None and event.started_at < query.from_ns,
            query.to_ns is not None and event.started_at >= query.to_ns,
            query.visible.ids is not None and event.camera not in query.visible.ids,
            query.camera not in (None, event.camera),
            query.area is not None
            and query.area.split("/") != event.area.split("/")[: len(query.area.split("/"))],
            query.class_ not in (None, event.class_),
            query.plate is not None and not any(glob(query.plate, reading) for reading in readings),
            query.color is not None and (event.plate is None or event.plate.color != query.color),
            query.min_confidence is not None and event.confidence < query.min_confidence,
            query.direction not in (None, event.direction),
            query.lane not in (None, event.lane),
            query.near is not None and query.near.lon > 111.55,
            query.within is not None and query.within.corners[1] != (112, 32),
        ]
        if not any(wrong):
            found.append(event.id)
    return sorted(found, reverse=query.order == "newest")


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text) or (bool(text) and glob(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and glob(pattern[1:], text[1:])


def paged(index: EventIndex, query: EventQuery, limit: int) -> list[str]:
    found: list[str] = []
    after: str | None = None
    for _ in range(10_000):
        page = index.query(query, limit, after)
        assert len(page.events) <= limit
        found += [event.id for event in page.events]
        if page.next is None:
            return found
        after = page.next
    raise AssertionError("the pages never end")


def drawn_of_few(draw: random.Random) -> Event:
    plate = draw.choice(
        [
            f"鄂C{draw.randrange(300):05d}",
            f"鄂C1001{draw.randrange(9)}",
            f"鄂F{draw.randrange(50):04d}警",
            "",
            "WJ88885",
        ]
    )
    other = f"鄂C{draw.randrange(20):05d}"
    return make_event(
        camera=draw.choice(CAMERAS),
        after_s=draw.randrange(0, 2 * 3600, 12),
        lasts_s=draw.choice([1, 1, 2, 70]),
        plate=plate,
        alternatives=((other, 0.3),) * (draw.random() < 0.2),
        class_=draw.choice("AB"),
    )
