"""The figures of a small tree with known readability."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.readability import invented, measure, repeated_class_names, sentence_lengths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "domain/one.py": "class Gate:\n    pass\n\n\nclass _Private:\n    pass\n",
        "domain/two.py": "class Gate:\n    pass\n\n\nclass _Private:\n    pass\n",
        "api/three.py": "x = 1\n",
        "domain/__init__.py": "",
        "tests/test_one.py": "class Gate: ...\n",
        "README.md": "# Title of it\n\nThe keeper stores an event. It is small.\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def test_a_tree_is_measured(tree: Path) -> None:
    found = measure(tree)
    assert (found.largest_folder, found.modules_in_largest_folder) == ("domain", 2)
    assert found.class_names_defined_twice == 1
    assert found.invented_words == 1
    # Three sentences: the heading of three words, then five and three words.
    assert found.words_a_sentence == pytest.approx(11 / 3, abs=0.05)
    assert found.sentences_over_30_words == 0


def test_only_public_names_of_several_modules_are_repeated() -> None:

    trees = [
        ast.parse("class A: ...\nclass _B: ..."),
        ast.parse("class A: ...\nclass C: ...\nclass _B: ..."),
    ]
    assert repeated_class_names(trees) == ["A"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a plain sentence about a recorder", 0),
        ("class FrameDoze: ...", 1),
        ("def read_the_door(): ...", 1),
        ("the disk is full, and it\ngives way", 1),
        ("doorway and keepsake", 0),
    ],
)
def test_invented_words_are_counted_within_identifiers(text: str, count: int) -> None:
    assert invented(text) == count


def test_code_links_and_tables_do_not_lengthen_sentences() -> None:
    page = (
        "One two three [four five](a/b.md). Six seven eight.\n\n```\nnot counted at all "
        "here\n```\n| nine ten eleven | x |\n"
    )
    assert list(sentence_lengths(page)) == [5, 3, 3]
