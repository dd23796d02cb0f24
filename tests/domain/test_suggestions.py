from __future__ import annotations

import pytest

from domain.suggestions import is_plain_word, shortened, suggestion


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
    assert suggestion(word, known) == said


def test_a_value_is_shown_short_and_on_one_line() -> None:
    assert (shortened("a\nb"), shortened(7)) == ("'a\\nb'", "7")
    assert shortened("x" * 100, most=10) == "'xxxxxxxx…"


def test_only_plain_words_may_be_repeated() -> None:
    assert all(map(is_plain_word, ("gate-1", "danjiangkou/junzhou", "retension_days")))
    assert not any(map(is_plain_word, ("admin:hunter2", "p@ss", "a b", "", "密码", "x" * 65, 7)))
