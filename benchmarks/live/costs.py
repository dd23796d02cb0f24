"""What a further viewer costs: the difference between few and many viewers."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.processes import Cost, cost_of
from benchmarks.site import CLOCK, BenchSite
from domain.people import Right, Role

START_WITHIN_S, SETTLED_S = 120.0, 5.0


def cost_of_viewer(few: Cost, many: Cost, further: int) -> Cost:
    """Return the CPU time and the memory of one further viewer."""
    return Cost(
        (many.cpu_s - few.cpu_s) / further,
        (many.resident_bytes - few.resident_bytes) // further,
        (many.proportional_bytes - few.proportional_bytes) // further,
    )


def cost_during(pids: list[int], seconds: float) -> Cost:
    """Return the CPU time within some seconds, and the memory at their end."""
    before = cost_of(pids)
    CLOCK.sleep(seconds)
    after = cost_of(pids)
    return Cost(after.cpu_s - before.cpu_s, after.resident_bytes, after.proportional_bytes)


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline_s = CLOCK.monotonic_s() + START_WITHIN_S
    while not holds():
        if CLOCK.monotonic_s() > deadline_s:
            raise RuntimeError(f"no {what} after {START_WITHIN_S:.0f} s")
        CLOCK.sleep(0.2)


def serving_pids(site: BenchSite) -> list[int]:
    """Return the processes of a site that work for viewers."""
    modules = ("sightline.api_process", "sightline.live_process", "sightline.media_process")
    return [pid for module in modules for pid in site.pids(module)]


def start(site: BenchSite, cameras: list[str]) -> None:
    """Start a site, sign in, and wait until its cameras are live."""
    site.start()
    wait_until("answer of the site", site.answers)
    site.sign_in(Role.OPERATOR, Right.METRICS_READ)
    wait_until("live cameras", lambda: all(_state(site, name) == "live" for name in cameras))


def _state(site: BenchSite, camera: str) -> str:
    answer = site.get(f"/v1/cameras/{camera}")
    return "" if answer is None or answer.status_code != 200 else str(answer.json()["state"])


def tickets(site: BenchSite, camera: str) -> dict[str, str]:
    """Return the paths with which a camera is opened, by WebSocket and by WHEP."""
    answer = site.get(f"/v1/cameras/{camera}/live/ticket")
    assert answer is not None
    found: dict[str, str] = answer.json()
    return found
