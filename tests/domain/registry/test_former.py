"""Former cameras keep their last entry until they return."""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.registry import Registry
from domain.registry.former import FormerCameras


def registry(*cameras: tuple[str, str]) -> Registry:
    place = {"name": "x", "area": "a", "location": {"lon": 0, "lat": 0}, "url": "rtsp://10.0.0.1/"}
    entries = [{"id": camera_id, "class": class_, **place} for camera_id, class_ in cameras]
    return Registry.model_validate(
        {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": entries}
    )


NONE = registry()
ALL = registry(("gate", "A"), ("shop", "C"))


def classes(known: FormerCameras) -> dict[str, tuple[str, int]]:
    return {name: (one.camera.class_, one.left_at // NS_PER_S) for name, one in known.by_id.items()}


def test_a_camera_that_leaves_is_known_as_it_last_was_until_it_is_back() -> None:
    left = FormerCameras().after(ALL, registry(("gate", "A")), 5 * NS_PER_S)
    assert classes(left) == {"shop": ("C", 5)}
    again = left.after(registry(("gate", "A")), registry(("shop", "B")), 6 * NS_PER_S)
    assert classes(again) == {"gate": ("A", 6)}
    assert classes(again.after(registry(("shop", "B")), NONE, 7 * NS_PER_S)) == {
        "gate": ("A", 6),
        "shop": ("B", 7),
    }


def test_what_is_known_here_is_newer_than_what_is_learned() -> None:
    here = FormerCameras().after(registry(("gate", "A")), NONE, 9 * NS_PER_S)
    older = FormerCameras().after(
        registry(("gate", "C"), ("shop", "C"), ("old", "B")), NONE, 3 * NS_PER_S
    )
    joined = here.joined(older, registry(("shop", "C")))
    assert joined.is_complete
    assert classes(joined) == {"gate": ("A", 9), "old": ("B", 3)}


def test_it_outlives_its_file() -> None:
    known = FormerCameras().after(ALL, NONE, 5 * NS_PER_S)
    assert FormerCameras.model_validate_json(known.model_dump_json(by_alias=True)) == known
