"""Simulated cameras: an RTSP server that replays files, with scripted faults, for the demo, the
tests and the load generator.
"""

from simulator.camera import (
    CodecChange,
    Cut,
    Fault,
    Jump,
    Loss,
    NewPassword,
    NoVideo,
    Refuse,
    SimCamera,
    Stall,
)
from simulator.simulator import Simulator

__all__ = [
    "CodecChange",
    "Cut",
    "Fault",
    "Jump",
    "Loss",
    "NewPassword",
    "NoVideo",
    "Refuse",
    "SimCamera",
    "Simulator",
    "Stall",
]
