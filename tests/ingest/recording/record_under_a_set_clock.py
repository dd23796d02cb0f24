"""A camera pulled and recorded in a process of its own, whose clock a test sets: `url folder`.
Prints its status for each line that it reads, and when it ends.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from domain.clock import SystemClock
from domain.log import set_up_logging
from domain.media.fanout import Fanout
from domain.paths.data_layout import Layout
from domain.settings import Settings
from ingest.recording.disk_writer import DiskWriter
from ingest.recording.recorder import Recorder
from ingest.rtsp.pull_loop import PullLoop
from tests.ingest.conftest import make_camera, streamer_of


def main(url: str, folder: str) -> None:
    """Until standard input closes."""
    set_up_logging("WARNING", "recorder")
    clock, settings, fanout, stop = (
        SystemClock(),
        Settings(segment_s=2.0),
        Fanout(),
        threading.Event(),
    )
    loop, writer = PullLoop(clock), DiskWriter(clock)
    recorder = Recorder(
        "gate", Layout(Path(folder)), lambda: 7, settings, clock, writer, lambda *_: None
    )
    fanout.attach(recorder)
    streamer = streamer_of(make_camera(url), fanout, clock)
    writing = threading.Thread(target=writer.run, args=(stop,))
    writing.start()
    loop.start()
    streamer.start(loop)
    for _line in sys.stdin:
        print(json.dumps(asdict(streamer.status())), flush=True)
    status = streamer.status()
    streamer.stop()
    streamer.join()
    recorder.close()
    recorder.join(120.0)
    stop.set()
    writing.join()
    loop.stop()
    loop.join()
    print(json.dumps(asdict(status)))


if __name__ == "__main__":
    main(*sys.argv[1:])
