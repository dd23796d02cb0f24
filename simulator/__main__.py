"""`python -m simulator --config FILE.json [--port N]`: simulated cameras as a process of their
own.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.errors import BadInput
from simulator import CodecChange, Fault, SimCamera, Simulator


def read_config(file: Path) -> list[SimCamera]:
    """The cameras of a JSON list, each with the fields of SimCamera; files are relative to the
    list's own folder. Raises BadInput.
    """
    try:
        cameras = TypeAdapter(list[SimCamera]).validate_json(file.read_bytes())
    except OSError as error:
        raise BadInput(
            "{file}: cannot be read: {reason}", file=file, reason=error.strerror
        ) from error
    except ValidationError as error:
        faults = [
            f"{file}: {'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise BadInput("\n".join(faults)) from error
    return [_placed(camera, file.parent) for camera in cameras]


def _placed(camera: SimCamera, folder: Path) -> SimCamera:
    def fault_placed(fault: Fault) -> Fault:
        return replace(fault, file=folder / fault.file) if isinstance(fault, CodecChange) else fault

    return replace(
        camera,
        file=folder / camera.file,
        faults=tuple(fault_placed(fault) for fault in camera.faults),
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Play files as RTSP cameras."
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="a JSON list of cameras; docs/simulator.md says what each may hold",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="the RTSP port on loopback; 0 takes a free one"
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    silent = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: silent.set())
    try:
        with Simulator(read_config(options.config), options.port) as simulator:
            print(json.dumps({"port": simulator.port, "urls": simulator.urls}), flush=True)
            while not stop.wait(0.1):
                if silent.is_set():
                    silent.clear()
                    print(
                        json.dumps(
                            {
                                path: asdict(counters)
                                for path, counters in simulator.fall_silent().items()
                            }
                        ),
                        flush=True,
                    )
    except BadInput as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
