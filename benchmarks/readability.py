"""Measures how easy the source tree and its documentation are to read.

    python -m benchmarks.readability [ROOT ...]

Each ROOT is a checkout; two of them, an older and this one, make a table of before and after.
`tests/test_packages.py` holds the limits that the project keeps.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

PRODUCT = ("domain", "storage", "ingest", "analytics", "api", "sightline", "simulator")
INVENTED = frozenset(
    [
        "doze",
        "dozes",
        "dozing",
        "gaze",
        "gazes",
        "lull",
        "lulls",
        "peek",
        "peeks",
        "lately",
        "hangup",
        "calm",
        "calmer",
        "hurry",
        "heeded",
        "suspicion",
        "suspect",
        "salvage",
        "salvages",
        "salvaged",
        "stillness",
        "keeper",
        "keepers",
        "keeping",
        "paint",
        "painted",
        "thinning",
        "strain",
        "strained",
        "looker",
        "lookers",
        "lasting",
        "beats",
        "pulses",
        "door",
        "doors",
        "took",
        "came",
        "told",
        "hears",
        "heard",
        "whoever",
        "nobody",
        "somebody",
        "reckon",
        "reckons",
        "reckoned",
        "beside",
        "dear",
        "dearer",
        "wanted",
        "sought",
        "odd",
    ]
)
"""Words that the project used in a sense of its own; a metaphor or an archaism each."""
INVENTED_PHRASES = ("for ever", "gives way", "give way", "at once", "of note", "none of ours")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Readability:
    """The figures of one checkout. Tests, benchmarks and training are not counted as product."""

    largest_folder: str
    modules_in_largest_folder: int
    class_names_defined_twice: int
    syntax_nodes_a_line: float
    characters_a_line: float
    invented_words: int
    words_a_sentence: float
    sentences_over_30_words: int


def measure(root: Path) -> Readability:
    """Measure the checkout at `root`. Raises SyntaxError when a file is not Python 3.11."""
    files = product_files(root)
    texts = [file.read_text("utf-8") for file in files]
    trees = [ast.parse(text) for text in texts]
    folders = Counter(str(file.parent.relative_to(root)) for file in files)
    largest, modules = folders.most_common(1)[0]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    pages = documentation(root)
    lengths = [length for page in pages for length in sentence_lengths(page)]
    return Readability(
        largest_folder=largest,
        modules_in_largest_folder=modules,
        class_names_defined_twice=len(repeated_class_names(trees)),
        syntax_nodes_a_line=round(sum(nodes(tree) for tree in trees) / len(lines), 2),
        characters_a_line=round(sum(map(len, lines)) / len(lines), 1),
        invented_words=sum(invented(text) for text in [*texts, *pages]),
        words_a_sentence=round(sum(lengths) / max(len(lengths), 1), 1),
        sentences_over_30_words=sum(length > 30 for length in lengths),
    )


def product_files(root: Path) -> list[Path]:
    """Every module of the product, package markers left out."""
    files = (file for package in PRODUCT for file in sorted((root / package).rglob("*.py")))
    return [file for file in files if file.name != "__init__.py"]


def documentation(root: Path) -> list[str]:
    """The pages that describe the present: decisions and the changelog are history."""
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    return [page.read_text("utf-8") for page in pages if page.exists()]


def nodes(tree: ast.AST) -> int:
    return sum(1 for _ in ast.walk(tree))


def repeated_class_names(trees: Iterable[ast.Module]) -> list[str]:
    """Public names of classes that more than one module defines."""
    names = Counter(
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    return sorted(name for name, count in names.items() if count > 1)


def invented(text: str) -> int:
    """Count the invented words in a text; a part of an identifier counts as a word."""
    words = sum(word.lower() in INVENTED for word in _WORD.findall(text))
    prose = " ".join(text.lower().split())
    return words + sum(prose.count(phrase) for phrase in INVENTED_PHRASES)


def sentence_lengths(page: str) -> Iterator[int]:
    """The number of words of each sentence of a Markdown page; a table cell is a sentence."""
    text = _LINK.sub(r"\1", _FENCE.sub("\n\n", page))
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*#|]|\d+\.) ?)|\|", text):
        for sentence in _SENTENCE_END.split(" ".join(block.split())):
            length = len(re.findall(r"[\w`/'.-]*\w[\w`/'.-]*", sentence))
            if length > 2:
                yield length


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readability", description=__doc__)
    parser.add_argument("roots", nargs="*", type=Path, default=[Path(__file__).parent.parent])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    measured = [asdict(measure(root.resolve())) for root in arguments.roots]
    if arguments.json:
        print(json.dumps(measured, indent=1))
        return 0
    for name in measured[0]:
        print(f"{name.replace('_', ' '):<28}", *(f"{figures[name]!s:>20}" for figures in measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
