"""The cookie of a known browser: it knows the last people, and cannot be made for another."""

from __future__ import annotations

from api.sessions.devices import Devices

DEVICES = Devices(b"a key of 32 bytes for the tests.")


def test_a_browser_is_known_for_those_who_signed_in_there() -> None:
    value = DEVICES.value_after(None, "li.wei")
    device = DEVICES.id_for(value, "li.wei")
    assert device is not None
    assert DEVICES.id_for(value, "wang.fang") is None
    both = DEVICES.value_after(value, "wang.fang")
    assert DEVICES.id_for(both, "wang.fang") == DEVICES.id_for(both, "li.wei") == device
    assert DEVICES.value_after(both, "wang.fang") == both
    assert "li.wei" not in both


def test_the_last_eight_people_are_known() -> None:
    value: str | None = None
    for number in range(9):
        value = DEVICES.value_after(value, f"person-{number}")
    assert DEVICES.id_for(value, "person-0") is None
    assert all(DEVICES.id_for(value, f"person-{number}") for number in range(1, 9))


def test_a_foreign_or_changed_value_is_unknown() -> None:
    value = DEVICES.value_after(None, "li.wei")
    device, mark = value.split(".")
    other = Devices(b"another key of 32 bytes, tested.").value_after(None, "li.wei")
    for forged in (
        None, "", "x", device, f"{device}.", f"{'0' * 32}.{mark}", f"{device}.{'0' * 32}", other,
        f"{device}.{mark}x", f".{mark}",
    ):  # fmt: skip
        assert DEVICES.id_for(forged, "li.wei") is None
        fresh = DEVICES.value_after(forged, "li.wei")
        assert DEVICES.id_for(fresh, "li.wei") is not None
