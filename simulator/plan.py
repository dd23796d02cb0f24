"""A camera's faults as answers to "and now?"; times are seconds of its stream."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.camera import (
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


@dataclass(frozen=True, slots=True)
class SimulatorLogin:
    user: str
    password: str


class FaultPlan:
    def __init__(self, camera: SimCamera) -> None:
        self._faults: tuple[Fault, ...] = camera.faults
        self._login = (
            SimulatorLogin(camera.user, camera.password or "") if camera.user is not None else None
        )

    def add(self, fault: Fault) -> None:
        self._faults = (*self._faults, fault)

    def stalled(self, at_s: float) -> bool:
        return any(
            fault.at_s <= at_s < fault.at_s + fault.for_s
            for fault in self._faults
            if isinstance(fault, Stall)
        )

    def next_cut_s(self, after_s: float) -> float | None:
        return min(
            (
                fault.at_s
                for fault in self._faults
                if isinstance(fault, ConnectionCut) and fault.at_s > after_s
            ),
            default=None,
        )

    def jumped_s(self, at_s: float) -> float:
        """How far RTP timestamps are off by now."""
        return sum(
            fault.by_s for fault in self._faults if isinstance(fault, Jump) and fault.at_s <= at_s
        )

    def loss(self, at_s: float) -> PacketLoss | None:
        return next(
            (
                one
                for one in self._faults
                if isinstance(one, PacketLoss) and one.at_s <= at_s < one.at_s + one.for_s
            ),
            None,
        )

    def refuses(self, at_s: float) -> bool:
        return any(
            fault.at_s <= at_s < fault.at_s + fault.for_s
            for fault in self._faults
            if isinstance(fault, Refuse)
        )

    def has_no_video(self, at_s: float) -> bool:
        return any(
            fault.at_s <= at_s < fault.at_s + fault.for_s
            for fault in self._faults
            if isinstance(fault, NoVideo)
        )

    def login(self, at_s: float) -> SimulatorLogin | None:
        """Who may come in; None where everybody may."""
        changes = [
            fault for fault in self._faults if isinstance(fault, NewPassword) and fault.at_s <= at_s
        ]
        last = max(changes, key=lambda change: change.at_s, default=None)
        return SimulatorLogin(last.user, last.password) if last else self._login
