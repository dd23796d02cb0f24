"""GStreamer's RTSP server as cameras: the independent check of ingest (run it with Debian's
python3, which has `gi`).

    /usr/bin/python3 tests/gst_server.py --port 0 path=file[:shared] ...

Each path plays a file's H.264 or H.265 over TCP or UDP. By default each client starts the file at
its start, once, and is notified of its end; `:shared` is one pipeline for all clients, in which a
later one joins in the middle. When ready it prints one line of JSON: `{"port": N, "urls": {path:
url}}`. It ends on SIGTERM or SIGINT. Needs the Debian packages python3-gi,
gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good and gstreamer1.0-plugins-bad.
"""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstPbutils", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstPbutils, GstRtspServer  # noqa: E402

CODECS = {"video/x-h264": "h264", "video/x-h265": "h265"}
SOUNDS = {
    "audio/mpeg": "aacparse ! rtpmp4gpay",
    "audio/x-alaw": "rtppcmapay",
    "audio/x-mulaw": "rtppcmupay",
}


def codec_of(file: Path) -> str:
    info = GstPbutils.Discoverer.new(10 * Gst.SECOND).discover_uri(file.resolve().as_uri())
    for stream in info.get_video_streams():
        name = stream.get_caps().get_structure(0).get_name()
        if name in CODECS:
            return CODECS[name]
    raise SystemExit(f"{file} has no H.264 or H.265 video")


def sound_of(file: Path) -> str:
    """How the file's sound is sent; empty where it has none."""
    info = GstPbutils.Discoverer.new(10 * Gst.SECOND).discover_uri(file.resolve().as_uri())
    names = [stream.get_caps().get_structure(0).get_name() for stream in info.get_audio_streams()]
    return next((SOUNDS[name] for name in names if name in SOUNDS), "")


def factory_of(file: Path, shared: bool) -> GstRtspServer.RTSPMediaFactory:
    codec = codec_of(file)
    demuxer = "matroskademux" if file.suffix == ".mkv" else "qtdemux"
    factory = GstRtspServer.RTSPMediaFactory()
    sound = sound_of(file)
    # The parser puts parameter sets before each IDR picture once; the payloader would put them
    # before each of its slices, and so cut an access unit of several slices in two.
    factory.set_launch(
        f'( filesrc location="{file.resolve()}" ! {demuxer} name=demux demux. ! queue ! '
        f"{codec}parse config-interval=-1 "
        f"! video/x-{codec},stream-format=byte-stream,alignment=au ! rtp{codec}pay name=pay0 pt=96 "
        + (f"demux. ! queue ! {sound} name=pay1 )" if sound else ")")
    )
    factory.set_shared(shared)
    factory.set_eos_shutdown(True)
    return factory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("cameras", nargs="+", metavar="path=file[:shared]")
    arguments = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    paths: list[str] = []
    for camera in arguments.cameras:
        path, _, rest = camera.partition("=")
        file, _, mode = rest.partition(":")
        server.get_mount_points().add_factory(f"/{path}", factory_of(Path(file), mode == "shared"))
        paths.append(path)
    if not server.attach(None):
        raise SystemExit(f"port {arguments.port} is taken")
    port = server.get_bound_port()
    print(
        json.dumps(
            {"port": port, "urls": {path: f"rtsp://127.0.0.1:{port}/{path}" for path in paths}}
        ),
        flush=True,
    )
    loop = GLib.MainLoop()
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    loop.run()


if __name__ == "__main__":
    main()
