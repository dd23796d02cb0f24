"""ONVIF devices over HTTP up to the log of triggers: logins, clock offsets, faults and the stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.clock import S_PER_DAY, SystemClock
from domain.metrics import ONVIF_FAILURES
from domain.paths.data_layout import Layout
from domain.recordings.triggers import Trigger
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from ingest.onvif.client import MAX_BYTES, OnvifEvents
from sightline.cameras.onvif_listener import OnvifListener
from sightline.cameras.trigger_queue import TriggerQueue
from storage.recordings.trigger_log import TriggerLog
from tests.onvif_device import PASSWORD, USER, OnvifDevice, motion, serving
from tests.waiting import PATIENCE_S, wait_for

CLOCK = SystemClock()
NETWORKS = Networks((ip_network("127.0.0.0/8"),))
FOR_EVER_NS = 1 << 62


class Site:
    """A listener of one camera, and its log."""

    def __init__(self, folder: Path) -> None:
        self.log = TriggerLog(Layout(folder), Settings())
        self.triggers = TriggerQueue(self.log, CLOCK)
        self.cameras: list[OnvifEvents] = []
        self.said = threading.Event()

    def events(
        self, port: int, password: str = PASSWORD, networks: Networks = NETWORKS
    ) -> OnvifEvents:
        entry = {
            "id": "gate",
            "name": "g",
            "class": "A",
            "area": "a",
            "location": {"lon": 1, "lat": 2},
            "url": "rtsp://127.0.0.1/1",
            "record": "events",
            "triggers": ["onvif"],
            "onvif_port": port,
        }
        return OnvifEvents(
            Camera.model_validate(entry),
            Credentials(USER, SecretStr(password)),
            networks,
            self._fire,
            CLOCK,
        )

    def logged(self) -> tuple[Trigger, ...]:
        self.triggers.write()
        return self.log.between("gate", 0, FOR_EVER_NS)

    def _fire(self, start_ns: int, end_ns: int, reason: str) -> None:
        self.triggers.fire("gate", "onvif", start_ns, end_ns, reason)
        self.said.set()


@contextmanager
def listening(site: Site) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=OnvifListener(lambda: site.cameras).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def soon(what: Callable[[], bool]) -> bool:
    return wait_for("what is expected", what)


@pytest.mark.parametrize(
    "device",
    [
        OnvifDevice(),
        OnvifDevice(http_login=True),
        OnvifDevice(ahead_s=-S_PER_DAY),
        OnvifDevice(has_renew=False),
        OnvifDevice(event_host="192.168.1.64:81"),
    ],
    ids=[
        "token",
        "http digest",
        "clock a day behind",
        "no renewal",
        "addresses of another network",
    ],
)
def test_motion_of_a_device_is_a_line_of_the_log(
    device: OnvifDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.onvif.client.RENEW_EVERY_S", 0.0)
    site = Site(tmp_path)
    with serving(device):
        site.cameras = [site.events(device.port)]
        with listening(site):
            assert device.is_subscribed.wait(PATIENCE_S)
            before_ns = CLOCK.wall_ns()
            device.said.put(motion(True))
            assert site.said.wait(PATIENCE_S)
            assert soon(lambda: "Renew" in device.asked)
        (trigger, *_) = site.logged()
        assert (trigger.source, trigger.reason) == (
            "onvif",
            "RuleEngine/CellMotionDetector/Motion Rule=r",
        )
        assert before_ns <= trigger.start_ns <= CLOCK.wall_ns() <= trigger.end_ns
        assert "Unsubscribe" in device.asked
        assert not device.is_subscribed.is_set()


def test_a_lost_subscription_is_taken_again(tmp_path: Path) -> None:
    site, device = Site(tmp_path), OnvifDevice()
    with serving(device):
        site.cameras = [site.events(device.port)]
        with listening(site):
            assert device.is_subscribed.wait(PATIENCE_S)
            device.is_subscribed.clear()  # as after a restart
            assert device.is_subscribed.wait(PATIENCE_S)
            device.said.put(motion(True, operation="Initialized"))
            assert site.said.wait(PATIENCE_S)


def test_a_removed_camera_is_unsubscribed_and_a_new_one_subscribed(tmp_path: Path) -> None:
    site, device = Site(tmp_path), OnvifDevice()
    with serving(device), listening(site):
        site.cameras = [site.events(device.port)]
        assert device.is_subscribed.wait(PATIENCE_S)
        site.cameras = []
        assert soon(lambda: not device.is_subscribed.is_set())
        site.cameras = [site.events(device.port)]
        assert device.is_subscribed.wait(PATIENCE_S)


def _failures() -> float:
    return next(
        (
            one.value
            for one in next(iter(ONVIF_FAILURES.collect())).samples
            if one.name.endswith("_total")
        ),
        0.0,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda site, device: site.events(device.port, password="wrong"),
            "refused the credentials",
        ),
        (
            lambda site, device: site.events(
                device.port, networks=Networks((ip_network("10.0.0.0/8"),))
            ),
            "outside `networks`",
        ),
        (lambda site, device: site.events(1), "cannot be reached"),
    ],
    ids=["password", "networks", "no server"],
)
def test_failures_are_reported_and_counted(
    change: Callable[[Site, OnvifDevice], OnvifEvents],
    says: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site, device, before = Site(tmp_path), OnvifDevice(), _failures()
    with serving(device):
        site.cameras = [change(site, device)]
        with listening(site):
            assert soon(lambda: _failures() > before)
    assert "gate: ONVIF events are not available: " in caplog.text
    assert says in caplog.text
    assert not site.logged()
    assert (
        device.asked.count("GetCapabilities") <= 1
    )  # refused credentials are not tried again soon


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<" * (MAX_BYTES + 1), "without end"),
        (b"<a/>", "no ONVIF device"),
        (b"\x1f\x8b\x00", "no ONVIF device"),
    ],
)
def test_devices_that_answer_nonsense(
    answer: bytes, says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site, device, before = Site(tmp_path), OnvifDevice(answer=answer), _failures()
    with serving(device):
        site.cameras = [site.events(device.port)]
        with listening(site):
            assert soon(lambda: _failures() > before)
    assert says in caplog.text
