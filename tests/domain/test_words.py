from __future__ import annotations

import pytest

from domain.words import likely, shown


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("retension_days", ("retention_days", "record"), "did you mean `retention_days`?"),
        ("RECORD", ("record",), "did you mean `record`?"),
        ("danjiangkou/Junzhou", ("danjiangkou/junzhou",), "did you mean `danjiangkou/junzhou`?"),
        ("onvif", ("ONVIF", "api"), "did you mean `ONVIF`?"),
        ("xyz", ("record", "upload"), "known here: record, upload"),
        ("xyzzy", ("fuzzy",), "known here: fuzzy"),
        ("xyz", (), "none is known here"),
    ],
)
def test_the_likely_right_word(word: str, known: tuple[str, ...], said: str) -> None:
    assert likely(word, known) == said


def test_a_value_is_shown_short_and_on_one_line() -> None:
    assert (shown("a\nb"), shown(7)) == ("'a\\nb'", "7")
    assert shown("x" * 100, most=10) == "'xxxxxxxx…"
