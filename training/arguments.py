"""The arguments of the training commands for characters and fonts, and the resulting glyphs.

This module is not in the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.glyphs import SPLIT_SEED, Glyphs, load_characters, make_glyphs, split


def parser_of(document: str | None) -> argparse.ArgumentParser:
    """For a module with that docstring: takes the real characters and the fonts."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0] if document else None)
    parser.add_argument("--characters", type=Path, required=True)
    parser.add_argument("--font", type=Path, action="append", required=True)
    parser.add_argument("--latin-font", type=Path, action="append", required=True)
    return parser


def trained_glyphs(given: argparse.Namespace) -> Glyphs:
    """Of the characters that training sees."""
    return make_glyphs(
        split(load_characters(given.characters), SPLIT_SEED)[0], given.font, given.latin_font
    )


def unseen_glyphs(given: argparse.Namespace) -> Glyphs:
    """Of the characters that training never saw."""
    return make_glyphs(
        split(load_characters(given.characters), SPLIT_SEED)[1], given.font, given.latin_font
    )
