"""Problems are in the language that the client prefers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from api.requests.languages import CHINESE, ENGLISH, TITLES, preferred_language
from api.requests.problems import BY_NAME
from api.translations.catalogue import in_chinese
from domain.messages.message import Message
from tests.api.requests.test_problems import check_problem

if TYPE_CHECKING:
    from tests.api.conftest import Site


def test_every_problem_has_both_languages() -> None:
    assert set(TITLES) == set(BY_NAME)
    for title, advice in TITLES.values():
        assert any("\u4e00" <= character <= "\u9fff" for character in title)
        assert any("\u4e00" <= character <= "\u9fff" for character in advice)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("en-US,en;q=0.9,zh;q=0.8", ENGLISH),
        ("fr, zh-Hant;q=0.5", CHINESE),
        ("zh;q=0, en;q=0.1", ENGLISH),
        ("zh;q=nonsense", ENGLISH),
        ("*", ENGLISH),
        (";;,=", ENGLISH),
    ],
)
def test_the_language_is_the_preferred_one(accepted: str, language: str) -> None:
    assert preferred_language(accepted) == language


@pytest.mark.parametrize("path", ["/v1/events?limit=0", "/v1/nowhere", "/v1/cameras/nowhere"])
def test_a_problem_is_translated_and_keeps_its_type(site: Site, path: str) -> None:
    english = site.get(path)
    chinese = site.get(path, Accept_Language="zh-CN,zh;q=0.9")
    for answer, language in ((english, ENGLISH), (chinese, CHINESE)):
        assert answer.headers["Content-Language"] == language
        assert answer.headers["Vary"] == "Accept-Language"
        assert int(answer.headers["Content-Length"]) == len(answer.content)
    problem = check_problem(chinese)
    title, advice = TITLES[problem.type.rpartition(":")[2]]
    assert (problem.type, problem.title) == (check_problem(english).type, title)
    english_problem = check_problem(english)
    assert problem.detail == f"{advice}：{in_chinese(english_problem.message)}"
    for one in (problem, english_problem):
        assert one.detail == one.message
    assert not re.search("[a-z]{3} [a-z]{2}", problem.detail), "a part of it is English"
    cause = problem.message.parts["cause"]
    assert isinstance(cause, Message)
    assert cause.parts.keys() == english_problem.message.parts.keys()


def test_an_answer_that_is_no_problem_has_no_language(site: Site) -> None:
    answer = site.get("/v1/cameras", Accept_Language="zh")
    assert "Content-Language" not in answer.headers


def test_a_head_request_has_the_language_of_its_problem(site: Site) -> None:
    answer = site.get(
        "/v1/events/01JD7Z3V5G8M2K4Q6R9T1W3Y5A/clip", method="HEAD", Accept_Language="zh"
    )
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, CHINESE)
