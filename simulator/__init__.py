"""Simulated cameras: an RTSP server that replays files, with scripted faults, for the demo, the
tests and the load generator.
"""

from simulator.camera import (
    CodecChange,
    ConnectionCut,
    Fault,
    Jump,
    NewPassword,
    NoVideo,
    PacketLoss,
    Refuse,
    SimCamera,
    Stall,
)
from simulator.simulator import Simulator

__all__ = [
    "CodecChange",
    "ConnectionCut",
    "Fault",
    "Jump",
    "NewPassword",
    "NoVideo",
    "PacketLoss",
    "Refuse",
    "SimCamera",
    "Simulator",
    "Stall",
]
