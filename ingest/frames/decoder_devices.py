"""Creates the decoders of a worker's checkpoints: on a device, if the setting names one and it
works, and in software otherwise.

PyAV copies the decoded pictures from the device, so the rest of the analysis is the same. No device
was available to test this. Tested are the choice, the limit, and the decoding in software where a
device is missing or fails.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import cast

import av
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext

from domain import metrics
from domain.settings_groups.analysis import DecoderDevice

_log = logging.getLogger(__name__)
_TRIED = {
    DecoderDevice.SOFTWARE: (),
    DecoderDevice.CUDA: (DecoderDevice.CUDA,),
    DecoderDevice.QSV: (DecoderDevice.QSV,),
    DecoderDevice.AUTO: (DecoderDevice.CUDA, DecoderDevice.QSV),
}

OpenDevice = Callable[[str, DecoderDevice], VideoCodecContext]
"""Creates a decoder of a codec on a device. Raises av.FFmpegError if the device does not work."""


class DecoderDevices:
    """The decoders of one worker. It is thread-safe."""

    def __init__(
        self,
        choice: DecoderDevice = DecoderDevice.SOFTWARE,
        most: int = 1,
        open_device: OpenDevice | None = None,
    ) -> None:
        """At most `most` cameras are decoded on a device, because each takes memory there."""
        self._most = most
        self._open_device = open_device or _open_device
        self._devices = list(_TRIED[choice])
        """The devices that have not failed."""
        self._cameras: set[str] = set()
        """The cameras that a device decodes."""
        self._excluded: set[str] = set()
        self._lock = threading.Lock()

    def create(self, camera_id: str, codec: str) -> VideoCodecContext:
        """Return a new decoder of a camera (`h264` or `hevc`). It replaces an earlier one."""
        with self._lock:
            self._cameras.discard(camera_id)
            may_use_device = len(self._cameras) < self._most and camera_id not in self._excluded
            context = self._on_device(codec) if may_use_device else None
            if context is not None:
                self._cameras.add(camera_id)
        metrics.HARDWARE_DECODER.labels(camera_id).set(context is not None)
        return context or cast(VideoCodecContext, VideoCodecContext.create(codec, "r"))

    def exclude(self, camera_id: str) -> bool:
        """Decode a camera in software from its next decoder on, because its pictures cannot be
        decoded on the device. Return whether its decoder was on one.
        """
        with self._lock:
            if camera_id not in self._cameras:
                return False
            self._excluded.add(camera_id)
        _log.warning(
            "%s: its pictures cannot be decoded on the device; software is used", camera_id
        )
        return True

    def release(self, camera_id: str) -> None:
        """Forget the decoder of a camera that ends."""
        with self._lock:
            self._cameras.discard(camera_id)
            self._excluded.discard(camera_id)

    def _on_device(self, codec: str) -> VideoCodecContext | None:
        while self._devices:
            device = self._devices[0]
            try:
                context = self._open_device(codec, device)
            except av.FFmpegError as error:
                why = str(error)
            else:
                if context.is_hwaccel:
                    return context
                why = "FFmpeg offers no decoder on it"
            del self._devices[0]
            following = self._devices[0] if self._devices else "software"
            _log.warning(
                "checkpoints cannot be decoded by %s (%s); %s is used", device, why, following
            )
        return None


def _open_device(codec: str, device: DecoderDevice) -> VideoCodecContext:
    accelerator = HWAccel(device.value, allow_software_fallback=False)
    context = VideoCodecContext.create(codec, "r", hwaccel=accelerator)
    return cast(VideoCodecContext, context)
