"""The sentences of errors that people read in the console have a Chinese translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.requests.problems import _KEPT_INSIDE
from api.translations.errors import SENTENCES, in_chinese
from api.translations.streams import STREAM_SENTENCES

ROOT = Path(__file__).parents[3]
FOLDERS = (
    *(
        f"api/{name}"
        for name in (
            *("access", "cameras", "events", "exports", "feeds", "limits", "live", "nodes"),
            *("people", "policy", "requests", "sessions", "site"),
        )
    ),
    "storage/exports",
    "storage/site",
)
FILES = ("storage/events/corrections.py",)
ERRORS = {
    *("ApprovalRequired", "AuditUnavailable", "CaseRequired", "CorrectionConflict", "ExportGone"),
    *("ExportNotReady", "Forbidden", "NodeOffline", "NotFound", "RateLimited", "ReasonMissing"),
    *("RecordChanged", "RecordEnded", "RecordExists", "SecondPersonRequired", "SignInFailed"),
    "TriggerRefused",
}
OF_PROGRAMS = (
    "api/access/origins.py",  # requests of other sites
    "api/limits/request_limits.py",  # requests that no browser sends
    "api/sessions/openid.py",  # the identity provider's own requests
    "api/site/base_map.py",  # the tiles of a map, which show no text
    "api/site/console.py",
)
"""Sources whose sentences only programs and their developers read."""


OF_STREAMS = {"SourceRejected", "SourceTimeout", "SourceUnreachable"}
NEAR = {
    "what is recorded around it is not known: {}",
    "nor is anything within a day of it",
    "what comes before ends at {}",
    "what comes after begins at {}",
    "what comes before ends at {} and what comes after begins at {}",
}
"""What `api/cameras/recordings.py` adds to an error; a test of that module expects them."""


def raised() -> Iterator[tuple[str, str]]:
    """Yield each sentence that is raised, with `{}` for its parts, and its file."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    for path in (*paths, *(ROOT / file for file in FILES)):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            sentence = _raised_by(node) or _constant_of(node)
            if name not in OF_PROGRAMS and sentence and sentence.strip("{}; "):
                yield name, sentence


def _raised_by(node: ast.AST, errors: set[str] = ERRORS) -> str | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return None
    return _template(node.args[0]) if node.func.id in errors else None


def _constant_of(node: ast.AST) -> str | None:
    """Return the sentence of a constant such as `NO_HOLD`, whose part is filled in later."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return None
    if not node.targets[0].id.startswith("NO_"):
        return None
    sentence = _template(node.value)
    return sentence.replace("{!r}", "{}") if sentence and "{!r}" in sentence else None


def _template(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)
        return "".join(map(str, parts))
    return None


def test_every_sentence_for_people_is_translated() -> None:
    missing = sorted({f"{name}: {text}" for name, text in raised() if text not in SENTENCES})
    assert missing == []
    assert set(_KEPT_INSIDE.values()) <= set(SENTENCES)


def test_no_translation_is_of_a_sentence_that_is_gone() -> None:
    known = {text for _, text in raised()} | set(_KEPT_INSIDE.values()) | NEAR
    assert sorted(set(SENTENCES) - known) == []


def test_every_failure_of_an_rtsp_stream_is_translated() -> None:
    said = set(_templates("ingest/rtsp", OF_STREAMS))
    assert said
    assert sorted(said - set(STREAM_SENTENCES)) == []


def test_the_details_of_gaps_are_those_of_the_sources() -> None:
    texts = set(_templates("ingest/rtsp", OF_STREAMS)) | set(_texts("api/cameras/coverage.py"))
    assert sorted(set(STREAM_SENTENCES) - texts) == []


def _templates(folder: str, errors: set[str]) -> Iterator[str]:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            sentence = _raised_by(node, errors)
            if sentence and "{}, though" not in sentence:
                yield sentence


def _texts(file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
        sentence = _template(node) if isinstance(node, ast.expr) else None
        if sentence:
            yield sentence


@pytest.mark.parametrize(("english", "chinese"), (SENTENCES | STREAM_SENTENCES).items())
def test_a_translation_has_the_parts_of_its_sentence(english: str, chinese: str) -> None:
    parts = [f"part-{number}" for number in range(english.count("{}"))]
    texts = english.split("{}")
    whole = "".join(text + part for text, part in zip(texts, [*parts, ""], strict=True))
    translated = in_chinese(whole)
    assert translated == chinese.format(*parts)
    assert re.search("[\u4e00-\u9fff]", translated)


def test_a_sentence_that_is_not_known_is_not_translated() -> None:
    assert in_chinese("the moon is down") is None


def test_a_sentence_of_two_errors_is_translated() -> None:
    assert (
        in_chinese(
            "nothing of gate is recorded between 3:10 and 3:20; nor is anything within a day of it"
        )
        == "gate 在 3:10 至 3:20 之间没有录像；前后一天内也没有录像"
    )


def test_the_parts_keep_their_places() -> None:
    assert in_chinese("li is an operator without the right `exports`") == (
        "li（角色 operator）没有权限 `exports`"
    )
    assert in_chinese("clip of this event is not uploaded yet, and no node holds gate") == (
        "该事件的 clip 尚未上传，且没有节点接管 gate"
    )
