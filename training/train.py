"""Trains the plate reader on drawn plates; stops and goes on from its checkpoint. Not shipped in
the package.

`python -m training.train OUT --characters plate-characters.zip --font … --latin-font … --minutes
70`: OUT gets `checkpoint.pt` and `log.jsonl`. Each process has one thread, draws its own plates and
goes its own way for a few steps, then all take their mean.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from domain.clock import SystemClock
from training.arguments import parser_of
from training.capture import Hardness
from training.glyphs import SPLIT_SEED, Glyphs, load_characters, make_glyphs, split
from training.loss import exact_rate, loss_of
from training.model import PlateNet
from training.samples import Batch, Drawer, again
from training.warm_start import start_from

WARM_UP_STEPS = 300
EMA_DECAY = 0.998
GUIDED_FOR = 2.0
"""The inverse of the part of the training that uses the characters' places, with less weight."""
USES = 3
"""How often each drawn batch is used, changed a little: drawing costs a third of a step."""
STEPS_APART = 8
"""Between two means of the processes' weights: where others use the machine too, waiting for
each other at every step costs a third.
"""
GRADIENT_BOUND = 5.0
HELD_OUT_PLATES = 512
HELD_OUT_SEED = 20261124
"""One for all runs, whatever they draw from, so that their logs can be compared."""
LOSSES_SHOWN = 200


@dataclass(frozen=True)
class Plan:
    out: Path
    characters: Path
    fonts: tuple[Path, ...]
    latin_fonts: tuple[Path, ...]
    minutes: float
    processes: int = 2
    batch: int = 32
    peak_rate: float = 2e-3
    seed: int = HELD_OUT_SEED
    check_minutes: float = 3.0
    start: Path | None = None
    """Exported weights to begin with; drawn plates are then at their worst, and places untold,
    from the start.
    """


@dataclass
class Progress:
    step: int = 0
    samples: int = 0
    seconds: float = 0.0


def make_all_glyphs(plan: Plan) -> tuple[Glyphs, Glyphs]:
    """Glyphs to train with, and those of characters that training never sees."""
    train, held = split(load_characters(plan.characters), SPLIT_SEED)
    return make_glyphs(train, plan.fonts, plan.latin_fonts), make_glyphs(
        held, plan.fonts, plan.latin_fonts
    )


class Trainer:
    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self._plan, self._rank, self._clock = plan, rank, SystemClock()
        glyphs, held = make_all_glyphs(plan)
        self._glyphs = glyphs
        self._net = PlateNet().to(memory_format=torch.channels_last)
        if plan.start is not None:
            start_from(
                self._net,
                plan.start,
                torch.from_numpy(
                    Drawer(glyphs, plan.seed, stream=1002).batch(0, HELD_OUT_PLATES).crops
                ),
            )
        self._mean = PlateNet().to(memory_format=torch.channels_last).eval()
        self._mean.load_state_dict(self._net.state_dict())
        self._optimiser = torch.optim.AdamW(
            self._net.parameters(), lr=plan.peak_rate, weight_decay=1e-3
        )
        self._progress = Progress()
        self._batch: Batch | None = None
        self._resume()
        if rank == 0:
            drawn = {
                "drawn": Drawer(glyphs, HELD_OUT_SEED, stream=1000),
                "held out": Drawer(held, HELD_OUT_SEED, stream=1001),
            }
            self._checks = {
                name: drawer.batch(0, HELD_OUT_PLATES) for name, drawer in drawn.items()
            }

    def run(self) -> None:
        began = checked = _first_says(self._clock.monotonic_s())
        before, samples_before = self._progress.seconds, self._progress.samples
        losses: list[float] = []
        while self._progress.seconds < self._plan.minutes * 60:
            losses = [*losses, *(self._step() for _ in range(STEPS_APART))][-LOSSES_SHOWN:]
            _average(self._net)
            now = _first_says(self._clock.monotonic_s())
            self._progress.seconds = before + now - began
            if now - checked > self._plan.check_minutes * 60 or self._done() == 1:
                checked = now
                rate = (self._progress.samples - samples_before) / (now - began)
                self._check(float(np.mean(losses)), rate)

    def _step(self) -> float:
        plan, progress = self._plan, self._progress
        if progress.step % USES == 0 or self._batch is None:
            hardness = Hardness() if plan.start else _hardness(self._done())
            drawer = Drawer(self._glyphs, plan.seed, self._rank, hardness, varied=True)
            self._batch = batch = drawer.batch(progress.step * plan.batch, plan.batch)
        else:
            batch = again(
                self._batch, np.random.default_rng([plan.seed, self._rank, progress.step])
            )
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._net.train()
        loss = loss_of(
            self._net, batch, guided=0.0 if plan.start else max(0.0, 1 - GUIDED_FOR * self._done())
        )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._net.parameters(), GRADIENT_BOUND)
        self._optimiser.step()
        self._follow()
        progress.step += 1
        progress.samples += plan.batch * plan.processes
        return float(loss.item())

    def _rate(self) -> float:
        warm = min(1.0, (self._progress.step + 1) / WARM_UP_STEPS)
        return self._plan.peak_rate * warm * (0.5 * (1 + math.cos(math.pi * self._done())) + 0.005)

    def _done(self) -> float:
        return min(1.0, self._progress.seconds / (self._plan.minutes * 60))

    def _follow(self) -> None:
        decay = min(EMA_DECAY, (self._progress.step + 1) / (self._progress.step + 20))
        with torch.no_grad():
            for mean, now in zip(
                self._mean.state_dict().values(), self._net.state_dict().values(), strict=True
            ):
                if mean.dtype.is_floating_point:
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)

    def _check(self, loss: float, rate: float) -> None:
        _average(self._mean)
        if self._rank != 0:
            return
        line: dict[str, float | str] = {
            "step": self._progress.step,
            "samples": self._progress.samples,
            "minutes": round(self._progress.seconds / 60, 2),
            "loss": round(loss, 4),
            "learning_rate": round(self._rate(), 6),
            "samples_a_second": round(rate, 1),
        }
        for name, batch in self._checks.items():
            line[f"exact, {name}"] = round(exact_rate(self._mean, batch), 4)
        with (self._plan.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        self._save()

    def _save(self) -> None:
        state = {
            "net": self._net.state_dict(),
            "mean": self._mean.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "progress": vars(self._progress),
            "seed": self._plan.seed,
        }
        fresh = self._plan.out / "checkpoint.new"
        torch.save(state, fresh)
        fresh.replace(self._plan.out / "checkpoint.pt")

    def _resume(self) -> None:
        path = self._plan.out / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=True)
            self._net.load_state_dict(state["net"])
            self._mean.load_state_dict(state["mean"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._progress = Progress(**state["progress"])


def _hardness(done: float) -> Hardness:
    """Mild pictures first, which teach the glyphs; the worst from a quarter of the training on."""
    return Hardness(level=min(1.0, 0.4 + 2.4 * done), least_height_px=max(10.0, 20 - 40 * done))


def _average(net: nn.Module) -> None:
    """Give every process the mean of all processes' weights and statistics."""
    with torch.no_grad():
        parts = [part for part in net.state_dict().values() if part.dtype.is_floating_point]
        flat = torch.cat([part.reshape(-1) for part in parts])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        for part, mean in zip(parts, flat.split([part.numel() for part in parts]), strict=True):
            part.copy_(mean.view_as(part))


def _first_says(value: float) -> float:
    """The first process's value, so that all of them check and stop at the same step."""
    shared = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared.item())


def _work(rank: int, plan: Plan) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    meeting = (plan.out / "meeting").resolve()
    dist.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=plan.processes
    )
    Trainer(plan, rank).run()
    dist.destroy_process_group()


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--minutes", type=float, required=True, help="of training in all, earlier runs counted"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument(
        "--start",
        type=Path,
        metavar="FILE.onnx",
        help="exported weights to begin with, rather than with nothing",
    )
    parser.add_argument(
        "--peak-rate", type=float, default=Plan.peak_rate, help="of learning, the highest"
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "meeting").unlink(missing_ok=True)
    fonts, latin = tuple(given.font), tuple(given.latin_font)
    rates = {"peak_rate": given.peak_rate, "seed": given.seed, "start": given.start}
    plan = Plan(given.out, given.characters, fonts, latin, given.minutes, given.processes, **rates)
    mp.spawn(_work, args=(plan,), nprocs=plan.processes)


if __name__ == "__main__":
    main()
