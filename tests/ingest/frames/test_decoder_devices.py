"""Checkpoints are decoded on the device of the setting, and in software if that does not work."""

from __future__ import annotations

import logging
from typing import cast

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from domain.metrics import HARDWARE_DECODER
from domain.settings_groups.analysis import DecoderDevice
from ingest.frames.decoder_devices import DecoderDevices


class OnDevice:
    """A decoder on a device, which this machine need not have."""

    is_hwaccel = True


class Machine:
    """A machine with some devices; it records which were tried."""

    def __init__(self, *devices: DecoderDevice) -> None:
        self.devices = devices
        self.tried: list[DecoderDevice] = []

    def open_device(self, codec: str, device: DecoderDevice) -> VideoCodecContext:
        self.tried.append(device)
        if device not in self.devices:
            raise av.FFmpegError(1, "no such device")
        return cast(VideoCodecContext, OnDevice())


def is_on_device(context: VideoCodecContext) -> bool:
    return context.is_hwaccel


def test_software_is_the_default_and_tries_no_device() -> None:
    machine = Machine(DecoderDevice.CUDA)
    devices = DecoderDevices(DecoderDevice.SOFTWARE, 16, machine.open_device)
    assert not is_on_device(devices.create("gate", "h264"))
    assert machine.tried == []


def test_auto_takes_the_first_device_that_works() -> None:
    machine = Machine(DecoderDevice.QSV)
    devices = DecoderDevices(DecoderDevice.AUTO, 16, machine.open_device)
    assert is_on_device(devices.create("gate", "h264"))
    assert is_on_device(devices.create("school", "hevc"))
    assert machine.tried == [DecoderDevice.CUDA, DecoderDevice.QSV, DecoderDevice.QSV]
    assert HARDWARE_DECODER.labels("gate")._value.get() == 1


def test_a_missing_device_is_named_once_and_pictures_are_decoded_in_software(
    caplog: pytest.LogCaptureFixture,
) -> None:
    devices = DecoderDevices(DecoderDevice.CUDA, 16, Machine().open_device)
    with caplog.at_level(logging.WARNING):
        contexts = [devices.create(camera, "h264") for camera in ("gate", "school")]
    assert not any(is_on_device(context) for context in contexts)
    (message,) = [record.getMessage() for record in caplog.records]
    assert "cannot be decoded by cuda" in message
    assert "software is used" in message
    assert HARDWARE_DECODER.labels("school")._value.get() == 0


def test_only_so_many_cameras_are_decoded_on_a_device() -> None:
    machine = Machine(DecoderDevice.CUDA)
    devices = DecoderDevices(DecoderDevice.CUDA, 2, machine.open_device)
    assert [is_on_device(devices.create(f"cam-{at}", "h264")) for at in range(3)] == [
        True,
        True,
        False,
    ]
    assert is_on_device(devices.create("cam-0", "h264")), "a new session of the same camera"
    devices.release("cam-1")
    assert is_on_device(devices.create("cam-2", "h264"))


def test_a_camera_whose_pictures_the_device_cannot_decode_is_decoded_in_software(
    caplog: pytest.LogCaptureFixture,
) -> None:
    devices = DecoderDevices(DecoderDevice.CUDA, 16, Machine(DecoderDevice.CUDA).open_device)
    devices.create("gate", "h264")
    assert not devices.exclude("school"), "its decoder is not on the device"
    with caplog.at_level(logging.WARNING):
        assert devices.exclude("gate")
    assert "cannot be decoded on the device" in caplog.text
    assert not is_on_device(devices.create("gate", "h264"))
    assert is_on_device(devices.create("school", "h264"))


@pytest.mark.parametrize("device", list(DecoderDevice))
def test_every_setting_gives_a_decoder_on_the_machine_that_tests_it(device: DecoderDevice) -> None:
    """It need not have any of the devices."""
    context = DecoderDevices(device, 16).create("gate", "h264")
    assert context.codec.name.startswith("h264")
