"""The drawn footage shows every province and every kind of plate, and is the same in each run."""

from __future__ import annotations

import threading
from pathlib import Path

from domain.plates import ARMED_POLICE, PROVINCES, PlateColor, is_plate
from tests.drawn_footage import make_characters, make_crops
from tests.footage import CROPS, Footage
from training.glyphs import load_characters
from training.texts import KINDS


def _province_of(text: str) -> str:
    return text.removeprefix(ARMED_POLICE)[0]


def test_every_province_and_every_colour_is_photographed_and_cut_out(
    drawn_footage: Footage,
) -> None:
    crops = [file.stem for file in drawn_footage.crops.iterdir()]
    photos = [file.stem for file in drawn_footage.photos.iterdir()]
    assert sorted(photos) == sorted(drawn_footage.colors)
    for texts in (crops, photos):
        assert {_province_of(text) for text in texts} >= set(PROVINCES)
        assert [text for text in texts if not is_plate(text)] == []
    assert set(drawn_footage.colors.values()) == set(PlateColor) - {PlateColor.UNKNOWN}


def test_the_film_shows_one_vehicle_of_each_kind(drawn_footage: Footage) -> None:
    passes = drawn_footage.passes()
    assert [one.color for one in passes] == [kind.color for kind in KINDS]
    assert len(set(drawn_footage.order())) == len(KINDS)
    assert all(is_plate(text) for text in drawn_footage.order())


def test_the_same_is_drawn_each_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        make_crops(tmp_path / name)
        make_characters(tmp_path / f"{name}.zip")
    pictures = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert pictures == {file.name: file.read_bytes() for file in (tmp_path / "other").iterdir()}
    one, other = (load_characters(tmp_path / f"{name}.zip") for name in ("one", "other"))
    assert {key: [sample.tobytes() for sample in some] for key, some in one.items()} == {
        key: [sample.tobytes() for sample in some] for key, some in other.items()
    }
    assert len({sample.tobytes() for sample in one["京"]}) == len(one["京"])


def test_those_who_ask_at_the_same_time_get_what_was_drawn_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        make_crops(folder)

    asked = [Footage(tmp_path, {}, makers={CROPS: make}) for _ in range(4)]
    threads = [threading.Thread(target=lambda one=one: one.crops) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert not made[0].exists()
    assert len(asked[0].read_crops) == len(list((tmp_path / CROPS).iterdir())) > 31
