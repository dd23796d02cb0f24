"""Which watches want an event: the same as when each is asked by itself."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from domain.clock import NS_PER_HOUR
from domain.events.event import Event
from domain.events.misreadings import MatchKind, match_of
from domain.events.watches import Watch
from domain.plates import is_wildcard, plate_expression
from storage.index.plate_query import found_by
from storage.site.watch_index import WatchIndex
from tests.kept import START_NS, make_event

LETTERS = "鄂粤AC1278Z"
PLATES = st.text(LETTERS, min_size=1, max_size=8)
PATTERNS = st.text(LETTERS + "??**", min_size=1, max_size=9).filter(is_wildcard)


def watch_of(
    plate: str,
    fuzzy: bool = False,
    key: int = 0,
    until_ns: int = START_NS + NS_PER_HOUR,
    webhook: str = "",
) -> Watch:
    return Watch(
        id=f"20261124-{key:08x}",
        plate=plate,
        fuzzy=fuzzy,
        until=until_ns,
        reason="a test",
        case="118",
        placed_by="li",
        placed_at=START_NS,
        webhook=webhook,
        secret="a secret of the tests" if webhook else "",
    )


def wants(watch: Watch, event: Event) -> bool:
    """Said plainly: asked by itself, without any index."""
    texts = found_by(event)
    if event.kind != "vehicle":
        return False
    if watch.fuzzy:
        return match_of(event, watch.plate, texts) is not None
    expression = plate_expression(watch.plate)
    return expression is not None and any(expression.fullmatch(text) for text in texts)


@given(
    watched=st.lists(st.tuples(PLATES | PATTERNS, st.booleans()), max_size=40),
    plate=PLATES | st.just(""),
    others=st.lists(st.tuples(PLATES, st.sampled_from([0.01, 0.2])), max_size=3),
)
@example(
    watched=[("鄂*鄂", False), ("*", False), ("??*C?", False), ("1*1*1", False)],
    plate="鄂",
    others=[],
)
def test_the_book_finds_what_each_watch_would_find_by_itself(
    watched: list[tuple[str, bool]], plate: str, others: list[tuple[str, float]]
) -> None:
    watches = [
        watch_of(text, fuzzy and not is_wildcard(text), key)
        for key, (text, fuzzy) in enumerate(watched)
    ]
    event = make_event(plate=plate, alternatives=tuple(others))
    found = [watch.id for watch, _ in WatchIndex(watches).matches(event)]
    assert sorted(found) == sorted(watch.id for watch in watches if wants(watch, event))


def test_a_face_is_never_matched() -> None:
    assert WatchIndex([watch_of("*"), watch_of("鄂C12345")]).matches(make_event(plate=None)) == []


def test_a_match_says_why() -> None:
    book = WatchIndex(
        [
            watch_of("鄂C12345", key=1),
            watch_of("鄂C?2*", key=2),
            watch_of("鄂C1Z345", True, key=3),
            watch_of("鄂C12346", key=4),
        ]
    )
    found = {watch.id[-1]: match for watch, match in book.matches(make_event(plate="鄂C12345"))}
    assert {key: match.kind for key, match in found.items()} == {
        "1": MatchKind.EXACT,
        "2": MatchKind.EXACT,
        "3": MatchKind.MISREADING,
    }
    assert "鄂C?2*" in found["2"].reason


def test_thousands_of_patterns_are_few_look_ups() -> None:
    """A mask for each way of fixing places, whatever the characters are."""
    patterns = [
        watch_of(f"鄂{a}?{b}*{c}", key=i)
        for i, (a, b, c) in enumerate(
            (a, b, c) for a in "ABCDEFGHJK" for b in range(10) for c in range(10)
        )
    ]
    book = WatchIndex(patterns)
    assert len(book.watches) == 1000
    assert len(book._patterns) == 1
    assert [watch.plate for watch, _ in book.matches(make_event(plate="鄂C12345"))] == ["鄂C?2*5"]
